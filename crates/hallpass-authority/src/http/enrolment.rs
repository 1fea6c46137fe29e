//! `POST /v1/verifiers`: a verifier becomes known, by a code or by the key of the one it goes on from.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hallpass_journal::{OperatorRefused, Text};
use hallpass_keys::VerifyingKey;
use hallpass_keys::note::NoteVerifier;
use hallpass_vocabulary::{Audience, RequestId, Timestamp};

use super::body::{self, BodyBounds, JSON};
use super::problem::{Problem, ProblemCode};
use super::verifier_gate::{Claimed, Turned};
use crate::fleet::{Proof, Unenrolled, Wish};
use crate::refusals::Caller;
use crate::service::Service;
use crate::store::VerifierRow;

/// What is asked.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    audience: Audience,
    key: VerifyingKey,
    /// The vkey of the journal.
    journal: String,
    /// A checkpoint of it, as it was signed.
    checkpoint: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    predecessor: Option<String>,
}

/// What is answered.
#[derive(serde::Serialize)]
struct Answer {
    origin: String,
    audience: Audience,
    enrolled_at: Timestamp,
}

pub(super) async fn post(State(service): State<Arc<Service>>, request: Request) -> Response {
    let instance = service.request_id();
    // A task of its own: a caller that hangs up must not stop an enrolment between its records.
    let enrolling = tokio::spawn(async move {
        let enrolled = enrol(&service, instance, request).await;
        enrolled.map_or_else(Problem::into_response, said)
    });
    enrolling
        .await
        .unwrap_or_else(|_| Problem::new(ProblemCode::Unavailable, instance).into_response())
}

async fn enrol(
    service: &Service,
    instance: RequestId,
    request: Request,
) -> Result<VerifierRow, Problem> {
    let (head, body) = request.into_parts();
    if !body::is_of(&head.headers, JSON) {
        return Err(Problem::new(ProblemCode::MediaTypeUnsupported, instance));
    }
    // Who asks is known by what is asked; the body is as small as a stranger's.
    let body = body::read_within(body, instance, BodyBounds::STRANGER).await?;
    let malformed = || Problem::new(ProblemCode::BodyMalformed, instance);
    let asked: Asked = serde_json::from_slice(&body).map_err(|_| malformed())?;
    let signed = async {
        let claimed = Claimed::of(&head.headers)?;
        claimed.verify(service, &head, &asked.key)?;
        claimed.is_of(&body)?;
        claimed.remember(service, instance).await
    };
    signed
        .await
        .map_err(|turned: Turned| turned.problem(instance))?;
    let journal: NoteVerifier = asked
        .journal
        .parse()
        .map_err(|_| malformed().pointer("/journal"))?;
    let proof = match (asked.code, asked.predecessor) {
        (Some(code), None) => Proof::Code(code),
        (None, Some(predecessor)) => Proof::Predecessor(predecessor),
        _ => return Err(malformed().detail("expected either `code` or `predecessor`")),
    };
    let audience = asked.audience.clone();
    let wish = Wish {
        audience: asked.audience,
        key: asked.key,
        journal,
        checkpoint: asked.checkpoint,
        proof,
    };
    match service.enrol_verifier(wish).await {
        Ok(row) => Ok(row),
        Err(why) => Err(refuse(service, instance, &audience, asked.key, &why).await),
    }
}

/// Records why a verifier is not enrolled, and says what it is told: one thing for all that is its own fault.
async fn refuse(
    service: &Service,
    instance: RequestId,
    audience: &Audience,
    key: VerifyingKey,
    why: &Unenrolled,
) -> Problem {
    let Some(code) = why.code() else {
        return told(why, instance);
    };
    let refused = OperatorRefused {
        request: Some(instance),
        code: Text::new(code),
        detail: Some(Text::new(&format!("a verifier of `{audience}`: {why}"))),
        action: Some(Text::new("POST /v1/verifiers")),
        operator: None,
        key: Some(key.id()),
    };
    service
        .record_operator_refusal(Caller::Stranger, code, refused)
        .await;
    Problem::new(ProblemCode::EnrolmentRefused, instance)
}

/// What is told of a change to verifiers that was not made.
pub(super) fn told(why: &Unenrolled, instance: RequestId) -> Problem {
    let code = match why {
        Unenrolled::Journal(_) => ProblemCode::JournalUnavailable,
        Unenrolled::Later | Unenrolled::Store(_) => ProblemCode::StoreUnavailable,
        Unenrolled::Randomness(_) => ProblemCode::Unavailable,
        Unenrolled::Unknown => ProblemCode::VerifierUnknown,
        _ => ProblemCode::EnrolmentRefused,
    };
    let error = why as &dyn std::error::Error;
    tracing::debug!(request.id = %instance, error, "a verifier's registration was not changed");
    Problem::new(code, instance)
}

fn said(row: VerifierRow) -> Response {
    let answer = Answer {
        origin: row.origin().to_owned(),
        audience: row.enrolled.audience.clone(),
        enrolled_at: row.at,
    };
    let mut response = (StatusCode::OK, Json(answer)).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
