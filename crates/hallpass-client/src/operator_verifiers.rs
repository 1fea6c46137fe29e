//! Verifiers, as an operator sees them.

use hallpass_keys::{Digest, KeyId};
use hallpass_vocabulary::{Audience, DecisionId, RunId, Timestamp, ToolName};
use zeroize::Zeroizing;

use crate::{OperatorClient, OperatorError};

/// Every verifier of an authority.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Verifiers {
    /// The number of the newest bundle.
    pub bundle_version: u64,
    /// The verifiers, by origin.
    pub verifiers: Vec<KnownVerifier>,
}

/// A verifier that was enrolled, and what it last said.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KnownVerifier {
    /// The last part of its journal's name.
    pub origin: String,
    /// The name of its journal.
    pub journal: String,
    /// The service.
    pub audience: Audience,
    /// The key that signs what it reports.
    pub key_id: KeyId,
    /// Since when it is known.
    pub enrolled_at: Timestamp,
    /// The verifier it goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<String>,
    /// Since when nothing it signs is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
    /// When its journal was last found to be something else than what was witnessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_at: Option<Timestamp>,
    /// When it was last heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    /// The release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// `serving`, `draining` or `halted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The bundle it decides by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_version: Option<u64>,
    /// Whether that is the newest.
    pub bundle_current: bool,
    /// The time of the last heartbeat it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Timestamp>,
    /// When it stops by itself, if it hears nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stops_at: Option<StopsAt>,
    /// How long its journal is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_size: Option<JournalSize>,
    /// The last checkpoint that was witnessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<WitnessedCheckpoint>,
    /// How many of its records the authority keeps.
    pub acknowledged: u64,
    /// Calls under way.
    pub calls_in_flight: u64,
    /// Some of those calls; only where one verifier is asked about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallInFlight>,
    /// Stops it enforces; only where one verifier is asked about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<String>,
}

/// When a verifier stops by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StopsAt {
    /// Destructive calls.
    pub destructive: Timestamp,
    /// Writes.
    pub write: Timestamp,
    /// Reads.
    pub read: Timestamp,
}

/// How long a journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct JournalSize {
    /// Records.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether it can be written.
    pub writable: bool,
}

/// A checkpoint that was witnessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WitnessedCheckpoint {
    /// How many records it covers.
    pub size: u64,
    /// The root of their Merkle tree.
    pub root: Digest,
    /// When it was.
    pub at: Timestamp,
}

/// A call under way.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CallInFlight {
    /// The decision.
    pub decision: DecisionId,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The tool.
    pub tool: ToolName,
    /// Since when.
    pub since: Timestamp,
}

/// A code with which one verifier may enrol. It is told this once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentCode {
    /// The code.
    pub code: Zeroizing<String>,
    /// The service.
    pub audience: Audience,
    /// Until when it may be used.
    pub until: Timestamp,
}

/// What is on record of a decision of a service.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShippedDecision {
    /// The verifier that decided.
    pub verifier: String,
    /// The service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    /// Its records, each as the line that stands in the journal.
    pub lines: Vec<String>,
}

#[derive(serde::Deserialize)]
struct WireCode {
    code: String,
    audience: Audience,
    until: Timestamp,
}

impl OperatorClient {
    /// Every verifier that was ever enrolled.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn verifiers(&self) -> Result<Verifiers, OperatorError> {
        self.ask("GET", "/v1/verifiers", None, b"").await
    }

    /// A verifier with everything it last said.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn verifier(&self, origin: &str) -> Result<KnownVerifier, OperatorError> {
        self.ask("GET", &path(origin), None, b"").await
    }

    /// A code with which one verifier of a service may enrol, for 15 minutes or so many seconds.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn invite_verifier(
        &self,
        audience: &Audience,
        valid_seconds: Option<u64>,
    ) -> Result<EnrolmentCode, OperatorError> {
        let body = match valid_seconds {
            Some(seconds) => {
                serde_json::json!({"audience": audience, "valid_seconds": seconds})
            }
            None => serde_json::json!({ "audience": audience }),
        };
        let body = body.to_string();
        let code: WireCode = self
            .ask("POST", "/v1/verifiers/codes", None, body.as_bytes())
            .await?;
        Ok(EnrolmentCode {
            code: Zeroizing::new(code.code),
            audience: code.audience,
            until: code.until,
        })
    }

    /// What is on record of a decision of a service, in the journals that were shipped to the authority.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn decision(&self, decision: DecisionId) -> Result<ShippedDecision, OperatorError> {
        let path = format!("/v1/decisions/{decision}");
        self.ask("GET", &path, None, b"").await
    }

    /// Nothing a verifier signs is believed from here on.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn retire_verifier(
        &self,
        origin: &str,
        reason: Option<&str>,
    ) -> Result<KnownVerifier, OperatorError> {
        let body = match reason {
            Some(reason) => serde_json::json!({ "reason": reason }).to_string(),
            None => String::new(),
        };
        let path = format!("{}/retire", path(origin));
        self.ask("POST", &path, None, body.as_bytes()).await
    }
}

/// What is no origin is the origin of nothing, and must not become another path.
fn path(origin: &str) -> String {
    let plain: String = origin.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("/v1/verifiers/{plain}")
}
