//! `GET /metrics`: OpenMetrics, open to whoever reaches the port. It holds counts and codes, no name of anybody.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use crate::service::Service;

/// The OpenMetrics text format.
const CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

pub(super) async fn get(State(service): State<Arc<Service>>) -> Response {
    let text = service.metrics.text(&service.state());
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
