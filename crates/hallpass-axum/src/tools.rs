//! The router: guards what it routes to.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Request;
use axum::response::Response;
use axum::routing::any;
use hallpass_verifier::{Outcome, Verifier};
use hallpass_vocabulary::{InvalidName, ToolName};
use serde_json::Value;

use crate::guarded::Guarded;
use crate::{ToolFailure, problem, request};

/// A tool that cannot be added. Found when the service starts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolsError {
    /// Two handlers for one name.
    #[error("tool `{0}` is added twice")]
    AddedTwice(ToolName),
    /// The name of a tool is none.
    #[error("`{name}` is no tool name: {reason}")]
    InvalidName {
        /// What was given.
        name: String,
        /// What is wrong with it.
        reason: InvalidName,
    },
}

type Answer = Pin<Box<dyn Future<Output = Result<Value, ToolFailure>> + Send>>;
type Handler = Box<dyn Fn(Guarded) -> Answer + Send + Sync>;

/// The tools of a service, each behind the verifier: `POST /tools/{tool}`.
pub struct Tools {
    verifier: Verifier,
    handlers: HashMap<ToolName, Handler>,
    first_error: Option<ToolsError>,
}

impl Tools {
    /// No tools yet, guarded by this verifier.
    pub fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            handlers: HashMap::new(),
            first_error: None,
        }
    }

    /// Adds a tool. The handler runs only for calls that were allowed and recorded; its answer is recorded too.
    #[must_use]
    pub fn tool<H, F>(mut self, name: &str, handler: H) -> Self
    where
        H: Fn(Guarded) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Value, ToolFailure>> + Send + 'static,
    {
        let handler: Handler = Box::new(move |call| Box::pin(handler(call)));
        let added = match ToolName::new(name) {
            Err(reason) => Err(ToolsError::InvalidName {
                name: name.to_owned(),
                reason,
            }),
            Ok(parsed) if self.handlers.contains_key(&parsed) => {
                Err(ToolsError::AddedTwice(parsed))
            }
            Ok(parsed) => Ok(parsed),
        };
        match added {
            Ok(parsed) => {
                self.handlers.insert(parsed, handler);
            }
            Err(error) => {
                self.first_error.get_or_insert(error);
            }
        }
        self
    }

    /// The axum router.
    ///
    /// # Errors
    /// The first tool that could not be added.
    pub fn into_router(self) -> Result<Router, ToolsError> {
        match self.first_error {
            Some(error) => Err(error),
            None => Ok(Router::new()
                .route("/tools/{tool}", any(serve))
                .with_state(Arc::new(self))),
        }
    }
}

async fn serve(
    State(tools): State<Arc<Tools>>,
    tool: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Response {
    // A path that is no text is no tool name either; the reader says so.
    let tool = tool.map_or_else(|_| String::new(), |Path(tool)| tool);
    let verifier = &tools.verifier;
    let received = request::read(
        request,
        &tool,
        verifier.audience().clone(),
        verifier.request_id(),
    )
    .await;
    let received = match received {
        Ok(received) => received,
        Err((code, detail)) => return problem::refusal_response(&verifier.refuse(code, &detail)),
    };
    let name = received.call.tool.clone();
    let permit = match verifier
        .authorize(received.token.as_deref(), received.call)
        .await
    {
        Ok(permit) => Arc::new(permit),
        Err(refusal) => return problem::refusal_response(&refusal),
    };
    let decision = permit.decision();
    let answer = match tools.handlers.get(&name) {
        Some(handler) => handler(Guarded::new(&permit)).await,
        None => Err(ToolFailure::Broken(format!(
            "tool `{name}` is in the catalogue but not in this service"
        ))),
    };
    let answer = answer.map(|value| value.to_string());
    if let Err(ToolFailure::Broken(reason)) = &answer {
        tracing::error!(decision.id = %decision, tool = %name, reason, "tool failed");
    }
    // When the handler kept the call alive elsewhere, nobody can say yet how it ends: the permit records that itself.
    if let Some(permit) = Arc::into_inner(permit) {
        let outcome = match &answer {
            Ok(body) => Outcome::succeeded(body.as_bytes()),
            Err(failure) => Outcome::failed(failure.class()),
        };
        if permit.finish(outcome).await.is_err() {
            tracing::warn!(decision.id = %decision, "outcome not recorded");
        }
    }
    match answer {
        Ok(body) => problem::success_response(body, decision),
        Err(failure) => problem::failure_response(&failure, decision),
    }
}
