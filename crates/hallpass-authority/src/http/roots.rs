//! `/v1/roots`: the root after the one in force, made and signed elsewhere.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::problem::{Problem, ProblemCode};
use crate::operator::Operator;
use crate::roots::RootRefused;
use crate::service::Service;

pub(super) async fn install(
    State(service): State<Arc<Service>>,
    Extension(operator): Extension<Operator>,
    body: axum::body::Bytes,
) -> Response {
    let instance = service.request_id();
    match service.install_root(&body, &operator.id).await {
        Ok(installed) => {
            let mut response = Json(&installed).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => {
            let code = match &error {
                RootRefused::Believe(_)
                | RootRefused::KeysMissing { .. }
                | RootRefused::Malformed(_)
                | RootRefused::Publish(_) => ProblemCode::RootRefused,
                RootRefused::Record(_) => ProblemCode::JournalUnavailable,
                _ => ProblemCode::Unavailable,
            };
            let mut words = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(next) = cause {
                words = format!("{words}: {next}");
                cause = next.source();
            }
            tracing::warn!(error = %words, "a root was not installed");
            Problem::new(code, instance).detail(words).into_response()
        }
    }
}
