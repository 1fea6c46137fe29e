//! `GET /v1/bundle`. Open to whoever reaches the port: it is signed, and it holds nothing secret.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::problem::{Problem, ProblemCode};
use crate::service::Service;

pub(super) async fn get(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    let publisher = Arc::clone(&service.publisher);
    // Signing, and now and then a write to disk: not for a thread that others wait for.
    let published = tokio::task::spawn_blocking(move || publisher.publication()).await;
    let publication = match published {
        Ok(Ok(publication)) => publication,
        Ok(Err(error)) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the bundle cannot be published"
            );
            return Problem::new(ProblemCode::Unavailable, service.request_id()).into_response();
        }
        Err(_) => {
            return Problem::new(ProblemCode::Unavailable, service.request_id()).into_response();
        }
    };
    let Ok(etag) = HeaderValue::from_str(&publication.etag) else {
        return Problem::new(ProblemCode::Unavailable, service.request_id()).into_response();
    };
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == publication.etag);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let json = HeaderValue::from_static("application/json");
        let body = axum::body::Bytes::from_owner(publication.json);
        ([(header::CONTENT_TYPE, json)], body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag);
    // RFC 9111 section 5.2.2.4: keep it, but ask every time whether it is still current.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
