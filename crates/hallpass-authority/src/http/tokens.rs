//! `POST /v1/tokens`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hallpass_journal::{MintRefused, Text};
use hallpass_policy::PolicyRefusal;
use hallpass_vocabulary::{
    Audience, RequestId, Route, RunId, Tenant, Timestamp, TokenId, ToolName,
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::auth;
use super::limits::{BODY_READ_MAX, MINT_WAIT_MAX, REQUEST_BYTES_MAX};
use super::problem::{Problem, ProblemCode};
use crate::mint::{Minted, Unminted};
use crate::refusals::Caller;
use crate::request::TokenRequest;
use crate::service::Service;

/// The answer to a granted request.
#[derive(serde::Serialize)]
struct Granted<'a> {
    token: &'a str,
    token_id: TokenId,
    run_id: RunId,
    expires_at: Timestamp,
    route: &'a Route,
    tenant: &'a Tenant,
    audiences: Vec<&'a Audience>,
    tools: Vec<&'a ToolName>,
    needs_approval: Vec<&'a ToolName>,
}

pub(super) async fn post(State(service): State<Arc<Service>>, request: Request) -> Response {
    let instance = service.request_id();
    match answer(&service, instance, request).await {
        Ok(minted) => granted(&minted),
        Err(problem) => problem.into_response(),
    }
}

async fn answer(
    service: &Arc<Service>,
    instance: RequestId,
    request: Request,
) -> Result<Minted, Problem> {
    let (head, body) = request.into_parts();
    let client = auth::client(service, instance, &head.headers).await?.id;
    if !is_json(&head.headers) {
        return Err(Problem::new(ProblemCode::MediaTypeUnsupported, instance));
    }
    let body = read_body(body, instance).await?;
    let request = TokenRequest::parse(&body).map_err(|bad| {
        Problem::new(ProblemCode::RequestMalformed, instance)
            .pointer(bad.pointer)
            .detail(bad.detail)
    })?;
    // What the record of a refusal says; the request itself goes into the task.
    let mut refused = MintRefused {
        request: Some(instance),
        code: Text::new(""),
        detail: None,
        client: Some(client.clone()),
        tenant: Some(request.tenant.clone()),
        subject: Some(request.subject.clone()),
        route: Some(request.route.clone()),
        run: request.run,
    };
    let permit = Arc::clone(&service.mints)
        .try_acquire_owned()
        .map_err(|_| Problem::new(ProblemCode::Overloaded, instance))?;
    let minter = Arc::clone(&service.minter);
    // A task of its own: a caller that hangs up must not stop a mint between its record and its rows.
    let task = tokio::spawn(async move {
        let _permit = permit;
        minter.mint(&client, request).await
    });
    let outcome = tokio::time::timeout(MINT_WAIT_MAX, task)
        .await
        .map_err(|_| {
            service.recorder.has_failed();
            Problem::new(ProblemCode::Overloaded, instance)
        })?
        .map_err(|_| Problem::new(ProblemCode::Unavailable, instance))?;
    match outcome {
        Ok(minted) => Ok(minted),
        Err(unminted) => {
            let (code, recorded_as) = codes(&unminted);
            tracing::info!(denial.code = recorded_as, request.id = %instance, error = %unminted, "refused to mint");
            refused.detail = Some(Text::new(&unminted.to_string()));
            service
                .record_refusal(Caller::Known, recorded_as, refused)
                .await;
            Err(Problem::new(code, instance))
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let first = values.next().and_then(|value| value.to_str().ok());
    let essence = first.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
        && values.next().is_none()
}

async fn read_body(
    body: axum::body::Body,
    instance: RequestId,
) -> Result<axum::body::Bytes, Problem> {
    let limited = Limited::new(body, REQUEST_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_READ_MAX, limited).await {
        Err(_) => Err(Problem::new(ProblemCode::RequestTimeout, instance)),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Problem::new(ProblemCode::RequestTooLarge, instance)
                .detail(format!("at most {REQUEST_BYTES_MAX} bytes")))
        }
        Ok(Err(_)) => Err(Problem::new(ProblemCode::RequestMalformed, instance)
            .detail("the body could not be read")),
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}

/// What the client is told, and what the journal says.
fn codes(unminted: &Unminted) -> (ProblemCode, &'static str) {
    match unminted {
        Unminted::Policy(refusal) => (policy_code(*refusal), refusal.code()),
        Unminted::RunUnknown => (ProblemCode::RunMismatch, "run_unknown"),
        Unminted::RunMismatch => (ProblemCode::RunMismatch, "run_mismatch"),
        Unminted::HolderKeyRequired => (ProblemCode::HolderKeyRequired, "holder_key_required"),
        Unminted::Journal(_) => (ProblemCode::JournalUnavailable, "journal_unavailable"),
        Unminted::Store(_) => (ProblemCode::StoreUnavailable, "store_unavailable"),
        Unminted::Grant(_) | Unminted::Randomness(_) | Unminted::Sign(_) => {
            (ProblemCode::Unavailable, "unavailable")
        }
    }
}

fn policy_code(refusal: PolicyRefusal) -> ProblemCode {
    match refusal {
        PolicyRefusal::ActorNotAllowed => ProblemCode::ActorNotAllowed,
        PolicyRefusal::ClientNotAllowed | PolicyRefusal::RouteUnknown => {
            ProblemCode::RouteNotAllowed
        }
        PolicyRefusal::EnvironmentNotAllowed => ProblemCode::EnvironmentNotAllowed,
        PolicyRefusal::SubjectUnverified => ProblemCode::SubjectUnverified,
        PolicyRefusal::TenantNotAllowed => ProblemCode::TenantNotAllowed,
        PolicyRefusal::ToolNotInRoute => ProblemCode::ToolNotInRoute,
        PolicyRefusal::ToolsEmpty => ProblemCode::ToolsEmpty,
        PolicyRefusal::TtlTooLong => ProblemCode::TtlTooLong,
        PolicyRefusal::TtlTooShort => ProblemCode::TtlTooShort,
    }
}

fn granted(minted: &Minted) -> Response {
    let document = Granted {
        token: minted.text.expose(),
        token_id: minted.token,
        run_id: minted.run,
        expires_at: minted.expires,
        route: &minted.route,
        tenant: &minted.tenant,
        audiences: minted.terms.audiences().iter().collect(),
        tools: minted.terms.tools().iter().collect(),
        needs_approval: minted.terms.needs_approval().iter().collect(),
    };
    let mut response = (StatusCode::CREATED, axum::Json(&document)).into_response();
    // RFC 6749 section 5.1: a response with a token is not stored.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policys_public_code_is_the_one_on_the_wire() {
        for refusal in PolicyRefusal::ALL {
            assert_eq!(policy_code(refusal).as_str(), refusal.public_code());
        }
    }
}
