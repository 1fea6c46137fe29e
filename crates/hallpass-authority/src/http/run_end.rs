//! `POST /v1/runs/{run}/end`, for the client that started the run, and for operators.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hallpass_journal::RunEnded;
use hallpass_vocabulary::{ClientId, RequestId, RunId, Timestamp};

use super::body;
use super::limits::MINT_WAIT_MAX;
use super::problem::{Problem, ProblemCode};
use super::tokens::authenticate;
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
    request: Request,
) -> Response {
    let instance = service.request_id();
    match answer(&service, instance, &run, request).await {
        Ok(ended) => said(ended),
        Err(problem) => problem.into_response(),
    }
}

async fn answer(
    service: &Arc<Service>,
    instance: RequestId,
    run: &str,
    request: Request,
) -> Result<Ended, Problem> {
    let (head, body) = request.into_parts();
    // The gate puts it there, and nothing else does.
    if let Some(operator) = head.extensions.get::<Operator>() {
        let by = operator.id.clone();
        let reason = read(&head.headers, body, instance).await?;
        let ended = RunEnded {
            run: parsed(run, instance)?,
            client: None,
            by: Some(by),
            reason,
        };
        return end(service, instance, None, ended).await;
    }
    let asker = authenticate(service, instance, &head.headers).await?;
    let reason = read(&head.headers, body, instance).await?;
    let ended = RunEnded {
        run: parsed(run, instance)?,
        client: Some(asker.client.clone()),
        by: None,
        reason,
    };
    end(service, instance, Some(asker.client), ended).await
}

/// The run of a path. What is no id is no run.
pub(super) fn parsed(run: &str, instance: RequestId) -> Result<RunId, Problem> {
    run.parse()
        .map_err(|_| Problem::new(ProblemCode::RunUnknown, instance))
}

/// The reason in a body, which may be empty.
pub(super) async fn read(
    headers: &axum::http::HeaderMap,
    body: axum::body::Body,
    instance: RequestId,
) -> Result<Option<hallpass_journal::Text>, Problem> {
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
pub(super) async fn end(
    service: &Arc<Service>,
    instance: RequestId,
    client: Option<ClientId>,
    ended: RunEnded,
) -> Result<Ended, Problem> {
    let permit = Arc::clone(&service.mints)
        .try_acquire_owned()
        .map_err(|_| Problem::new(ProblemCode::Overloaded, instance))?;
    let minter = Arc::clone(&service.minter);
    let task = tokio::spawn(async move {
        let _permit = permit;
        minter.end(client.as_ref(), ended).await
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
pub(super) fn said(ended: Ended) -> Response {
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
