//! The HTTP face: routes, and nothing else. What they do is in the service.

mod body;
mod bounds;
mod bundle;
pub(crate) mod current;
mod edge;
mod health;
pub(crate) mod limits;
mod metrics;
mod minting;
mod oauth;
mod problem;
mod queries;
mod run_end;
mod tokens;
mod well_known;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::service::Service;
use bounds::Lanes;
use edge::Edge;
use problem::{Problem, ProblemCode};

/// Every path of the authority.
pub(crate) fn router(service: Arc<Service>) -> Router {
    let edge = Arc::new(Edge {
        service: Arc::clone(&service),
        lanes: Lanes::default(),
    });
    Router::new()
        .route("/.well-known/hallpass", get(well_known::get))
        .route("/metrics", get(metrics::get))
        .route("/v1/tokens", post(tokens::post))
        .route("/oauth/token", post(oauth::post))
        .route("/v1/runs/{run}/end", post(run_end::post))
        .route("/v1/bundle", get(bundle::get))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(service)
        .layer(from_fn_with_state(edge, edge::edge))
}

async fn not_found(State(service): State<Arc<Service>>) -> Problem {
    Problem::new(ProblemCode::NotFound, service.request_id())
}

async fn method_not_allowed(State(service): State<Arc<Service>>) -> Problem {
    Problem::new(ProblemCode::MethodNotAllowed, service.request_id())
}
