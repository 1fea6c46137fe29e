//! What a token is asked for, and what is answered.

use std::collections::BTreeMap;
use std::fmt;

use hallpass_keys::VerifyingKey;
use hallpass_vocabulary::{
    Actor, Audience, Route, RunId, Subject, Tenant, Timestamp, TokenId, ToolName,
};

use crate::{BearerToken, InvalidSecret, SubjectToken};

/// On whose behalf, and how the authority is to know.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub enum Behalf {
    /// The client says so; the token will say `asserted`.
    #[serde(rename = "subject")]
    Asserted(Subject),
    /// The subject's own token says so; the token will say `verified`.
    #[serde(rename = "subject_token")]
    Token(SubjectToken),
}

/// What a token is asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TokenRequest {
    /// The policy to run under.
    pub route: Route,
    /// Whose data.
    pub tenant: Tenant,
    /// On whose behalf.
    #[serde(flatten)]
    pub behalf: Behalf,
    /// The agent; may be left out by a client that may name only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// The run to renew; a new one when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// The run that starts this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_run_id: Option<RunId>,
    /// A shorter life than the route's, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u32>,
    /// Only these of the route's tools; all of them when `None`. None at all is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<ToolName>>,
    /// The key the run is bound to: its holder proves possession of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder_key: Option<VerifyingKey>,
    /// What the client calls the run by. They decide nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl TokenRequest {
    /// A new run with everything its route gives.
    pub fn new(route: Route, tenant: Tenant, behalf: Behalf, actor: Actor) -> Self {
        Self {
            route,
            tenant,
            behalf,
            actor: Some(actor),
            run_id: None,
            parent_run_id: None,
            ttl_seconds: None,
            tools: None,
            holder_key: None,
            labels: BTreeMap::new(),
        }
    }
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
    /// When it was issued, by the authority's clock; an authority of an earlier version does not say.
    pub issued_at: Option<Timestamp>,
    /// Not accepted from then on.
    pub expires_at: Timestamp,
    /// When its run ends at the latest, where the authority says.
    pub run_ends_at: Option<Timestamp>,
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

// No unknown members refused: an authority one version ahead may say more.
#[derive(serde::Deserialize)]
pub(crate) struct Wire {
    token: String,
    token_id: TokenId,
    run_id: RunId,
    #[serde(default)]
    issued_at: Option<Timestamp>,
    expires_at: Timestamp,
    #[serde(default)]
    run_ends_at: Option<Timestamp>,
    route: Route,
    tenant: Tenant,
    audiences: Vec<Audience>,
    tools: Vec<ToolName>,
    needs_approval: Vec<ToolName>,
}

impl TryFrom<Wire> for TokenResponse {
    type Error = InvalidSecret;

    fn try_from(wire: Wire) -> Result<Self, InvalidSecret> {
        let text = zeroize::Zeroizing::new(wire.token);
        Ok(Self {
            token: BearerToken::new(&text)?,
            token_id: wire.token_id,
            run_id: wire.run_id,
            issued_at: wire.issued_at,
            expires_at: wire.expires_at,
            run_ends_at: wire.run_ends_at,
            route: wire.route,
            tenant: wire.tenant,
            audiences: wire.audiences,
            tools: wire.tools,
            needs_approval: wire.needs_approval,
        })
    }
}

/// A run that is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub struct RunEnd {
    /// Which run.
    pub run_id: RunId,
    /// When it was ended, the first time.
    pub ended_at: Timestamp,
}

impl fmt::Display for RunEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ended {}", self.run_id, self.ended_at)
    }
}
