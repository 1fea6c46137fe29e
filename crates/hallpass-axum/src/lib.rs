//! The HTTP binding of the verifier for axum services (`docs/http-binding.md`).
//!
//! Floor 6: where the verifier and axum meet. [`Tools`] is a router that guards what it routes to: a handler's only
//! argument is a [`Guarded`] call, and there is no other way to add one.
//!
//! ```no_run
//! use hallpass_axum::{Guarded, ToolFailure, Tools};
//! use hallpass_verifier::Verifier;
//! use serde_json::{Value, json};
//!
//! async fn search(call: Guarded) -> Result<Value, ToolFailure> {
//!     let query = call.text("query")?;
//!     Ok(json!({ "tenant": call.tenant(), "query": query, "articles": [] }))
//! }
//!
//! fn router(verifier: Verifier) -> Result<axum::Router, hallpass_axum::ToolsError> {
//!     Tools::new(verifier).tool("kb.search", search).into_router()
//! }
//! ```

mod failure;
mod guarded;
mod problem;
mod request;
mod tools;

pub use failure::ToolFailure;
pub use guarded::Guarded;
pub use problem::{DECISION_HEADER, refusal_response};
pub use request::BODY_READ_SECONDS_MAX;
pub use tools::{Tools, ToolsError};

/// The Rust of README.md compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
