//! What an operator stops, revokes and resumes, and how far it has come. Answers are as the authority writes them.

use hallpass_vocabulary::StopId;
use serde_json::Value;

use crate::operator_client::{OperatorClient, OperatorError};

impl OperatorClient {
    /// Stops something: `selector`, `reason` and perhaps `until`, as docs/authority.md has them. Asked again with the same, it
    /// answers with the stop that is there.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn place_stop(&self, wanted: &Value) -> Result<Value, OperatorError> {
        let body = wanted.to_string();
        self.ask("POST", "/v1/stops", None, body.as_bytes()).await
    }

    /// A stop.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn stop(&self, stop: StopId) -> Result<Value, OperatorError> {
        self.ask("GET", &format!("/v1/stops/{stop}"), None, b"")
            .await
    }

    /// Lifts a stop, or asks for it where it takes two people: then there is a `pending_until`.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn lift_stop(&self, stop: StopId) -> Result<Value, OperatorError> {
        let path = format!("/v1/stops/{stop}/lift");
        self.ask("POST", &path, None, b"{}").await
    }

    /// Revokes a token or a secret: `token_id` or `secret_id`, and perhaps `reason`.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn revoke(&self, what: &Value) -> Result<Value, OperatorError> {
        let body = what.to_string();
        let path = "/v1/revocations";
        self.ask("POST", path, None, body.as_bytes()).await
    }

    /// The verifiers, and which of them have no bundle of this number or a later one.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn verifiers_reached(&self, version: u64) -> Result<Value, OperatorError> {
        let query = format!("version={version}");
        self.ask("GET", "/v1/verifiers", Some(&query), b"").await
    }
}
