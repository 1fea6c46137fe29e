//! What is recorded: one typed value per kind of record.
//!
//! A member that does not apply is left out. New kinds and members are added over time; readers keep what they do not
//! know as plain JSON ([`Record`](crate::read::Record)), and verification never looks inside.

use hallpass_keys::{Digest, KeyId, VerifyingKey};
use hallpass_vocabulary::{
    Actor, Audience, ClientId, DecisionId, DenialCode, Environment, Impact, ProofRule, RequestId,
    Role, Route, RunId, Subject, SubjectAssurance, Tenant, Timestamp, TokenId, ToolName,
};

use crate::{ArgumentsDigest, Text};

/// The content of one record. The member `kind` holds the name of the variant in snake case.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A permit was dropped unfinished: whether the handler did anything is unknown.
    Abandoned(Abandoned),
    /// A verifier took a bundle into use.
    BundleSeen(BundleSeen),
    /// The journal was closed in good order. Written by the journal itself.
    Closed {},
    /// A verifier decided a call.
    Decided(Box<Decided>),
    /// A permitted call ended.
    Finished(Finished),
    /// The authority made a key.
    KeyCreated(KeyCreated),
    /// The authority refused to mint.
    MintRefused(Box<MintRefused>),
    /// The authority minted a token.
    Minted(Box<Minted>),
    /// The journal was created or opened. Written by the journal itself.
    Opened(Box<Opened>),
    /// The authority loaded a policy.
    PolicyLoaded(PolicyLoaded),
    /// The machine restarted since the last record and the journal was not closed: relaxed records of the last
    /// moments may be missing. Written by the journal itself.
    PossibleLoss(PossibleLoss),
    /// An unfinished tail was cut off. Written by the journal itself.
    Recovered(Recovery),
    /// Refusals too many to record singly. Written by the journal itself.
    Refused(Refused),
    /// A permitted call asked for a row that is not its own, and was told that there is none.
    RowWithheld(RowWithheld),
}

impl Event {
    /// The value of the member `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Abandoned(_) => "abandoned",
            Self::BundleSeen(_) => "bundle_seen",
            Self::Closed {} => "closed",
            Self::Decided(_) => "decided",
            Self::Finished(_) => "finished",
            Self::KeyCreated(_) => "key_created",
            Self::MintRefused(_) => "mint_refused",
            Self::Minted(_) => "minted",
            Self::Opened(_) => "opened",
            Self::PolicyLoaded(_) => "policy_loaded",
            Self::PossibleLoss(_) => "possible_loss",
            Self::Recovered(_) => "recovered",
            Self::Refused(_) => "refused",
            Self::RowWithheld(_) => "row_withheld",
        }
    }
}

/// What a verifier decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The call may run.
    Allow,
    /// The call may not run.
    Deny,
}

/// One decision on one call. What was not known when it was made (a forged token has no run) is absent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Decided {
    /// Its id: also in the response.
    pub decision: DecisionId,
    /// Allow or deny.
    pub verdict: Verdict,
    /// Why not. Absent when allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<DenialCode>,
    /// More about why not, for the operator. Never shown to the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text>,
    /// The request, as its receiver numbered it.
    pub request: RequestId,
    /// The trace id of the caller's `traceparent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Text>,
    /// Which attempt this is, from 1, when the caller says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The customer whose data the call touches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Tenant>,
    /// The verifier's environment.
    pub env: Environment,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    /// On whose behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// Through which agents, the minted one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<Actor>,
    /// Under which policy route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
    /// The verifier's service.
    pub audience: Audience,
    /// The tool that was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolName>,
    /// What the tool does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<Impact>,
    /// The keyed digest of the canonical arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args_digest: Option<ArgumentsDigest>,
    /// The caller's idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<Text>,
    /// The policy the token was minted under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// The version of the bundle decided with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<u64>,
    /// From the call's arrival to this record, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<u64>,
}

impl Decided {
    /// An allowed call; fill in what else is known.
    pub fn allow(
        decision: DecisionId,
        request: RequestId,
        env: Environment,
        audience: Audience,
    ) -> Self {
        Self {
            decision,
            verdict: Verdict::Allow,
            code: None,
            detail: None,
            request,
            trace: None,
            attempt: None,
            tenant: None,
            env,
            run: None,
            token: None,
            subject: None,
            actors: Vec::new(),
            route: None,
            audience,
            tool: None,
            impact: None,
            args_digest: None,
            idempotency_key: None,
            policy: None,
            bundle: None,
            latency_us: None,
        }
    }

    /// A denied call; fill in what else is known.
    pub fn deny(
        decision: DecisionId,
        request: RequestId,
        env: Environment,
        audience: Audience,
        code: DenialCode,
    ) -> Self {
        Self {
            verdict: Verdict::Deny,
            code: Some(code),
            ..Self::allow(decision, request, env, audience)
        }
    }
}

/// How a permitted call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallResult {
    /// The handler failed; `error_class` may say how.
    Error,
    /// The handler did what was asked.
    Ok,
}

/// The end of a permitted call.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finished {
    /// The decision that permitted it.
    pub decision: DecisionId,
    /// How it ended.
    pub result: CallResult,
    /// The keyed digest of what the handler returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_digest: Option<ArgumentsDigest>,
    /// From the permit to the end, in milliseconds.
    pub duration_ms: u64,
    /// The kind of failure, in the service's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_class: Option<Text>,
    /// What the call cost, in millionths of a US dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend_usd_micros: Option<u64>,
}

/// A permit that was never finished.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Abandoned {
    /// The decision that permitted the call.
    pub decision: DecisionId,
}

/// A row that a permitted call did not get, because it belongs to somebody else.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RowWithheld {
    /// The decision that permitted the call.
    pub decision: DecisionId,
    /// Whose row it is. Never shown to the caller.
    pub detail: Text,
}

/// A bundle in use.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BundleSeen {
    /// Its version.
    pub version: u64,
    /// The digest of its signed bytes.
    pub digest: Digest,
}

/// Refusals of one code within one second, of which only the number is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refused {
    /// Why they were refused.
    pub code: DenialCode,
    /// Whose they were, when they were past the quota of one token; absent before a valid signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    /// How many.
    pub count: u64,
    /// When the first was refused.
    pub first: Timestamp,
    /// When the last was refused.
    pub last: Timestamp,
}

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

/// The start of a writer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Opened {
    /// The unique name of this journal, fixed when it was created.
    pub origin: String,
    /// The public half of the key that signs its checkpoints.
    pub public_key: VerifyingKey,
    /// The software that writes it.
    pub software: Text,
    /// How many records were there before this one.
    pub previous_size: u64,
    /// Which start of the machine this is, where the system says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Text>,
}

/// Why a tail was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TornBecause {
    /// A line is not a record with the expected index.
    BadLine,
    /// The last line has no end.
    NoLineEnd,
}

/// What was cut off the end of a journal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Recovery {
    /// How many bytes.
    pub bytes: u64,
    /// How many line ends were among them.
    pub lines: u64,
    /// Their SHA-256.
    pub digest: Digest,
    /// Why.
    pub why: TornBecause,
}

/// Records that may be missing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PossibleLoss {
    /// The time of the last record that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How much may be missing, in milliseconds before the machine stopped.
    pub at_most_ms: u64,
}
