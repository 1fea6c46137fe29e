//! `POST /v1/tokens`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hallpass_journal::Spent;
use hallpass_keys::VerifyingKey;
use hallpass_vocabulary::{
    Actor, Audience, RequestId, Route, RunId, Subject, SubjectAssurance, Tenant, Timestamp,
    TokenId, ToolName,
};

use super::auth;
use super::body;
use super::minting;
use super::problem::{Problem, ProblemCode};
use crate::mint::Granted;
use crate::request::TokenRequest;
use crate::service::Service;

/// The answer to a granted request. All of it is in the token's record, so the same answer can be given again.
#[derive(serde::Serialize)]
struct Answer<'a> {
    token: &'a str,
    token_id: TokenId,
    run_id: RunId,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_run_id: Option<RunId>,
    issued_at: Timestamp,
    expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_ends_at: Option<Timestamp>,
    route: &'a Route,
    tenant: &'a Tenant,
    subject: &'a Subject,
    assurance: SubjectAssurance,
    actor: &'a Actor,
    audiences: &'a [Audience],
    tools: &'a [ToolName],
    needs_approval: &'a [ToolName],
    caveats: &'a [String],
    budgets: Spent,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_key: Option<VerifyingKey>,
}

pub(super) async fn post(State(service): State<Arc<Service>>, request: Request) -> Response {
    let instance = service.request_id();
    match answer(&service, instance, request).await {
        Ok(granted) => created(&granted),
        Err(problem) => problem.into_response(),
    }
}

async fn answer(
    service: &Arc<Service>,
    instance: RequestId,
    request: Request,
) -> Result<Granted, Problem> {
    let (head, body) = request.into_parts();
    let asker = auth::client(service, instance, &head.headers).await?;
    minting::admit(service, instance, &asker).await?;
    if !body::is_of(&head.headers, body::JSON) {
        return Err(Problem::new(ProblemCode::MediaTypeUnsupported, instance));
    }
    let key = minting::idempotency_key(&head.headers, instance)?;
    let body = body::read(body, instance).await?;
    auth::still(service, instance, &asker).await?;
    let request = TokenRequest::parse(&body).map_err(|bad| {
        Problem::new(ProblemCode::RequestMalformed, instance)
            .pointer(bad.pointer)
            .detail(bad.detail)
    })?;
    minting::mint(service, instance, asker, request, key).await
}

fn created(granted: &Granted) -> Response {
    let record = &granted.record;
    let document = Answer {
        token: granted.text.expose(),
        token_id: record.token,
        run_id: record.run,
        parent_run_id: record.parent,
        issued_at: record.issued,
        expires_at: record.expires,
        run_ends_at: record.run_ends,
        route: &record.route,
        tenant: &record.tenant,
        subject: &record.subject,
        assurance: record.assurance,
        actor: &record.actor,
        audiences: &record.audiences,
        tools: &record.tools,
        needs_approval: &record.needs_approval,
        caveats: &record.caveats,
        budgets: record.budgets.unwrap_or_default(),
        holder_key: record.holder,
    };
    let mut response = (StatusCode::CREATED, axum::Json(&document)).into_response();
    // RFC 6749 section 5.1: a response with a token is not stored.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
