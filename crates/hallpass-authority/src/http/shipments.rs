//! `POST /v1/verifiers/{origin}/records`: lines of a verifier's journal, compressed, on their way to be kept.

use std::io::Read as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::read::GzDecoder;
use hallpass_journal::merkle::{Hash, Tree};
use hallpass_vocabulary::RequestId;

use super::body::{self, BodyBounds};
use super::problem::{Problem, ProblemCode};
use super::verifier_gate;
use crate::fleet::{Kept, SHIPMENT_LINES_BYTES_MAX, Unshipped};
use crate::service::Service;

/// The one form in which lines are sent.
const GZIP: &str = "application/gzip";

/// Bytes of a hash.
const HASH_BYTES: usize = 32;

/// How far the journal has come.
#[derive(serde::Serialize)]
struct Answer {
    held: u64,
    acknowledged: u64,
}

pub(super) async fn post(
    State(service): State<Arc<Service>>,
    Path(origin): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let instance = service.request_id();
    // A task of its own: what is written half is written again, but a refusal must be recorded.
    let taking = tokio::spawn(async move {
        let kept = take(&service, instance, &origin, query.as_deref(), request).await;
        kept.map_or_else(Problem::into_response, |kept| {
            Json(Answer {
                held: kept.held,
                acknowledged: kept.acknowledged,
            })
            .into_response()
        })
    });
    taking
        .await
        .unwrap_or_else(|_| Problem::new(ProblemCode::Unavailable, instance).into_response())
}

async fn take(
    service: &Service,
    instance: RequestId,
    origin: &str,
    query: Option<&str>,
    request: Request,
) -> Result<Kept, Problem> {
    let (head, body) = request.into_parts();
    if !body::is_of(&head.headers, GZIP) {
        return Err(Problem::new(ProblemCode::MediaTypeUnsupported, instance)
            .detail("the body must be application/gzip"));
    }
    let request = (&head, body);
    let (row, body) =
        verifier_gate::admit(service, instance, origin, request, BodyBounds::SHIPMENT).await?;
    let (from, before) = read(query).ok_or_else(|| {
        Problem::new(ProblemCode::QueryMalformed, instance)
            .detail("expected `from` and, behind pruned records, `frontier`")
    })?;
    let lines = tokio::task::spawn_blocking(move || unpacked(&body)).await;
    let lines = lines.map_err(|_| Problem::new(ProblemCode::Unavailable, instance))?;
    let lines = lines.map_err(|told| told.problem(instance))?;
    let known = service.fleet.of(row.origin());
    let kept = service.keep_records(&row, &known, lines, from, before);
    kept.await.map_err(|why| told(&why, instance))
}

/// Why lines cannot be had of a body.
enum Packed {
    Malformed,
    TooLarge,
}

impl Packed {
    fn problem(self, instance: RequestId) -> Problem {
        match self {
            Self::Malformed => Problem::new(ProblemCode::BodyMalformed, instance),
            Self::TooLarge => Problem::new(ProblemCode::RequestTooLarge, instance)
                .detail(format!("at most {SHIPMENT_LINES_BYTES_MAX} bytes of lines")),
        }
    }
}

/// The lines, and no more than there may be, however small they were packed.
fn unpacked(body: &[u8]) -> Result<Vec<u8>, Packed> {
    let mut lines = Vec::new();
    let most = SHIPMENT_LINES_BYTES_MAX as u64 + 1;
    GzDecoder::new(body)
        .take(most)
        .read_to_end(&mut lines)
        .map_err(|_| Packed::Malformed)?;
    if lines.len() > SHIPMENT_LINES_BYTES_MAX {
        return Err(Packed::TooLarge);
    }
    Ok(lines)
}

/// `from=N`, and `&frontier=` with the hashes over the records before it.
fn read(query: Option<&str>) -> Option<(u64, Option<Tree>)> {
    let query = query?.strip_prefix("from=")?;
    let (from, frontier) = match query.split_once("&frontier=") {
        Some((from, frontier)) => (from, Some(frontier)),
        None => (query, None),
    };
    let plain = from.bytes().all(|byte| byte.is_ascii_digit());
    let from: u64 = plain.then(|| from.parse().ok())??;
    let Some(frontier) = frontier else {
        return Some((from, None));
    };
    let bytes = URL_SAFE_NO_PAD.decode(frontier).ok()?;
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    if !rest.is_empty() {
        return None;
    }
    let hashes: Vec<Hash> = hashes.to_vec();
    Some((from, Some(Tree::of_frontier(from, hashes)?)))
}

pub(super) fn told(why: &Unshipped, instance: RequestId) -> Problem {
    let code = match why {
        Unshipped::Beyond | Unshipped::Lines(_) | Unshipped::OutOfOrder { .. } => {
            ProblemCode::ShipmentRefused
        }
        Unshipped::Differs { .. } => ProblemCode::CheckpointRefused,
        Unshipped::File(_) | Unshipped::State => ProblemCode::StoreUnavailable,
    };
    let problem = Problem::new(code, instance);
    match why {
        Unshipped::File(_) | Unshipped::State => {
            let error = why as &dyn std::error::Error;
            tracing::error!(request.id = %instance, error, "records of a verifier cannot be kept");
            problem.detail("the authority cannot keep records now")
        }
        _ => problem.detail(why.to_string()),
    }
}
