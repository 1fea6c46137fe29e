//! The HTTP face: routes, and nothing else. What they do is in the service.

mod body;
mod bundle;
mod health;
pub(crate) mod limits;
mod minting;
mod oauth;
mod problem;
mod run_end;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};

use crate::service::Service;
use problem::{Problem, ProblemCode};

/// Every path of the authority.
pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/v1/tokens", post(tokens::post))
        .route("/oauth/token", post(oauth::post))
        .route("/v1/runs/{run}/end", post(run_end::post))
        .route("/v1/bundle", get(bundle::get))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(service)
}

async fn not_found(State(service): State<Arc<Service>>) -> Problem {
    Problem::new(ProblemCode::NotFound, service.request_id())
}

async fn method_not_allowed(State(service): State<Arc<Service>>) -> Problem {
    Problem::new(ProblemCode::MethodNotAllowed, service.request_id())
}
