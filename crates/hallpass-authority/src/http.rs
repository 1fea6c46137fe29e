//! The HTTP face: routes, and nothing else. What they do is in the service.

mod auth;
mod body;
mod bounds;
mod bundle;
mod bundle_events;
mod clients;
pub(crate) mod clock;
pub(crate) mod current;
mod edge;
pub(crate) mod endpoints;
mod enrolment;
mod health;
mod keys;
pub(crate) mod limits;
mod metrics;
mod minting;
mod oauth;
mod openapi;
mod operator_gate;
mod operators;
pub(crate) mod pace;
mod pieces;
mod policy;
mod problem;
mod queries;
mod reports;
mod revocations;
mod roots;
mod run_end;
mod shipments;
mod stops;
mod tokens;
mod verifier_gate;
mod verifiers;
mod well_known;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, post};

use crate::service::Service;
use bounds::Lanes;
use edge::Edge;
use endpoints::Endpoint;
use operator_gate::Gate;
use problem::{Problem, ProblemCode};

/// Every path of the authority: those of the table, each behind its gate, and no others.
pub(crate) fn router(service: Arc<Service>) -> Router {
    let edge = Arc::new(Edge {
        service: Arc::clone(&service),
        lanes: Lanes::default(),
    });
    let mut router = Router::new();
    for endpoint in Endpoint::ALL {
        let gate = Gate {
            service: Arc::clone(&service),
            endpoint: *endpoint,
        };
        let gated = handler(*endpoint).route_layer(from_fn_with_state(gate, operator_gate::pass));
        router = router.route(endpoint.path(), gated);
    }
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(service)
        .layer(from_fn_with_state(edge, edge::edge))
}

/// What answers an endpoint.
fn handler(endpoint: Endpoint) -> MethodRouter<Arc<Service>> {
    match endpoint {
        Endpoint::BundleEvents => get(bundle_events::get),
        Endpoint::BundleGet => get(bundle::get),
        Endpoint::ClientDisable => post(clients::disable),
        Endpoint::ClientEnable => post(clients::enable),
        Endpoint::ClientSecretAdd => post(clients::add_secret),
        Endpoint::ClientSecretRetire => delete(clients::retire_secret),
        Endpoint::ClientsList => get(clients::list),
        Endpoint::ClockRead => post(clock::post),
        Endpoint::DecisionGet => get(queries::decision::get),
        Endpoint::DecisionsList => get(queries::decisions::list),
        Endpoint::HeartbeatGet => get(bundle::heartbeat),
        Endpoint::KeyRetire => post(keys::retire),
        Endpoint::KeyTaint => post(keys::taint),
        Endpoint::KeysList => get(keys::list),
        Endpoint::KeysRotate => post(keys::rotate),
        Endpoint::Livez => get(health::livez),
        Endpoint::Metrics => get(metrics::get),
        Endpoint::OauthToken => post(oauth::post),
        Endpoint::OpenApi => get(openapi::get),
        Endpoint::OperatorsList => get(operators::list),
        Endpoint::PolicyGet => get(policy::read),
        Endpoint::PolicyReload => post(policy::reload),
        Endpoint::Readyz => get(health::readyz),
        Endpoint::RevocationAdd => post(revocations::post),
        Endpoint::RootInstall => post(roots::install),
        Endpoint::RunEnd => post(run_end::post),
        Endpoint::RunGet => get(queries::runs::get),
        Endpoint::RunsList => get(queries::runs::list),
        Endpoint::StopGet => get(stops::get),
        Endpoint::StopLift => post(stops::lift),
        Endpoint::StopPlace => post(stops::place),
        Endpoint::StopsList => get(stops::list),
        Endpoint::TokenGet => get(queries::tokens::get),
        Endpoint::TokenMint => post(tokens::post),
        Endpoint::TokensList => get(queries::tokens::list),
        Endpoint::VerifierEnrol => post(enrolment::post),
        Endpoint::VerifierGet => get(verifiers::get),
        Endpoint::VerifierInvite => post(verifiers::invite),
        Endpoint::VerifierReport => post(reports::post),
        Endpoint::VerifierRetire => post(verifiers::retire),
        Endpoint::VerifierShip => post(shipments::post),
        Endpoint::VerifiersList => get(verifiers::list),
        Endpoint::WellKnown => get(well_known::get),
    }
}

async fn not_found(State(service): State<Arc<Service>>) -> Problem {
    Problem::new(ProblemCode::NotFound, service.request_id())
}

async fn method_not_allowed(State(service): State<Arc<Service>>) -> Problem {
    Problem::new(ProblemCode::MethodNotAllowed, service.request_id())
}
