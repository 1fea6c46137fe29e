//! `GET /.well-known/hallpass`: who this is, and where things are.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use hallpass_token::VOCABULARY_VERSION;
use hallpass_vocabulary::{AuthorityId, Environment};

use crate::service::Service;

/// What a client, a verifier or a person needs to find the rest.
#[derive(serde::Serialize)]
struct WellKnown<'a> {
    authority: &'a AuthorityId,
    environment: &'a Environment,
    software: &'static str,
    token_format: i64,
    bundle_version: u64,
    endpoints: Endpoints,
}

/// Paths on the same origin.
#[derive(serde::Serialize)]
struct Endpoints {
    tokens: &'static str,
    oauth_token: &'static str,
    bundle: &'static str,
    bundle_events: &'static str,
    heartbeat: &'static str,
    clock: &'static str,
    openapi: &'static str,
    metrics: &'static str,
    ready: &'static str,
}

const ENDPOINTS: Endpoints = Endpoints {
    tokens: "/v1/tokens",
    oauth_token: "/oauth/token",
    bundle: "/v1/bundle",
    bundle_events: "/v1/bundle/events",
    heartbeat: "/v1/heartbeat",
    clock: "/v1/clock",
    openapi: "/openapi.json",
    metrics: "/metrics",
    ready: "/readyz",
};

pub(super) async fn get(State(service): State<Arc<Service>>) -> Response {
    let mut response = Json(WellKnown {
        authority: &service.name,
        environment: &service.environment,
        software: concat!("hallpass/", env!("CARGO_PKG_VERSION")),
        token_format: VOCABULARY_VERSION,
        bundle_version: service.publisher.version(),
        endpoints: ENDPOINTS,
    })
    .into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
