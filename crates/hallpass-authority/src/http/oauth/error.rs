//! Answers other than yes in the shape of OAuth (RFC 6749 section 5.2), made of the problems of `POST /v1/tokens`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hallpass_vocabulary::RequestId;

use crate::http::problem::{Problem, ProblemCode};

/// The words of OAuth. `docs/authority.md` lists which problem has which, and a test holds it to this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ErrorWord {
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    SlowDown,
    TemporarilyUnavailable,
    UnauthorizedClient,
    UnsupportedGrantType,
}

impl ErrorWord {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::SlowDown => "slow_down",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::SlowDown => StatusCode::TOO_MANY_REQUESTS,
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The word for a problem. RFC 8693 section 2.2.2: a subject token that is invalid or unacceptable is
    /// `invalid_request`; `invalid_grant` is left for the run.
    fn of(code: ProblemCode) -> Self {
        match code {
            ProblemCode::ClientUnauthorized => Self::InvalidClient,
            ProblemCode::HolderMismatch
            | ProblemCode::RunEnded
            | ProblemCode::RunMismatch
            | ProblemCode::RunTooDeep
            | ProblemCode::RunTooLong
            | ProblemCode::RunUnknown
            | ProblemCode::Stopped => Self::InvalidGrant,
            ProblemCode::ToolNotInRoute | ProblemCode::ToolsEmpty => Self::InvalidScope,
            ProblemCode::AudienceNotAllowed
            | ProblemCode::EnvironmentNotAllowed
            | ProblemCode::TenantNotAllowed => Self::InvalidTarget,
            ProblemCode::RateLimited => Self::SlowDown,
            ProblemCode::IdempotencyInFlight
            | ProblemCode::JournalUnavailable
            | ProblemCode::KeyUnavailable
            | ProblemCode::Overloaded
            | ProblemCode::StoreUnavailable
            | ProblemCode::Unavailable => Self::TemporarilyUnavailable,
            ProblemCode::ActorNotAllowed | ProblemCode::RouteNotAllowed => Self::UnauthorizedClient,
            _ => Self::InvalidRequest,
        }
    }
}

/// The document on the wire: OAuth's two members, and ours.
#[derive(serde::Serialize)]
struct Document<'a> {
    error: &'static str,
    error_description: String,
    code: &'a str,
    instance: RequestId,
}

/// An answer other than yes.
#[derive(Debug)]
pub(super) struct OauthError {
    word: ErrorWord,
    problem: Problem,
}

impl OauthError {
    /// A request for a grant this endpoint does not have.
    pub(super) fn unsupported_grant_type(instance: RequestId) -> Self {
        Self {
            word: ErrorWord::UnsupportedGrantType,
            problem: Problem::new(ProblemCode::RequestMalformed, instance)
                .detail("the only grant is urn:ietf:params:oauth:grant-type:token-exchange"),
        }
    }

    /// A target that no token is for: a resource, which is known by no URI here.
    pub(super) fn invalid_target(instance: RequestId, detail: &str) -> Self {
        Self {
            word: ErrorWord::InvalidTarget,
            problem: Problem::new(ProblemCode::AudienceNotAllowed, instance).detail(detail),
        }
    }
}

impl From<Problem> for OauthError {
    fn from(problem: Problem) -> Self {
        Self {
            word: ErrorWord::of(problem.code()),
            problem,
        }
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let document = Document {
            error: self.word.as_str(),
            error_description: described(self.problem.said()),
            code: self.problem.code().as_str(),
            instance: self.problem.instance(),
        };
        // Strings only: writing them to memory cannot fail.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        // The headers are those of the problem: when to ask again, and how to authenticate.
        let mut response = self.problem.into_response();
        *response.status_mut() = self.word.status();
        *response.body_mut() = axum::body::Body::from(body);
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        response
    }
}

/// RFC 6749 section 5.2: a description is ASCII without `"` and `\`.
fn described(said: &str) -> String {
    said.chars()
        .map(|c| match c {
            '"' | '`' => '\'',
            '\\' => '/',
            ' '..='~' => c,
            _ => '?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_which_problem_has_which_word() {
        let page = include_str!("../../../../../docs/authority.md");
        let (_, section) = page.split_once("## `POST /oauth/token`").unwrap();
        let section = section.split("\n## ").next().unwrap();
        for code in ProblemCode::ALL {
            let word = ErrorWord::of(*code);
            if word == ErrorWord::InvalidRequest {
                continue;
            }
            let row = section
                .lines()
                .find(|line| line.starts_with(&format!("| `{}` |", word.as_str())));
            let row = row.unwrap_or_else(|| panic!("no row for {}", word.as_str()));
            assert!(row.contains(&format!("`{}`", code.as_str())), "{code:?}");
            assert!(
                row.contains(&format!("| {} |", word.status().as_u16())),
                "{word:?}"
            );
        }
    }

    #[test]
    fn a_description_has_the_characters_oauth_allows() {
        assert_eq!(described("a `b` \"c\" \\ \u{e9}\n"), "a 'b' 'c' / ??");
    }
}
