//! `/livez` and `/readyz`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::service::Service;

/// What a probe is told.
#[derive(serde::Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unready: Vec<&'static str>,
}

/// The process answers.
pub(super) async fn livez() -> Response {
    health(Vec::new())
}

/// It can mint: the journal takes records and the store keeps up. The policy is loaded, or it would not run at all.
pub(super) async fn readyz(State(service): State<Arc<Service>>) -> Response {
    health(service.unready())
}

fn health(unready: Vec<&'static str>) -> Response {
    let (code, status) = if unready.is_empty() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unready")
    };
    let mut response = (code, Json(Health { status, unready })).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
