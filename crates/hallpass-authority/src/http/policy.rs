//! `/v1/policy`: the policy in force, and reading it again.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use hallpass_keys::Digest;
use hallpass_vocabulary::{Environment, RequestId};

use super::problem::{Problem, ProblemCode};
use crate::operator::Operator;
use crate::reload::{self, ReloadError};
use crate::service::Service;

/// The policy in force.
#[derive(serde::Serialize)]
struct InForce<'a> {
    environment: &'a Environment,
    policy: Digest,
    bundle_version: u64,
    routes: usize,
    tools: usize,
    warnings: Vec<String>,
}

pub(super) async fn read(State(service): State<Arc<Service>>) -> Response {
    let in_force = service.policy();
    let policy = &in_force.policy;
    let warnings = policy.warnings().iter().map(ToString::to_string);
    unstored(&InForce {
        environment: &service.environment,
        policy: in_force.digest,
        bundle_version: service.publisher.version(),
        routes: policy.routes().count(),
        tools: policy.catalogue().len(),
        warnings: warnings.collect(),
    })
}

pub(super) async fn reload(
    State(service): State<Arc<Service>>,
    Extension(operator): Extension<Operator>,
) -> Response {
    let instance = service.request_id();
    match reload::reload(&service, Some(operator.id)).await {
        Ok(reloaded) => unstored(&reloaded),
        Err(error) => refused(&error, instance).into_response(),
    }
}

/// The operator owns the policy, so every fault is told.
fn refused(error: &ReloadError, instance: RequestId) -> Problem {
    let code = match error {
        ReloadError::Directory(_)
        | ReloadError::Identity(_)
        | ReloadError::PolicyDigest(_)
        | ReloadError::Refused(_) => ProblemCode::PolicyRefused,
        ReloadError::Record(_) => ProblemCode::JournalUnavailable,
        ReloadError::Keep(_) | ReloadError::Publish(_) | ReloadError::Stopping => {
            ProblemCode::Unavailable
        }
    };
    let problem = Problem::new(code, instance);
    match error {
        ReloadError::Refused(errors) => problem.detail(errors.to_string()),
        _ if code == ProblemCode::PolicyRefused => problem.detail(reload::why(error)),
        _ => problem,
    }
}

fn unstored(answer: &impl serde::Serialize) -> Response {
    let mut response = (StatusCode::OK, Json(answer)).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
