//! What happens to every request before and after its handler: an id, bounds, measurements, one line in the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::Limited;

use super::bounds::{Bounds, Lanes};
use super::current;
use super::operator_gate;
use super::problem::{Problem, ProblemCode};
use crate::service::Service;

/// The id of the request, in its answer: the same as in the log and in records about it.
const REQUEST_HEADER: HeaderName = HeaderName::from_static("hallpass-request");

/// How much more of a body than its bound may arrive before it is cut off: more than arrives in one piece.
const BODY_SLACK_BYTES: usize = 64 * 1024;

/// What the edge needs.
pub(super) struct Edge {
    pub(super) service: Arc<Service>,
    pub(super) lanes: Lanes,
}

pub(super) async fn edge(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = edge.service.request_id();
    let method = method_name(request.method());
    let endpoint = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let is_signed = operator_gate::is_signed(request.headers());
    let bounds = Bounds::of(&endpoint, request.method(), is_signed);
    let answer = bounded(&edge.lanes, bounds, request, next);
    let mut response = current::within(id, answer).await;
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_HEADER, value);
    }
    let code = response.extensions().get::<ProblemCode>();
    let code = code.map(|code| code.as_str());
    measure(
        &edge.service,
        &endpoint,
        method,
        &response,
        code,
        started.elapsed(),
    );
    tracing::debug!(
        request.id = %id,
        http.method = method,
        http.route = endpoint,
        http.status = response.status().as_u16(),
        problem.code = code,
        latency_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
    response
}

/// The answer within the endpoint's bounds.
async fn bounded(lanes: &Lanes, bounds: Bounds, request: Request, next: Next) -> Response {
    let problem = |code| {
        // The edge runs within the id it gave.
        current::request_id().map_or_else(
            || axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response(),
            |id| Problem::new(code, id).into_response(),
        )
    };
    let Ok(_seat) = lanes.enter(bounds.lane) else {
        return problem(ProblemCode::Overloaded);
    };
    if declared_bytes(&request).is_some_and(|bytes| bytes > bounds.body_bytes) {
        return problem(ProblemCode::RequestTooLarge);
    }
    // What is not declared is cut off where it goes on, after the handler had the chance to say so itself.
    let most = bounds.body_bytes.saturating_add(BODY_SLACK_BYTES);
    let request = request.map(|body| Body::new(Limited::new(body, most)));
    match tokio::time::timeout(bounds.total, next.run(request)).await {
        Ok(response) => response,
        Err(_) => problem(ProblemCode::Overloaded),
    }
}

fn declared_bytes(request: &Request) -> Option<usize> {
    let declared = request.headers().get(header::CONTENT_LENGTH)?;
    // hyper has refused what is no number; one that does not fit is more than any bound.
    Some(declared.to_str().ok()?.parse().unwrap_or(usize::MAX))
}

fn measure(
    service: &Service,
    endpoint: &str,
    method: &'static str,
    response: &Response,
    code: Option<&'static str>,
    took: Duration,
) {
    let metrics = &service.metrics;
    let status = response.status();
    metrics.answered(endpoint, method, status.as_u16(), took);
    if let Some(code) = code {
        metrics.refused(code);
    }
    if method == "POST" && ["/v1/tokens", "/oauth/token"].contains(&endpoint) {
        let refused = (!status.is_success()).then(|| code.unwrap_or("unknown"));
        metrics.mint_answered(refused, took);
    }
}

/// The methods there are; anybody may send any other, so those have one name together.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "DELETE" => "DELETE",
        "GET" => "GET",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        "POST" => "POST",
        "PUT" => "PUT",
        _ => "other",
    }
}
