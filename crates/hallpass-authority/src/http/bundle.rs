//! `GET /v1/bundle` and `GET /v1/heartbeat`. Open to whoever reaches the port: both are signed, and hold nothing secret.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::pieces;
use super::problem::{Problem, ProblemCode};
use crate::publisher::{Format, Shown};
use crate::service::Service;

/// What holds of everything published: keep it, but ask every time whether it is still current (RFC 9111 section 5.2.2.4).
pub(super) const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

pub(super) async fn get(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let format = match query.as_deref() {
        None | Some("" | "format=1") => Format::One,
        Some("format=2") => Format::Two,
        Some(_) => {
            return Problem::new(ProblemCode::QueryMalformed, service.request_id())
                .detail("expected `format=1` or `format=2`")
                .into_response();
        }
    };
    let publication = match current(&service).await {
        Ok(shown) => shown.publication(format),
        Err(problem) => return problem.into_response(),
    };
    let Ok(etag) = HeaderValue::from_str(&publication.etag) else {
        return Problem::new(ProblemCode::Unavailable, service.request_id()).into_response();
    };
    let mut response = if is_known(&headers, &publication.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        json(pieces::body(publication.pieces))
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag);
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    response
}

pub(super) async fn heartbeat(State(service): State<Arc<Service>>) -> Response {
    let mut response = match current(&service).await {
        Ok(shown) => json(Body::from(shown.heartbeat())),
        Err(problem) => return problem.into_response(),
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, NO_CACHE);
    response
}

/// What is in force, with a heartbeat that is not older than it should be.
pub(super) async fn current(service: &Service) -> Result<Arc<Shown>, Problem> {
    if service.publisher.is_beat_due() {
        let publisher = Arc::clone(&service.publisher);
        // Signing, and now and then a write to disk: not for a thread that others wait for.
        let beaten = tokio::task::spawn_blocking(move || publisher.beat_if_due()).await;
        let refused = || Problem::new(ProblemCode::Unavailable, service.request_id());
        beaten.map_err(|_| refused())?.map_err(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the bundle cannot be published");
            refused()
        })?;
    }
    if service.publisher.is_expired() {
        return Err(Problem::new(ProblemCode::Unavailable, service.request_id()));
    }
    Ok(service.publisher.shown())
}

fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == etag)
}

fn json(body: Body) -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], body).into_response()
}
