//! The gate in front of every operator's endpoint: no handler behind it is reached without a verified, fresh, unrepeated
//! signature of an operator whose roles allow it. What was carried out is recorded, and so is what was refused.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hallpass_journal::{Durability, Event, OperatorActed, OperatorRefused, Text};
use hallpass_keys::KeyId;
use hallpass_keys::http_signature::{
    AUTHORITY_HEADER, CONTENT_DIGEST_HEADER, ContentDigest, NONCE_LIFE, SIGNATURE_HEADER,
    SIGNATURE_INPUT_HEADER, SignedParts, UnverifiedSignature, authority_value,
};
use hallpass_vocabulary::RequestId;

use super::endpoints::{Access, Endpoint};
use super::problem::{Problem, ProblemCode};
use crate::operator::{NotAnOperator, Operator, Permission};
use crate::refusals::Caller;
use crate::service::Service;

/// What a gate knows of the endpoint behind it.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) service: Arc<Service>,
    pub(super) endpoint: Endpoint,
}

/// Why a request does not come through.
enum Turned {
    Away(NotAnOperator, Option<KeyId>),
    Problem(Problem),
}

pub(super) async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let permission = match gate.endpoint.access() {
        Access::Operator(permission) => permission,
        // A client's request carries no signature; the handler asks for its credentials.
        Access::ClientOr(permission) if is_signed(request.headers()) => permission,
        Access::Anyone | Access::Client | Access::ClientOr(_) | Access::Verifier => {
            return next.run(request).await;
        }
    };
    let Gate { service, .. } = gate;
    let instance = service.request_id();
    let (mut head, body) = request.into_parts();
    let action = Text::new(&format!("{} {}", head.method, head.uri.path()));
    let admitted = admit(&service, instance, permission, &action, &head, body).await;
    let (operator, body) = match admitted {
        Ok(admitted) => admitted,
        Err(problem) => return problem.into_response(),
    };
    if matches!(head.method, Method::GET | Method::HEAD) {
        head.extensions.insert(operator);
        return next.run(Request::from_parts(head, Body::from(body))).await;
    }
    head.extensions.insert(operator.clone());
    let request = Request::from_parts(head, Body::from(body));
    // A task of its own: a caller that hangs up must not stop an act between its records.
    let acting = Arc::clone(&service);
    let acted = tokio::spawn(async move {
        let response = next.run(request).await;
        let code = response.extensions().get::<ProblemCode>().copied();
        let came_of_it = (response.status(), code);
        record(&acting, instance, &operator, action, came_of_it).await;
        response
    });
    match acted.await {
        Ok(response) => response,
        Err(_) => Problem::new(ProblemCode::Unavailable, instance).into_response(),
    }
}

/// Whether a request says that it is an operator's.
pub(super) fn is_signed(headers: &HeaderMap) -> bool {
    headers.contains_key(SIGNATURE_HEADER) || headers.contains_key(SIGNATURE_INPUT_HEADER)
}

/// The operator who signed, with the body that was signed; or what the caller is told.
async fn admit(
    service: &Service,
    instance: RequestId,
    permission: Permission,
    action: &Text,
    head: &Parts,
    body: Body,
) -> Result<(Operator, Bytes), Problem> {
    let refused = |code: &'static str, detail: Text| OperatorRefused {
        request: Some(instance),
        code: Text::new(code),
        detail: Some(detail),
        action: Some(action.clone()),
        operator: None,
        key: None,
    };
    let (operator, body) = match authenticate(service, instance, head, body).await {
        Ok(authenticated) => authenticated,
        Err(Turned::Problem(problem)) => return Err(problem),
        Err(Turned::Away(why, key)) => {
            let record = OperatorRefused {
                key,
                ..refused(why.code(), Text::new(&why.to_string()))
            };
            service
                .record_operator_refusal(Caller::Stranger, why.code(), record)
                .await;
            let code = match why {
                NotAnOperator::Replayed => ProblemCode::OperatorReplayed,
                _ => ProblemCode::OperatorUnauthorized,
            };
            return Err(Problem::new(code, instance));
        }
    };
    if !operator.may(permission) {
        let problem = ProblemCode::OperatorForbidden;
        let record = OperatorRefused {
            operator: Some(operator.id),
            key: Some(operator.key),
            ..refused(
                problem.as_str(),
                Text::new("none of the operator's roles allows it"),
            )
        };
        service
            .record_operator_refusal(Caller::Known, problem.as_str(), record)
            .await;
        return Err(Problem::new(problem, instance));
    }
    Ok((operator, body))
}

