//! What an authority records.

use std::collections::BTreeMap;

use hallpass_keys::{Digest, KeyId, VerifyingKey};
use hallpass_vocabulary::{
    Actor, Audience, ClientId, Environment, OperatorId, ProofRule, RequestId, Role, Route, RunId,
    Subject, SubjectAssurance, Tenant, Timestamp, TokenId, ToolName,
};

use super::Spent;
use crate::Text;

/// A minted token, without its bytes: everything that was signed, so that the authority can make the same bytes again for
/// whoever asks with the same idempotency key.
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
    /// The digest of what was asked, where there is an idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<Digest>,
    /// The digest of the token's text. It says whether bytes made again are the same; a token cannot be made from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_digest: Option<Digest>,
    /// What the client proved itself with: the id of a secret, or the name of an issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Text>,
    /// The caveats it bears from the start, in the words of docs/caveats.md, exactly: they come from the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caveats: Vec<String>,
    /// What the run may spend in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budgets: Option<Spent>,
    /// The key it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<VerifyingKey>,
    /// The run this one was started by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<RunId>,
    /// When the run ends at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_ends: Option<Timestamp>,
    /// Until when the subject's own token vouches for the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_until: Option<Timestamp>,
    /// What the client calls it by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
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
    /// What it allows that the one before did not, in words. At most [`WIDENINGS_RECORDED_MAX`], then how many more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub widenings: Vec<Text>,
    /// Who asked for it, when it was not the start of the authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OperatorId>,
}

/// The most widenings in one record. A policy that widens more says how many more; `hallpass policy diff` has them all.
pub const WIDENINGS_RECORDED_MAX: usize = 24;

/// A policy that was refused, whole. The one before stays in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PolicyRefused {
    /// Why: the first of the faults.
    pub detail: Text,
    /// Who asked for it, when it was a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OperatorId>,
}

/// What became of a client's registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientChange {
    /// It may no longer ask for anything.
    Disabled,
    /// It may again.
    Enabled,
    /// A secret of it is good until a time.
    SecretAdded,
    /// A secret of it is no longer good after a time.
    SecretRetired,
}

/// A client's registration changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClientChanged {
    /// Which client.
    pub client: ClientId,
    /// What changed.
    pub change: ClientChange,
    /// The secret it is about, by its public id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Text>,
    /// SHA-256 of a secret that was added. The secret is 256 random bits: nothing can be guessed from this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_digest: Option<Digest>,
    /// Until when the secret is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who did it; absent when the authority was made with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OperatorId>,
    /// When it counts as done, where that is not the time of the record: after the change before it, whose clock was ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_from: Option<Timestamp>,
}

/// A run was ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RunEnded {
    /// Which run. Those it started end with it.
    pub run: RunId,
    /// The client that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// The operator who ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OperatorId>,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}

/// An operator's signed request that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OperatorActed {
    /// Who.
    pub operator: OperatorId,
    /// The person behind it.
    pub person: Text,
    /// The key that signed.
    pub key: KeyId,
    /// The request, as the authority numbered it.
    pub request: RequestId,
    /// What was asked: method and path.
    pub action: Text,
    /// The status it was answered with.
    pub status: u16,
}

/// A request to an operator's endpoint that was refused.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OperatorRefused {
    /// The request, as the authority numbered it; absent in a count of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// The authority's stable code.
    pub code: Text,
    /// More about why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text>,
    /// What was asked: method and path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Text>,
    /// Who, when the signature was good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorId>,
    /// The key that was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
}

/// A key of the authority.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyCreated {
    /// Its name.
    pub key: KeyId,
    /// What it is for.
    pub purpose: hallpass_keys::Purpose,
}
