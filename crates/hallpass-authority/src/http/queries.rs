//! What operators may ask: runs, tokens, and the records of the authority's own journal. Every answer is a page, and every
//! page costs a bounded amount of reading.

pub(super) mod decision;
pub(super) mod decisions;
pub(super) mod parameters;
pub(super) mod runs;
pub(super) mod tokens;

pub(super) use parameters::{Malformed, Parameters};

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hallpass_vocabulary::RequestId;

use super::problem::{Problem, ProblemCode};
use crate::store::StoreError;

/// Rows in a page unless the request says how many.
const PAGE_ROWS_DEFAULT: usize = 50;

/// An answer that names people and tenants: kept by nobody in between.
fn answer(document: &impl serde::Serialize) -> Response {
    let mut response = Json(document).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn unread(instance: RequestId, error: &StoreError) -> Problem {
    let error = error as &dyn std::error::Error;
    tracing::warn!(request.id = %instance, error, "the store cannot be read");
    Problem::new(ProblemCode::StoreUnavailable, instance)
}
