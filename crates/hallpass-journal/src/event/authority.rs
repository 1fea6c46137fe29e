//! What an authority records.

use hallpass_keys::{Digest, KeyId};
use hallpass_vocabulary::{
    Actor, Audience, ClientId, Environment, ProofRule, RequestId, Role, Route, RunId, Subject,
    SubjectAssurance, Tenant, Timestamp, TokenId, ToolName,
};

use crate::Text;

/// A minted token, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Minted {
    /// The token.
    pub token: TokenId,
    /// Its run.
    pub run: RunId,
    /// Who asked for it.
    pub client: ClientId,
    /// The customer.
    pub tenant: Tenant,
    /// The environment.
    pub env: Environment,
    /// On whose behalf.
    pub subject: Subject,
    /// How the subject is known.
    pub assurance: SubjectAssurance,
    /// The agent.
    pub actor: Actor,
    /// The policy route.
    pub route: Route,
    /// The services it is for.
    pub audiences: Vec<Audience>,
    /// The tools callable now.
    pub tools: Vec<ToolName>,
    /// The tools callable with an approval.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs_approval: Vec<ToolName>,
    /// The subject's roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// When a call must carry a proof of possession.
    pub proof: ProofRule,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it expires.
    pub expires: Timestamp,
    /// The policy it was minted under.
    pub policy: Digest,
    /// The key that signed it.
    pub key: KeyId,
    /// The idempotency key of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<Text>,
}

/// A request for a token that was refused.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MintRefused {
    /// The request, as its receiver numbered it; absent in a count of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// The authority's stable code.
    pub code: Text,
    /// More about why not, for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text>,
    /// Who asked, when authenticated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// The customer asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Tenant>,
    /// On whose behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// The policy route asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
    /// The run to renew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// A policy in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PolicyLoaded {
    /// Its digest.
    pub digest: Digest,
    /// The files it was read from.
    pub files: Vec<Text>,
    /// Whether it differs from the one before.
    pub changed: bool,
}

/// A key of the authority.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyCreated {
    /// Its name.
    pub key: KeyId,
    /// What it is for.
    pub purpose: hallpass_keys::Purpose,
}
