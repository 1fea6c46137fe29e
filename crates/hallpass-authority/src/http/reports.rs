//! `POST /v1/verifiers/{origin}/report`: what a verifier says of itself, and the newest checkpoint of its journal.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hallpass_vocabulary::{RequestId, Timestamp};

use super::body::{self, BodyBounds, JSON};
use super::enrolment::told;
use super::problem::{Problem, ProblemCode};
use super::verifier_gate;
use crate::fleet::{Outcome, Report};
use crate::service::Service;

/// What a verifier learns from being heard.
#[derive(serde::Serialize)]
struct Answer {
    time: Timestamp,
    /// The number of the newest bundle.
    bundle_version: u64,
    /// What came of the checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<&'static str>,
    /// How many records are witnessed; what the next proof is to start from.
    #[serde(skip_serializing_if = "Option::is_none")]
    witnessed: Option<u64>,
    /// How many records have arrived: the next one to ship.
    held: u64,
    /// How many records are kept, and may be pruned.
    acknowledged: u64,
    /// Records are to be shipped up to this size.
    #[serde(skip_serializing_if = "Option::is_none")]
    ship_to: Option<u64>,
}

pub(super) async fn post(
    State(service): State<Arc<Service>>,
    Path(origin): Path<String>,
    request: Request,
) -> Response {
    let instance = service.request_id();
    // A task of its own: a caller that hangs up must not stop a witness between its records.
    let hearing = tokio::spawn(async move {
        let heard = hear(&service, instance, &origin, request).await;
        heard.map_or_else(Problem::into_response, said)
    });
    hearing
        .await
        .unwrap_or_else(|_| Problem::new(ProblemCode::Unavailable, instance).into_response())
}

async fn hear(
    service: &Service,
    instance: RequestId,
    origin: &str,
    request: Request,
) -> Result<Answer, Problem> {
    let (head, body) = request.into_parts();
    if !body::is_of(&head.headers, JSON) {
        return Err(Problem::new(ProblemCode::MediaTypeUnsupported, instance));
    }
    let request = (&head, body);
    let (row, body) =
        verifier_gate::admit(service, instance, origin, request, BodyBounds::REPORT).await?;
    let malformed = || Problem::new(ProblemCode::BodyMalformed, instance);
    let mut report: Report = serde_json::from_slice(&body)
        .map_err(|error| malformed().detail(format!("not a report: {error}")))?;
    if !report.is_bounded() {
        return Err(malformed().detail("a member is longer than it may be"));
    }
    let claim = report.checkpoint.take();
    let known = service.fleet.of(row.origin());
    let now = service.clock.now();
    if !known.hear(report, now) {
        return Err(Problem::new(ProblemCode::ReportStale, instance));
    }
    let outcome = match &claim {
        None => None,
        Some(claim) => {
            let outcome = service.witness(&row, &known, claim).await;
            let outcome = outcome.map_err(|why| told(&why, instance))?;
            Some(outcome.ok_or_else(|| malformed().pointer("/checkpoint"))?)
        }
    };
    if let Some(Outcome::Refused(fault)) = outcome {
        return Err(Problem::new(ProblemCode::CheckpointRefused, instance)
            .detail(format!("the journal is `{}`", fault.as_str())));
    }
    let kept = service.kept_of(&row, &known).await;
    let kept = kept.map_err(|why| super::shipments::told(&why, instance))?;
    // As it is after this report.
    let row = service.store().verifier(origin).await.ok().flatten();
    let witnessed = row.and_then(|row| row.witnessed).map(|it| it.size);
    Ok(Answer {
        time: now,
        bundle_version: service.publisher.version(),
        checkpoint: outcome.map(Outcome::as_str),
        witnessed,
        held: kept.held,
        acknowledged: kept.acknowledged,
        ship_to: service.fleet.said(origin).target().map(|it| it.size),
    })
}

fn said(answer: Answer) -> Response {
    let mut response = Json(answer).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
