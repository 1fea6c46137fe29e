//! Answers other than yes, as RFC 9457 problem documents with stable codes.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hallpass_vocabulary::RequestId;

macro_rules! problem_codes {
    ($($variant:ident { code: $code:literal, status: $status:ident, title: $title:literal $(,)? })+) => {
        /// Why a request was not granted. Closed and stable; `docs/authority.md` lists them and a test holds it to this.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum ProblemCode {
            $(#[doc = $title] $variant,)+
        }

        impl ProblemCode {
            /// Every code, alphabetically.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable text.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The HTTP status.
            pub(crate) fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            /// What it means, in one line.
            pub(crate) fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }
    };
}

problem_codes! {
    ActorNotAllowed { code: "actor_not_allowed", status: FORBIDDEN, title: "The route does not admit this actor" }
    AudienceNotAllowed {
        code: "audience_not_allowed", status: FORBIDDEN, title: "The request leaves no tool of this service",
    }
    AudienceUnknown { code: "audience_unknown", status: NOT_FOUND, title: "The policy has no tool of this service" }
    BodyMalformed { code: "body_malformed", status: BAD_REQUEST, title: "The body is not what this path takes" }
    CheckpointRefused {
        code: "checkpoint_refused", status: CONFLICT, title: "The journal is not what was witnessed of it",
    }
    ClientUnauthorized { code: "client_unauthorized", status: UNAUTHORIZED, title: "The client is not authenticated" }
    ClientUnknown { code: "client_unknown", status: NOT_FOUND, title: "There is no such client" }
    DecisionUnknown { code: "decision_unknown", status: NOT_FOUND, title: "No shipped journal has such a decision" }
    EnrolmentRefused { code: "enrolment_refused", status: FORBIDDEN, title: "The verifier is not enrolled" }
    EnvironmentNotAllowed {
        code: "environment_not_allowed", status: FORBIDDEN, title: "The route is not for this environment",
    }
    HolderKeyRequired {
        code: "holder_key_required", status: FORBIDDEN,
        title: "The route demands proofs of possession; send the `holder_key` the token is to be bound to",
    }
    HolderMismatch { code: "holder_mismatch", status: FORBIDDEN, title: "The run is bound to another key" }
    IdempotencyConflict {
        code: "idempotency_conflict", status: CONFLICT, title: "The idempotency key was used for another request",
    }
    IdempotencyInFlight {
        code: "idempotency_in_flight", status: CONFLICT, title: "A request with this idempotency key is under way",
    }
    IdempotencyKeyMalformed {
        code: "idempotency_key_malformed", status: BAD_REQUEST, title: "The idempotency key is not 1 to 128 visible characters",
    }
    IdempotencySpent {
        code: "idempotency_spent", status: CONFLICT,
        title: "The token of this idempotency key cannot be given again: it expired, or the keys changed",
    }
    JournalUnavailable {
        code: "journal_unavailable", status: SERVICE_UNAVAILABLE,
        title: "The authority cannot record, so it does not mint",
    }
    KeyByRoot { code: "key_by_root", status: CONFLICT, title: "The root says which keys of this purpose there are" }
    KeyInUse { code: "key_in_use", status: CONFLICT, title: "The key signs, or live tokens end with it" }
    KeyNotReady { code: "key_not_ready", status: CONFLICT, title: "The key is not to sign yet" }
    KeyUnavailable {
        code: "key_unavailable", status: SERVICE_UNAVAILABLE, title: "The authority has no key to sign with just now",
    }
    KeyUnknown { code: "key_unknown", status: NOT_FOUND, title: "There is no such key" }
    MediaTypeUnsupported {
        code: "media_type_unsupported", status: UNSUPPORTED_MEDIA_TYPE, title: "The body must be application/json",
    }
    MethodNotAllowed { code: "method_not_allowed", status: METHOD_NOT_ALLOWED, title: "This path has no such method" }
    NotFound { code: "not_found", status: NOT_FOUND, title: "There is nothing at this path" }
    OperatorForbidden { code: "operator_forbidden", status: FORBIDDEN, title: "The operator's roles do not allow this" }
    OperatorReplayed { code: "operator_replayed", status: UNAUTHORIZED, title: "The signed request was used before" }
    OperatorUnauthorized { code: "operator_unauthorized", status: UNAUTHORIZED, title: "The request is not signed by an operator" }
    Overloaded { code: "overloaded", status: SERVICE_UNAVAILABLE, title: "The authority is busy; try again shortly" }
    PolicyRefused { code: "policy_refused", status: UNPROCESSABLE_ENTITY, title: "The policy is refused, and the one before stays in force" }
    QueryMalformed { code: "query_malformed", status: BAD_REQUEST, title: "The query is not one this path takes" }
    RateLimited { code: "rate_limited", status: TOO_MANY_REQUESTS, title: "The client or the tenant asks too often" }
    ReportStale { code: "report_stale", status: CONFLICT, title: "A later report was heard before this one" }
    RequestMalformed { code: "request_malformed", status: BAD_REQUEST, title: "The body is not a request for a token" }
    RequestTimeout { code: "request_timeout", status: REQUEST_TIMEOUT, title: "The body did not arrive in time" }
    RequestTooLarge { code: "request_too_large", status: PAYLOAD_TOO_LARGE, title: "The body is too large" }
    RootRefused {
        code: "root_refused", status: UNPROCESSABLE_ENTITY, title: "The root is refused, and the one before stays in force",
    }
    RouteNotAllowed {
        code: "route_not_allowed", status: FORBIDDEN, title: "There is no such route, or it does not admit this client",
    }
    RunEnded { code: "run_ended", status: FORBIDDEN, title: "The run was ended" }
    RunMismatch {
        code: "run_mismatch", status: FORBIDDEN,
        title: "There is no such run, or it was started with another client, route, tenant, subject or actor, or with fewer tools",
    }
    RunTooDeep {
        code: "run_too_deep", status: FORBIDDEN, title: "The run would be started by too many runs above it",
    }
    RunTooLong { code: "run_too_long", status: FORBIDDEN, title: "The run is older than its route allows" }
    RunUnknown { code: "run_unknown", status: NOT_FOUND, title: "There is no such run" }
    SecretsTooMany { code: "secrets_too_many", status: CONFLICT, title: "The client has as many secrets as it may have" }
    ShipmentRefused {
        code: "shipment_refused", status: CONFLICT, title: "The records are not those that come next in the journal",
    }
    StopUnknown { code: "stop_unknown", status: NOT_FOUND, title: "There is no such stop" }
    Stopped { code: "stopped", status: FORBIDDEN, title: "A stop is in force" }
    StopsTooMany {
        code: "stops_too_many", status: CONFLICT, title: "As many things are stopped or revoked as a bundle holds",
    }
    StoreUnavailable { code: "store_unavailable", status: SERVICE_UNAVAILABLE, title: "The authority cannot read its store" }
    SubjectTokenInvalid { code: "subject_token_invalid", status: FORBIDDEN, title: "The subject token is not accepted" }
    SubjectUnverified { code: "subject_unverified", status: FORBIDDEN, title: "The route demands a verified subject" }
    TenantNotAllowed { code: "tenant_not_allowed", status: FORBIDDEN, title: "The route is not for this tenant" }
    TokenUnknown { code: "token_unknown", status: NOT_FOUND, title: "There is no such token" }
    ToolNotInRoute { code: "tool_not_in_route", status: FORBIDDEN, title: "A requested tool is not one of the route's" }
    ToolsEmpty { code: "tools_empty", status: FORBIDDEN, title: "The request leaves no tool to grant" }
    TtlTooLong { code: "ttl_too_long", status: FORBIDDEN, title: "The requested life is longer than the route allows" }
    TtlTooShort { code: "ttl_too_short", status: FORBIDDEN, title: "The requested life is shorter than a second" }
    Unavailable { code: "unavailable", status: SERVICE_UNAVAILABLE, title: "The authority could not complete the request" }
    VerifierUnauthorized {
        code: "verifier_unauthorized", status: UNAUTHORIZED, title: "The request is not signed by a verifier that is known",
    }
    VerifierUnknown { code: "verifier_unknown", status: NOT_FOUND, title: "There is no such verifier" }
}

