//! Asking the authority for tokens.

use std::fmt;
use std::time::Duration;

use hallpass_vocabulary::{
    Actor, Audience, ClientId, Route, RunId, Subject, Tenant, Timestamp, TokenId, ToolName,
};
use reqwest::StatusCode;

use crate::http::{self, TransportError};
use crate::{BaseUrl, BearerToken, ClientSecret, InvalidSecret, Problem};

/// The largest answer to a request for a token, in bytes: a token of 11 KiB and the names in its grant.
pub const TOKEN_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long to wait for a token. Minting waits for the authority's journal, which denies after 250 ms.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What a token is asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TokenRequest {
    /// The policy to run under.
    pub route: Route,
    /// Whose data.
    pub tenant: Tenant,
    /// On whose behalf.
    pub subject: Subject,
    /// The agent.
    pub actor: Actor,
    /// The run to renew; a new one when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// A shorter life than the route's, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u32>,
    /// Only these of the route's tools; all of them when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolName>,
}

/// A token, and what it is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenResponse {
    /// The token.
    pub token: BearerToken,
    /// Its id, for logs and revocation.
    pub token_id: TokenId,
    /// The run it belongs to; name it to renew.
    pub run_id: RunId,
    /// Not accepted from then on.
    pub expires_at: Timestamp,
    /// The policy it was minted under.
    pub route: Route,
    /// Whose data.
    pub tenant: Tenant,
    /// The services that accept it.
    pub audiences: Vec<Audience>,
    /// Tools it can call.
    pub tools: Vec<ToolName>,
    /// Tools it can call with an approval only.
    pub needs_approval: Vec<ToolName>,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The authority says no, and why.
    #[error("the authority refused: {0}")]
    Refused(Box<Problem>),
    /// An answer that is neither a token nor a problem.
    #[error("the authority answered {status} with something that is not understood")]
    Unreadable {
        /// The HTTP status.
        status: u16,
    },
    /// The authority was not reached. A token may have been minted all the same; it is of no use to anyone.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// Asks one authority for tokens, as one client.
#[derive(Clone)]
pub struct TokenClient {
    http: reqwest::Client,
    authority: BaseUrl,
    client: ClientId,
    secret: ClientSecret,
}

// No unknown members refused: an authority one version ahead may say more.
#[derive(serde::Deserialize)]
struct Wire {
    token: String,
    token_id: TokenId,
    run_id: RunId,
    expires_at: Timestamp,
    route: Route,
    tenant: Tenant,
    audiences: Vec<Audience>,
    tools: Vec<ToolName>,
    needs_approval: Vec<ToolName>,
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

    /// Asks for a token. Not repeated by itself: every token is a record in a journal.
    ///
    /// # Errors
    /// [`TokenError`]; look at the code of [`TokenError::Refused`].
    pub async fn request(&self, request: &TokenRequest) -> Result<TokenResponse, TokenError> {
        let response = self
            .http
            .post(self.authority.join("/v1/tokens"))
            .basic_auth(&self.client, Some(self.secret.expose()))
            .json(request)
            .send()
            .await
            .map_err(TransportError::from)?;
        let status = response.status();
        let body = http::read(response, TOKEN_ANSWER_BYTES_MAX).await?;
        let unreadable = TokenError::Unreadable {
            status: status.as_u16(),
        };
        if status != StatusCode::CREATED {
            let problem = Problem::read(status.as_u16(), &body).ok_or(unreadable)?;
            return Err(TokenError::Refused(Box::new(problem)));
        }
        serde_json::from_slice::<Wire>(&body)
            .ok()
            .and_then(|wire| TokenResponse::try_from(wire).ok())
            .ok_or(unreadable)
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

impl TryFrom<Wire> for TokenResponse {
    type Error = InvalidSecret;

    fn try_from(wire: Wire) -> Result<Self, InvalidSecret> {
        let text = zeroize::Zeroizing::new(wire.token);
        Ok(Self {
            token: BearerToken::new(&text)?,
            token_id: wire.token_id,
            run_id: wire.run_id,
            expires_at: wire.expires_at,
            route: wire.route,
            tenant: wire.tenant,
            audiences: wire.audiences,
            tools: wire.tools,
            needs_approval: wire.needs_approval,
        })
    }
}
