//! The router: guards what it routes to.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Method, Request};
use axum::response::Response;
use axum::routing::any;
use hallpass_verifier::{Outcome, RECORD_WAIT_SECONDS_MAX, Verifier};
use hallpass_vocabulary::{DenialCode, InvalidName, ToolName};
use serde_json::Value;

use crate::guarded::Guarded;
use crate::request::{self, Received, Unreadable};
use crate::{ToolFailure, problem};

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
    /// Two tools for one method and path.
    #[error("`{method} {path}` is mapped twice")]
    MappedTwice {
        /// The method.
        method: Method,
        /// The path.
        path: String,
    },
    /// A path is mapped to a tool that was not added before.
    #[error("`{path}` is mapped to `{tool}`, which is not added")]
    MappedToNothing {
        /// The path.
        path: String,
        /// The tool.
        tool: String,
    },
}

type Answer = Pin<Box<dyn Future<Output = Result<Value, ToolFailure>> + Send>>;
type Handler = Box<dyn Fn(Guarded) -> Answer + Send + Sync>;

/// The tools of a service, each behind the verifier: `POST /tools/{tool}`.
pub struct Tools {
    verifier: Verifier,
    handlers: HashMap<ToolName, Handler>,
    rest: BTreeMap<String, HashMap<Method, ToolName>>,
    first_error: Option<ToolsError>,
}

impl Tools {
    /// No tools yet, guarded by this verifier.
    pub fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            handlers: HashMap::new(),
            rest: BTreeMap::new(),
            first_error: None,
        }
    }

    /// Adds a tool. The handler runs only for calls that were allowed and recorded; its answer is recorded too.
    ///
    /// A handler that could run without a guarded call does not compile:
    ///
    /// ```compile_fail,E0593
    /// # use hallpass_axum::{ToolFailure, Tools};
    /// # fn add(tools: Tools) {
    /// async fn search() -> Result<serde_json::Value, ToolFailure> {
    ///     Ok(serde_json::json!({}))
    /// }
    /// let tools = tools.tool("kb.search", search);
    /// # }
    /// ```
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

    /// Also answers a tool at a path of its own: `GET /tickets/{id}` for `tickets.get`. Arguments come from the path, the
    /// query and, where there is one, the JSON body; a name in two places is refused. What comes in the path or the query
    /// is text.
    #[must_use]
    pub fn rest(mut self, method: Method, path: &str, tool: &str) -> Self {
        let Some((tool, _)) = self.handlers.get_key_value(tool) else {
            let error = ToolsError::MappedToNothing {
                path: path.to_owned(),
                tool: tool.to_owned(),
            };
            self.first_error.get_or_insert(error);
            return self;
        };
        let methods = self.rest.entry(path.to_owned()).or_default();
        if methods.insert(method.clone(), tool.clone()).is_some() {
            self.first_error.get_or_insert(ToolsError::MappedTwice {
                method,
                path: path.to_owned(),
            });
        }
        self
    }

    /// The axum router.
    ///
    /// # Errors
    /// The first tool or path that could not be added.
    ///
    /// # Panics
    /// Where axum does, on a path that is none or two that overlap: a mistake of the service's author, at start.
    pub fn into_router(mut self) -> Result<Router, ToolsError> {
        if let Some(error) = self.first_error {
            return Err(error);
        }
        let paths = std::mem::take(&mut self.rest);
        let mut router = Router::new().route("/tools/{tool}", any(native));
        for (path, methods) in paths {
            let methods = Arc::new(methods);
            router = router.route(
                &path,
                any(move |state, path, request| rest(methods, state, path, request)),
            );
        }
        Ok(router.with_state(Arc::new(self)))
    }
}

async fn native(
    State(tools): State<Arc<Tools>>,
    tool: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Response {
    let verifier = &tools.verifier;
    // A path that is no text is no tool name either; the reader says so.
    let tool = tool.map_or_else(|_| String::new(), |Path(tool)| tool);
    let (audience, id) = (verifier.audience().clone(), verifier.request_id());
    let received = request::native(request, &tool, audience, id).await;
    run(&tools, received).await
}

async fn rest(
    methods: Arc<HashMap<Method, ToolName>>,
    State(tools): State<Arc<Tools>>,
    path: Result<Path<Vec<(String, String)>>, PathRejection>,
    request: Request<Body>,
) -> Response {
    let verifier = &tools.verifier;
    let (audience, id) = (verifier.audience().clone(), verifier.request_id());
    let received = match (methods.get(request.method()), path) {
        (None, _) => Err((
            DenialCode::RequestMalformed,
            "no tool answers this method here".to_owned(),
        )),
        (_, Err(_)) => Err((
            DenialCode::RequestMalformed,
            "the path is not UTF-8".to_owned(),
        )),
        (Some(tool), Ok(Path(path))) => {
            request::rest(request, tool.clone(), path, audience, id).await
        }
    };
    run(&tools, received).await
}

/// Authorizes, runs, records how it ended, answers.
async fn run(tools: &Tools, received: Result<Received, Unreadable>) -> Response {
    let verifier = &tools.verifier;
    let received = match received {
        Ok(received) => received,
        Err((code, detail)) => return problem::refusal_response(&verifier.refuse(code, &detail)),
    };
    let name = received.call.tool.clone();
    let mut commit = verifier.authorize(received.token.as_deref(), received.call);
    let answer = match in_time(&mut commit).await {
        Some(answer) => answer,
        None => commit.give_up().map_err(|refusal| match refusal.code() {
            // No record has this denial: were the decision to be recorded yet, it would be recorded as abandoned too.
            DenialCode::JournalUnavailable => {
                let detail = "the record was not written in time";
                verifier.refuse(DenialCode::JournalUnavailable, detail)
            }
            _ => refusal,
        }),
    };
    let permit = match answer {
        Ok(permit) => Arc::new(permit),
        Err(refusal) => return problem::refusal_response(&refusal),
    };
    let decision = permit.decision();
    if permit.record().is_none() {
        tracing::warn!(decision.id = %decision, tool = %name, "allowed without waiting for a record");
    }
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
        if !matches!(in_time(permit.finish(outcome)).await, Some(Ok(_))) {
            tracing::warn!(decision.id = %decision, "outcome not recorded");
        }
    }
    match answer {
        Ok(body) => problem::success_response(body, decision),
        Err(failure) => problem::failure_response(&failure, decision),
    }
}

/// The answer of the journal, if it comes within [`RECORD_WAIT_SECONDS_MAX`]. A future has no end of its own, and a disk
/// that hangs must not hold callers for ever.
async fn in_time<T>(answer: impl Future<Output = T>) -> Option<T> {
    let limit = Duration::from_secs(RECORD_WAIT_SECONDS_MAX);
    tokio::time::timeout(limit, answer).await.ok()
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_hangs_holds_a_caller_no_longer_than_a_thread() {
        assert_eq!(in_time(ready(1)).await, Some(1));
        let begun = tokio::time::Instant::now();
        assert_eq!(in_time(pending::<()>()).await, None);
        assert_eq!(begun.elapsed().as_secs(), RECORD_WAIT_SECONDS_MAX);
    }
}
