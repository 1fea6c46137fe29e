//! `POST /v1/runs/{run}/end`: by the client that started the run, or by an operator.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hallpass_journal::{RunEnded, Text};
use hallpass_vocabulary::{OperatorId, RequestId, RunId, Timestamp};

use super::auth;
use super::body;
use super::limits::MINT_WAIT_MAX;
use super::problem::{Problem, ProblemCode};
use crate::mint::{Ended, Unended};
use crate::operator::Operator;
use crate::request;
use crate::service::Service;

/// What is said of a run that is ended.
#[derive(serde::Serialize)]
struct Answer {
    run_id: RunId,
    ended_at: Timestamp,
}

pub(super) async fn post(
    State(service): State<Arc<Service>>,
    Path(run): Path<String>,
    operator: Option<Extension<Operator>>,
    request: Request,
) -> Response {
    let instance = service.request_id();
    let operator = operator.map(|Extension(operator)| operator.id);
    match answer(&service, instance, &run, operator, request).await {
        Ok(ended) => said(ended),
        Err(problem) => problem.into_response(),
    }
}

async fn answer(
    service: &Arc<Service>,
    instance: RequestId,
    run: &str,
    operator: Option<OperatorId>,
    request: Request,
) -> Result<Ended, Problem> {
    let (head, body) = request.into_parts();
    // The gate in front has let an operator through, or it is a client that asks.
    let client = match operator {
        Some(_) => None,
        None => Some(auth::client(service, instance, &head.headers).await?),
    };
    let reason = read(&head.headers, body, instance).await?;
    if let Some(client) = &client {
        auth::still(service, instance, client).await?;
    }
    let ended = RunEnded {
        run: parsed(run, instance)?,
        client: client.map(|client| client.id),
        by: operator,
        reason,
    };
    end(service, instance, ended).await
}

/// The run of a path. What is no id is no run.
fn parsed(run: &str, instance: RequestId) -> Result<RunId, Problem> {
    run.parse()
        .map_err(|_| Problem::new(ProblemCode::RunUnknown, instance))
}

/// The reason in a body, which may be empty.
async fn read(
    headers: &HeaderMap,
    body: axum::body::Body,
    instance: RequestId,
) -> Result<Option<Text>, Problem> {
    let body = body::read(body, instance).await?;
    if !body.is_empty() && !body::is_of(headers, body::JSON) {
        return Err(Problem::new(ProblemCode::MediaTypeUnsupported, instance));
    }
    request::reason(&body).map_err(|bad| {
        Problem::new(ProblemCode::BodyMalformed, instance)
            .pointer(bad.pointer)
            .detail(bad.detail)
    })
}

/// Ends a run: only of this client, where a client asks. In a task of its own, as a mint.
async fn end(
    service: &Arc<Service>,
    instance: RequestId,
    ended: RunEnded,
) -> Result<Ended, Problem> {
    // An operator ends a run however many clients mint; their lane bounds how many do at once.
    let permit = match ended.by {
        Some(_) => None,
        None => {
            let permit = Arc::clone(&service.mints).try_acquire_owned();
            Some(permit.map_err(|_| Problem::new(ProblemCode::Overloaded, instance))?)
        }
    };
    let minter = Arc::clone(&service.minter);
    let task = tokio::spawn(async move {
        let _permit = permit;
        minter.end(ended).await
    });
    let outcome = tokio::time::timeout(MINT_WAIT_MAX, task)
        .await
        .map_err(|_| {
            service.recorder.has_failed();
            Problem::new(ProblemCode::Overloaded, instance)
        })?
        .map_err(|_| Problem::new(ProblemCode::Unavailable, instance))?;
    outcome.map_err(|unended| {
        tracing::info!(request.id = %instance, error = %unended, "did not end a run");
        let code = match unended {
            Unended::Journal(_) => ProblemCode::JournalUnavailable,
            Unended::RunUnknown => ProblemCode::RunUnknown,
            Unended::Store(_) => ProblemCode::StoreUnavailable,
        };
        Problem::new(code, instance)
    })
}

/// The answer for a run that is ended.
fn said(ended: Ended) -> Response {
    let document = Answer {
        run_id: ended.run,
        ended_at: ended.at,
    };
    let mut response = (StatusCode::OK, axum::Json(&document)).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