async fn authenticate(
    service: &Service,
    instance: RequestId,
    head: &Parts,
    body: Body,
) -> Result<(Operator, Bytes), Turned> {
    let away = |why: NotAnOperator| Turned::Away(why, None);
    let authority = once(&head.headers, AUTHORITY_HEADER).map_err(away)?;
    let digest = once(&head.headers, CONTENT_DIGEST_HEADER).map_err(away)?;
    let input = once(&head.headers, SIGNATURE_INPUT_HEADER).map_err(away)?;
    let signature = once(&head.headers, SIGNATURE_HEADER).map_err(away)?;
    let signature =
        UnverifiedSignature::parse(input, signature).map_err(|error| away(error.into()))?;
    let named = signature.key_id();
    let away = |why: NotAnOperator| Turned::Away(why, Some(named));

    let then = service.policy();
    let known = then
        .policy
        .operator_of_key(&named)
        .ok_or_else(|| away(NotAnOperator::KeyUnknown))?;
    let parts = SignedParts {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query(),
        content_digest: digest,
        authority,
    };
    let now = service.clock.now();
    signature
        .verify(known.key, &parts, now)
        .map_err(|error| away(error.into()))?;
    if authority != authority_value(&service.name, &service.environment) {
        return Err(away(NotAnOperator::OtherAuthority));
    }
    // Only now: a body costs memory, and a nonce a row.
    let digest = ContentDigest::parse(digest).map_err(|error| away(error.into()))?;
    let body = super::body::read(body, instance)
        .await
        .map_err(Turned::Problem)?;
    if !digest.matches(&body) {
        return Err(away(NotAnOperator::Body));
    }
    let remembered = service
        .store()
        .remember_nonce(named, signature.nonce().as_str(), now.after(NONCE_LIFE))
        .await;
    match remembered {
        Ok(true) => {}
        Ok(false) => return Err(away(NotAnOperator::Replayed)),
        Err(error) => {
            tracing::error!(request.id = %instance, error = &error as &dyn std::error::Error, "a nonce cannot be remembered");
            return Err(Turned::Problem(Problem::new(
                ProblemCode::StoreUnavailable,
                instance,
            )));
        }
    }
    // A body may take seconds: what the operator may do is what the policy says now.
    let in_force = service.policy();
    let found = in_force
        .policy
        .operator_of_key(&named)
        .ok_or_else(|| away(NotAnOperator::KeyUnknown))?;
    let operator = Operator {
        id: found.operator.clone(),
        person: found.rule.person().clone(),
        key: named,
        roles: found.rule.roles().clone(),
    };
    Ok((operator, body))
}

/// A header that is there once, as text.
fn once<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, NotAnOperator> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().ok_or(NotAnOperator::Unsigned(name))?;
    match (first.to_str(), values.next()) {
        (Ok(text), None) => Ok(text),
        _ => Err(NotAnOperator::Repeated(name)),
    }
}

/// Records what came of an act: carried out, or refused behind the gate.
async fn record(
    service: &Service,
    instance: RequestId,
    operator: &Operator,
    action: Text,
    (status, code): (StatusCode, Option<ProblemCode>),
) {
    tracing::info!(operator.id = %operator.id, request.id = %instance, action = action.as_str(), status = status.as_u16(), "an operator acted");
    if status.is_success() {
        let acted = Event::OperatorActed(OperatorActed {
            operator: operator.id.clone(),
            person: Text::new(operator.person.as_str()),
            key: operator.key,
            request: instance,
            action,
            status: status.as_u16(),
        });
        if let Err(error) = service.recorder.append(&acted, Durability::Durable).await {
            tracing::error!(%error, request.id = %instance, "an operator's act could not be recorded");
        }
        return;
    }
    let code = code.map_or("unavailable", |code| code.as_str());
    let refused = OperatorRefused {
        request: Some(instance),
        code: Text::new(code),
        detail: None,
        action: Some(action),
        operator: Some(operator.id.clone()),
        key: Some(operator.key),
    };
    service
        .record_operator_refusal(Caller::Known, code, refused)
        .await;
}
