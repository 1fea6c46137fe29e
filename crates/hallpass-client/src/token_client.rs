//! Asking the authority for tokens.

use std::fmt;
use std::time::Duration;

use hallpass_args::IdempotencyKey;
use hallpass_keys::{RandomnessError, random_bytes};
use hallpass_vocabulary::{ClientId, RunId};
use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, Response, StatusCode};

use crate::http::{self, TransportError};
use crate::token_request::Wire;
use crate::{BaseUrl, ClientSecret, Problem, RunEnd, TokenRequest, TokenResponse};

/// The largest answer to a request for a token, in bytes: a token of 11 KiB, the names in its grant and its caveats.
pub const TOKEN_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long to wait for a token. Minting waits for the authority's journal, which denies after 250 ms.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often one request is sent at most, under one idempotency key.
const ATTEMPTS_MAX: u32 = 3;
/// How long to wait before the second attempt; four times as long before the next. Longer than the authority holds a record
/// back, so that a mint whose answer was lost is as a rule over.
const RETRY_WAIT: Duration = Duration::from_millis(300);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There is no randomness to name the request with.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// The authority says no, and why.
    #[error("the authority refused: {0}")]
    Refused(Box<Problem>),
    /// The request names an empty list of tools: a token for nothing. To get all of the route's, name none.
    #[error("the request names no tool; leave the tools out to get all of the route's")]
    ToolsEmpty,
    /// An answer that is neither a token nor a problem.
    #[error("the authority answered {status} with something that is not understood")]
    Unreadable {
        /// The HTTP status.
        status: u16,
    },
    /// The authority was not reached, or did not answer. A token may have been minted all the same; asked again with the
    /// same idempotency key, the authority answers with that one.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl TokenError {
    /// Whether the same request may be granted a moment later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(problem) => {
                problem.status >= 500
                    || problem.status == StatusCode::TOO_MANY_REQUESTS.as_u16()
                    || problem.code == IN_FLIGHT
            }
            Self::Transport(TransportError::Http(_)) => true,
            Self::Unreadable { status } => *status >= 500,
            Self::Randomness(_) | Self::ToolsEmpty | Self::Transport(_) => false,
        }
    }
}

/// The authority's word for a request of the same key that is under way: the one whose answer was lost.
const IN_FLIGHT: &str = "idempotency_in_flight";

/// Asks one authority for tokens, as one client.
#[derive(Clone)]
pub struct TokenClient {
    http: reqwest::Client,
    authority: BaseUrl,
    client: ClientId,
    secret: ClientSecret,
}

impl TokenClient {
    /// A client of this authority.
    ///
    /// # Errors
    /// When the HTTP library cannot start.
    pub fn new(
        authority: BaseUrl,
        client: ClientId,
        secret: ClientSecret,
    ) -> Result<Self, TransportError> {
        Ok(Self {
            http: http::client_to(&authority, TIMEOUT)?,
            authority,
            client,
            secret,
        })
    }

    /// Asks for a token. When the answer is lost, or the authority is busy, it asks again with the same idempotency key, so that
    /// one request is one token.
    ///
    /// # Errors
    /// [`TokenError`]; look at the code of [`TokenError::Refused`].
    pub async fn request(&self, request: &TokenRequest) -> Result<TokenResponse, TokenError> {
        let key = IdempotencyKey::from_random(random_bytes()?);
        self.request_as(request, &key).await
    }

    /// Asks for a token under an idempotency key of the caller's own: the same key and request give the same token while it
    /// lives, also after this process was started anew.
    ///
    /// # Errors
    /// [`TokenError`]; `idempotency_conflict` when the key named another request before.
    pub async fn request_as(
        &self,
        request: &TokenRequest,
        key: &IdempotencyKey,
    ) -> Result<TokenResponse, TokenError> {
        if request.tools.as_ref().is_some_and(Vec::is_empty) {
            return Err(TokenError::ToolsEmpty);
        }
        let mut wait = RETRY_WAIT;
        for _ in 1..ATTEMPTS_MAX {
            match self.request_once(request, key).await {
                Err(error) if may_be_lost(&error) => {
                    tracing::debug!(%error, "asking again for a token");
                    tokio::time::sleep(wait).await;
                    wait *= 4;
                }
                answer => return answer,
            }
        }
        self.request_once(request, key).await
    }

    async fn request_once(
        &self,
        request: &TokenRequest,
        key: &IdempotencyKey,
    ) -> Result<TokenResponse, TokenError> {
        let asked = self
            .post("/v1/tokens")
            .header("idempotency-key", key.as_str())
            .json(request);
        let (status, body) = answer(asked, StatusCode::CREATED).await?;
        serde_json::from_slice::<Wire>(&body)
            .ok()
            .and_then(|wire| TokenResponse::try_from(wire).ok())
            .ok_or(TokenError::Unreadable { status })
    }

    /// Ends a run of this client: it gets no further token, and neither do the runs it started. A run that is ended stays as
    /// it was ended.
    ///
    /// # Errors
    /// [`TokenError`]; `run_unknown` when there is no such run of this client.
    pub async fn end_run(&self, run: RunId, reason: Option<&str>) -> Result<RunEnd, TokenError> {
        let mut asked = self.post(&format!("/v1/runs/{run}/end"));
        if let Some(reason) = reason {
            asked = asked.json(&serde_json::json!({ "reason": reason }));
        }
        let (status, body) = answer(asked, StatusCode::OK).await?;
        serde_json::from_slice(&body).map_err(|_| TokenError::Unreadable { status })
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.http
            .post(self.authority.join(path))
            .basic_auth(&self.client, Some(self.secret.expose()))
    }
}

/// The body of the answer that was hoped for, or the problem.
async fn answer(asked: RequestBuilder, hoped: StatusCode) -> Result<(u16, Vec<u8>), TokenError> {
    let response = asked.send().await.map_err(TransportError::from)?;
    let (status, wait) = (response.status(), retry_after(&response));
    let body = http::read(response, TOKEN_ANSWER_BYTES_MAX).await?;
    let number = status.as_u16();
    if status == hoped {
        return Ok((number, body));
    }
    let problem = Problem::read(number, &body).ok_or(TokenError::Unreadable { status: number })?;
    Err(TokenError::Refused(Box::new(Problem {
        retry_after: wait,
        ..problem
    })))
}

fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.parse().ok().map(Duration::from_secs)
}

/// Whether asking again at once helps: there was an answer, or may have been. A port nobody listens at stays so.
fn may_be_lost(error: &TokenError) -> bool {
    match error {
        TokenError::Transport(error) => error.may_have_arrived(),
        TokenError::Refused(problem) => problem.status >= 500 || problem.code == IN_FLIGHT,
        _ => false,
    }
}

impl fmt::Debug for TokenClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClient")
            .field("authority", &self.authority)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
