//! What a verifier records.

use std::collections::BTreeMap;

use hallpass_keys::Digest;
use hallpass_vocabulary::{
    Actor, Audience, DecisionId, DenialCode, Environment, Impact, Pointer, RequestId, Route, RunId,
    StopId, Subject, Tenant, TokenId, ToolName,
};

use super::RecordedArgs;
use super::spent::{Claimed, KeyKept, Spent};
use crate::{ArgumentsDigest, Text};

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
    /// The keyed digest of the canonical arguments; under the key of `sensitive_key` where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args_digest: Option<ArgumentsDigest>,
    /// Arguments that records of this tool show: [`Decided::record_arg`].
    #[serde(default, skip_serializing_if = "RecordedArgs::is_empty")]
    pub args: RecordedArgs,
    /// Digests of sensitive arguments: [`Decided::record_sensitive_arg`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sensitive_args: BTreeMap<Pointer, ArgumentsDigest>,
    /// The number of the key that they and `args_digest` are under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitive_key: Option<u64>,
    /// Arguments that were there and were to be shown, and are not: too large, or with a sensitive one in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args_omitted: Vec<Pointer>,
    /// The caller's idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<Text>,
    /// Until when the idempotency key is this call's; absent where it was only noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<KeyKept>,
    /// The approval that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Claimed>,
    /// The proof of possession that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Claimed>,
    /// What the run has spent, this call included; absent where it has no budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<Spent>,
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
            args: RecordedArgs::default(),
            sensitive_args: BTreeMap::new(),
            sensitive_key: None,
            args_omitted: Vec::new(),
            idempotency_key: None,
            idempotency: None,
            approval: None,
            proof: None,
            spent: None,
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
    /// The run, where `spent` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// What the run has spent, this call's cost included; absent where it has no budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<Spent>,
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

/// A stop that a verifier has come to know of, or that is no longer in the bundle.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StopSeen {
    /// Which stop.
    pub stop: StopId,
    /// What it is about; absent when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Text>,
}
