//! `GET /v1/decisions/{decision}`: what is on record of one decision of a service, from the journals that verifiers shipped.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use hallpass_vocabulary::{Audience, DecisionId};

use super::answer;
use crate::fleet::find_decision;
use crate::http::problem::{Problem, ProblemCode};
use crate::service::Service;

/// A decision.
#[derive(serde::Serialize)]
struct Found {
    decision: DecisionId,
    /// The verifier that decided.
    verifier: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<Audience>,
    /// Its records, each as the line that stands in the journal.
    lines: Vec<String>,
}

pub(crate) async fn get(
    State(service): State<Arc<Service>>,
    Path(decision): Path<String>,
) -> Response {
    let instance = service.request_id();
    let unknown = || Problem::new(ProblemCode::DecisionUnknown, instance).into_response();
    // What is no id is the id of no decision.
    let Ok(decision) = decision.parse::<DecisionId>() else {
        return unknown();
    };
    let fleet = service.fleet.directory().to_owned();
    match tokio::task::spawn_blocking(move || find_decision(&fleet, decision)).await {
        Ok(Ok(Some(found))) => {
            let row = service.store().verifier(&found.origin).await.ok().flatten();
            answer(&Found {
                decision,
                verifier: found.origin,
                audience: row.map(|row| row.enrolled.audience),
                lines: found.lines,
            })
        }
        Ok(Ok(None)) => unknown(),
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(request.id = %instance, error, "a shipped journal cannot be read");
            Problem::new(ProblemCode::Unavailable, instance).into_response()
        }
        Err(_) => Problem::new(ProblemCode::Unavailable, instance).into_response(),
    }
}
