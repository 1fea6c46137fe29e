//! `POST /v1/clock`: what time it is here, signed for whoever asks.
//!
//! Who asks sends a nonce and measures how long the answer takes: it was made within that time, so it is off by no more.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hallpass_keys::dsse::Envelope;
use hallpass_vocabulary::RequestId;

use super::body;
use super::problem::{Problem, ProblemCode};
use crate::request;
use crate::service::Service;

/// Answers a second. Every one is a signature; a verifier asks every ten minutes, so 100,000 of them ask 170 times a second.
pub(crate) const ANSWERS_PER_SECOND: u32 = 1_000;

pub(super) async fn post(State(service): State<Arc<Service>>, request: Request) -> Response {
    let instance = service.request_id();
    let mut response = match answer(&service, instance, request).await {
        Ok(envelope) => Json(envelope).into_response(),
        Err(problem) => return problem.into_response(),
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn answer(
    service: &Service,
    instance: RequestId,
    request: Request,
) -> Result<Envelope, Problem> {
    let (head, body) = request.into_parts();
    if !body::is_of(&head.headers, body::JSON) {
        return Err(Problem::new(ProblemCode::MediaTypeUnsupported, instance));
    }
    let body = body::read(body, instance).await?;
    let nonce = request::nonce(&body).map_err(|bad| {
        Problem::new(ProblemCode::BodyMalformed, instance)
            .pointer(bad.pointer)
            .detail(bad.detail)
    })?;
    if !service.clock_pace.admits(Instant::now()) {
        return Err(Problem::new(ProblemCode::Overloaded, instance));
    }
    service.publisher.clock(nonce).map_err(|error| {
        let error = &error as &dyn std::error::Error;
        tracing::error!(error, "the time cannot be signed");
        Problem::new(ProblemCode::Unavailable, instance)
    })
}
