//! From answers to HTTP: the one file that maps denials and failures to status, headers and problem documents.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hallpass_verifier::Refusal;
use hallpass_vocabulary::{DecisionId, DenialCode};
use serde_json::{Value, json};

use crate::ToolFailure;

/// The response header that names the decision, whatever the answer.
pub const DECISION_HEADER: HeaderName = HeaderName::from_static("hallpass-decision");

/// How long a caller should wait before it retries what may be answered otherwise then, in seconds.
const RETRY_AFTER_SECONDS: u32 = 1;

/// The response to a refused call: status, challenge, and an RFC 9457 problem document.
pub fn refusal_response(refusal: &Refusal) -> Response {
    denial_response(refusal.code(), refusal.detail(), refusal.decision())
}

fn denial_response(code: DenialCode, detail: Option<&str>, decision: DecisionId) -> Response {
    let mut document = json!({
        "type": format!("urn:hallpass:denial:{code}"),
        "title": code.meaning(),
        "status": code.http_status(),
        "code": code,
        "instance": decision,
        "next": code.next_step(),
    });
    if let (Some(detail), Some(members)) = (detail, document.as_object_mut()) {
        members.insert("detail".to_owned(), Value::from(detail));
    }
    let mut response = problem(code.http_status(), &document, decision);
    let headers = response.headers_mut();
    if let Some(challenge) = challenge(code) {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if code.is_retryable() {
        headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    }
    response
}

/// The response to an allowed call that failed.
pub(crate) fn failure_response(failure: &ToolFailure, decision: DecisionId) -> Response {
    let (status, code, title, detail) = match failure {
        ToolFailure::Refused(refusal) => return refusal_response(refusal),
        // To the letter what a row of another tenant answers: the difference is nobody's business but the journal's.
        ToolFailure::NotFound => return denial_response(DenialCode::NotFound, None, decision),
        ToolFailure::Invalid(detail) => (
            422,
            "tool_input_invalid",
            "The arguments do not suit the tool.",
            Some(detail),
        ),
        ToolFailure::Broken(_) => (
            500,
            "tool_failed",
            "The tool failed; the call may have had effects.",
            None,
        ),
    };
    let mut document = json!({
        "type": format!("urn:hallpass:tool:{code}"),
        "title": title,
        "status": status,
        "code": code,
        "instance": decision,
    });
    if let (Some(detail), Some(members)) = (detail, document.as_object_mut()) {
        members.insert("detail".to_owned(), Value::from(detail.as_str()));
    }
    problem(status, &document, decision)
}

/// The response to an allowed call that succeeded.
pub(crate) fn success_response(body: String, decision: DecisionId) -> Response {
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    name_decision(&mut response, decision);
    response
}

fn problem(status: u16, document: &Value, decision: DecisionId) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, document.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    name_decision(&mut response, decision);
    response
}

fn name_decision(response: &mut Response, decision: DecisionId) {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&decision.to_string()) {
        headers.insert(DECISION_HEADER, value);
    }
}

/// The challenge of a 401 or a scope denial (RFC 6750 section 3).
fn challenge(code: DenialCode) -> Option<HeaderValue> {
    let text = match (code.http_status(), code.oauth_error()) {
        (401, None) => "Bearer".to_owned(),
        (401 | 403, Some(error)) => {
            format!("Bearer error=\"{error}\", error_description=\"{code}\"")
        }
        _ => return None,
    };
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use hallpass_vocabulary::Timestamp;

    use super::*;

    /// Status, challenge and `Retry-After` of a denial.
    fn answer(code: DenialCode) -> (u16, Option<String>, Option<String>) {
        let decision = DecisionId::new(Timestamp::from_unix_ms(0), [0; 10]);
        let response = denial_response(code, None, decision);
        let header = |name| {
            let value = response.headers().get(name);
            value.map(|value: &HeaderValue| value.to_str().unwrap().to_owned())
        };
        (
            response.status().as_u16(),
            header(WWW_AUTHENTICATE),
            header(RETRY_AFTER),
        )
    }

    #[test]
    fn what_may_pass_says_when_to_come_again_whatever_its_status() {
        for (code, status) in [
            (DenialCode::BundleStale, 503),
            (DenialCode::RateLimited, 429),
            (DenialCode::InProgress, 409),
        ] {
            let seconds = Some(RETRY_AFTER_SECONDS.to_string());
            assert_eq!(answer(code), (status, None, seconds), "{code}");
        }
        for (code, status) in [
            (DenialCode::AlreadyDone, 409),
            (DenialCode::ArgumentsInvalid, 422),
            (DenialCode::NotFound, 404),
        ] {
            assert_eq!(answer(code), (status, None, None), "{code}");
        }
    }

    #[test]
    fn a_challenge_asks_for_what_helps_and_is_absent_where_no_token_does() {
        for (code, status, challenge) in [
            (DenialCode::TokenMissing, 401, Some("Bearer")),
            (
                DenialCode::TokenRevoked,
                401,
                Some(r#"Bearer error="invalid_token", error_description="token_revoked""#),
            ),
            (
                DenialCode::PolicyDenied,
                403,
                Some(r#"Bearer error="insufficient_scope", error_description="policy_denied""#),
            ),
            (DenialCode::Stopped, 403, None),
            (DenialCode::LoopDetected, 403, None),
        ] {
            let expected = (status, challenge.map(str::to_owned), None);
            assert_eq!(answer(code), expected, "{code}");
        }
    }
}
