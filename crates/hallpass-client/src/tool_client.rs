//! Calling a guarded tool.

use std::time::Duration;

use hallpass_vocabulary::{DecisionId, ToolName};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::http::{self, TransportError};
use crate::{BaseUrl, BearerToken, InvalidSecret, Problem};

/// The largest answer of a tool, in bytes. Larger results belong behind a reference.
pub const TOOL_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long to wait for a tool.
const TIMEOUT: Duration = Duration::from_secs(60);

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct ToolRequest<'a> {
    /// Which tool.
    pub tool: &'a ToolName,
    /// Its arguments: the text of a JSON object, sent as it is.
    pub arguments_json: &'a str,
    /// The token; without one the service says that it is missing.
    pub token: Option<&'a BearerToken>,
    /// Names this call, so that a repetition is not a second one.
    pub idempotency_key: Option<&'a str>,
}

/// What the service answered, whatever it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The id of the decision in the service's journal (`Hallpass-Decision`).
    pub decision: Option<DecisionId>,
    /// The body: the tool's JSON, or a problem document.
    pub body: Vec<u8>,
}

/// The call got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// The service was not reached, or did not answer. The tool may have run: look at the service's journal.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The token cannot stand in a header.
    #[error(transparent)]
    Token(#[from] InvalidSecret),
    /// The idempotency key cannot stand in a header.
    #[error("an idempotency key is printable ASCII")]
    IdempotencyKey,
}

/// Calls tools of guarded services by the native form of the HTTP binding (docs/http-binding.md).
#[derive(Debug, Clone)]
pub struct ToolClient {
    http: reqwest::Client,
}

impl ToolClient {
    /// A client of any service.
    ///
    /// # Errors
    /// When the HTTP library cannot start.
    pub fn new() -> Result<Self, TransportError> {
        Ok(Self {
            http: http::client(TIMEOUT)?,
        })
    }

    /// A client of one service, believing the certificates that are believed of it.
    ///
    /// # Errors
    /// When the HTTP library cannot start.
    pub fn of(service: &BaseUrl) -> Result<Self, TransportError> {
        Ok(Self {
            http: http::client_to(service, TIMEOUT)?,
        })
    }

    /// Calls a tool of the service there. A refusal is an answer: see [`ToolAnswer::problem`].
    ///
    /// # Errors
    /// [`ToolError`].
    pub async fn call(
        &self,
        service: &BaseUrl,
        call: ToolRequest<'_>,
    ) -> Result<ToolAnswer, ToolError> {
        let mut request = self
            .http
            .post(service.join(&format!("/tools/{}", call.tool)))
            .header(CONTENT_TYPE, "application/json")
            .body(call.arguments_json.to_owned());
        if let Some(token) = call.token {
            request = request.header(AUTHORIZATION, token.header()?);
        }
        if let Some(key) = call.idempotency_key {
            if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(ToolError::IdempotencyKey);
            }
            request = request.header("idempotency-key", key);
        }
        let response = request.send().await.map_err(TransportError::from)?;
        let status = response.status().as_u16();
        let decision = response
            .headers()
            .get("hallpass-decision")
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok());
        let body = http::read(response, TOOL_ANSWER_BYTES_MAX).await?;
        Ok(ToolAnswer {
            status,
            decision,
            body,
        })
    }
}

impl ToolAnswer {
    /// Whether the tool ran and succeeded.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Why not, where the service says so in a problem document.
    pub fn problem(&self) -> Option<Problem> {
        (!self.is_success())
            .then(|| Problem::read(self.status, &self.body))
            .flatten()
    }
}
