//! `POST /oauth/token`: a token by token exchange (RFC 8693), for whoever speaks OAuth already.

mod error;
mod exchange;
mod form;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_vocabulary::{RequestId, RunId, Timestamp, TokenId, ToolName};
use zeroize::Zeroizing;

use super::auth;
use super::body;
use super::minting;
use super::problem::{Problem, ProblemCode};
use crate::mint::Granted;
use crate::request::SubjectToken;
use crate::service::Service;
use error::OauthError;
use exchange::ACCESS_TOKEN_TYPE;
use form::Form;

/// RFC 7523 section 2.2.
const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The answer to a granted request (RFC 8693 section 2.2.1), and what is good to know of ours.
#[derive(serde::Serialize)]
struct Exchanged<'a> {
    access_token: &'a str,
    issued_token_type: &'static str,
    token_type: &'static str,
    expires_in: u64,
    scope: String,
    token_id: TokenId,
    run_id: RunId,
    needs_approval: &'a [ToolName],
}

pub(super) async fn post(State(service): State<Arc<Service>>, request: Request) -> Response {
    let instance = service.request_id();
    match answer(&service, instance, request).await {
        Ok(granted) => exchanged(&granted, service.clock.now()),
        Err(error) => error.into_response(),
    }
}

async fn answer(
    service: &Arc<Service>,
    instance: RequestId,
    request: Request,
) -> Result<Granted, OauthError> {
    let (mut head, body) = request.into_parts();
    let form = read(&head.headers, body, instance).await;
    // Credentials may stand in the form. Where there is none, whoever sends none in the header is told so, and no more.
    if let Ok(form) = &form {
        head.headers = credentials(head.headers, form, instance)?;
    }
    let asker = auth::client(service, instance, &head.headers).await?;
    minting::admit(service, instance, &asker).await?;
    let form = form?;
    if form
        .get("client_id")
        .is_some_and(|id| id != asker.id.as_str())
    {
        return Err(malformed(instance, "client_id is not the client that authenticated").into());
    }
    let key = minting::idempotency_key(&head.headers, instance)?;
    let request = exchange::read(&form, instance)?;
    Ok(minting::mint(service, instance, asker, request, key).await?)
}

async fn read(
    headers: &HeaderMap,
    body: axum::body::Body,
    instance: RequestId,
) -> Result<Form, Problem> {
    if !body::is_of(headers, body::FORM) {
        return Err(Problem::new(ProblemCode::MediaTypeUnsupported, instance)
            .detail(format!("the body must be {}", body::FORM)));
    }
    let body = body::read(body, instance).await?;
    Form::parse(&body).map_err(|fault| malformed(instance, &fault.to_string()))
}

fn malformed(instance: RequestId, detail: &str) -> Problem {
    Problem::new(ProblemCode::RequestMalformed, instance).detail(detail)
}

/// The headers with the credentials in `Authorization`, wherever they were: RFC 6749 section 2.3 allows one way in a request.
fn credentials(
    mut headers: HeaderMap,
    form: &Form,
    instance: RequestId,
) -> Result<HeaderMap, Problem> {
    let in_form = match (form.get("client_secret"), form.get("client_assertion")) {
        (None, None) => None,
        (Some(secret), None) => {
            let id = form
                .get("client_id")
                .ok_or_else(|| malformed(instance, "client_id is missing beside client_secret"))?;
            let pair = Zeroizing::new(format!("{id}:{secret}"));
            Some(Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair))))
        }
        (None, Some(assertion)) => {
            if form.get("client_assertion_type") != Some(CLIENT_ASSERTION_TYPE) {
                let detail = format!("client_assertion_type: only {CLIENT_ASSERTION_TYPE}");
                return Err(malformed(instance, &detail));
            }
            // A client's secret in this place would be taken for its token.
            let token = SubjectToken::new(assertion)
                .map_err(|_| malformed(instance, "client_assertion: not a JSON Web Token"))?;
            Some(Zeroizing::new(format!("Bearer {}", token.expose())))
        }
        (Some(_), Some(_)) => return Err(malformed(instance, "more than one way to authenticate")),
    };
    let Some(value) = in_form else {
        return Ok(headers);
    };
    if headers.contains_key(header::AUTHORIZATION) {
        return Err(malformed(instance, "more than one way to authenticate"));
    }
    let mut value = HeaderValue::from_str(&value)
        .map_err(|_| malformed(instance, "the client's credentials have no readable form"))?;
    value.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, value);
    Ok(headers)
}

fn exchanged(granted: &Granted, now: Timestamp) -> Response {
    let record = &granted.record;
    let tools: std::collections::BTreeSet<&str> = record
        .tools
        .iter()
        .chain(&record.needs_approval)
        .map(ToolName::as_str)
        .collect();
    let tools: Vec<&str> = tools.into_iter().collect();
    let document = Exchanged {
        access_token: granted.text.expose(),
        issued_token_type: ACCESS_TOKEN_TYPE,
        // Also of a token that is bound to a key: the proof stands in a header of its own.
        token_type: "Bearer",
        expires_in: record.expires.since(now).as_secs(),
        scope: tools.join(" "),
        token_id: record.token,
        run_id: record.run,
        needs_approval: &record.needs_approval,
    };
    let mut response = (StatusCode::OK, axum::Json(&document)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