/// One answer other than yes.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    code: ProblemCode,
    instance: RequestId,
    detail: Option<String>,
    pointer: Option<String>,
    retry_after: Option<Duration>,
}

/// The document on the wire.
#[derive(serde::Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    code: &'a str,
    instance: RequestId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
}

impl Problem {
    pub(crate) fn new(code: ProblemCode, instance: RequestId) -> Self {
        Self {
            code,
            instance,
            detail: None,
            pointer: None,
            retry_after: None,
        }
    }

    pub(crate) fn code(&self) -> ProblemCode {
        self.code
    }

    pub(crate) fn instance(&self) -> RequestId {
        self.instance
    }

    /// What is said of it, in words.
    pub(crate) fn said(&self) -> &str {
        self.detail.as_deref().unwrap_or(self.code.title())
    }

    /// With what is wrong, in words that repeat nothing secret and nothing the caller could not know.
    #[must_use]
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With the JSON Pointer (RFC 6901) of the member that is wrong.
    #[must_use]
    pub(crate) fn pointer(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// With how long to wait before asking again.
    #[must_use]
    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let document = Document {
            r#type: format!("urn:hallpass:authority:{}", self.code.as_str()),
            title: self.code.title(),
            status: status.as_u16(),
            detail: self.detail.as_deref(),
            code: self.code.as_str(),
            instance: self.instance,
            pointer: self.pointer.as_deref(),
        };
        // Strings and numbers only: writing them to memory cannot fail.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (status, body).into_response();
        // For whoever counts or records what came of a request.
        response.extensions_mut().insert(self.code);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 11.6.1: a 401 names the schemes that are accepted.
            let schemes = match self.code {
                ProblemCode::OperatorReplayed
                | ProblemCode::OperatorUnauthorized
                | ProblemCode::VerifierUnauthorized => "Signature realm=\"hallpass\"",
                _ => "Basic realm=\"hallpass\", charset=\"UTF-8\", Bearer realm=\"hallpass\"",
            };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(schemes));
        }
        let again = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(Duration::from_secs(1));
        if let Some(wait) = self.retry_after.or(again) {
            // Whole seconds, rounded up: whoever waits them is not told to wait again.
            let seconds = wait.as_millis().div_ceil(1_000).max(1);
            if let Ok(seconds) = HeaderValue::from_str(&seconds.to_string()) {
                headers.insert(header::RETRY_AFTER, seconds);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_and_documented_with_their_status() {
        let page = include_str!("../../../../docs/authority.md");
        let texts: BTreeSet<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), ProblemCode::ALL.len());
        for code in ProblemCode::ALL {
            let row = format!(
                "| `{}` | {} | {} |",
                code.as_str(),
                code.status().as_u16(),
                code.title()
            );
            assert!(page.contains(&row), "docs/authority.md lacks `{row}`");
        }
    }
}
