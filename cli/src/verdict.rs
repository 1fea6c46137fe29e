//! What a verifier would say to a token, and to a call with it. A rehearsal: nothing is recorded, nothing permitted.
//!
//! The order is that of docs/denials.md, as in `hallpass-verifier`; a test holds the two together. What only a service
//! knows is not looked at: the tenant it serves. No proof of possession comes with a rehearsal.

use hallpass_args::Arguments;
use hallpass_bundle::{Snapshot, Staleness, TokenPurpose};
use hallpass_keys::VerifyingKey;
use hallpass_token::{AdmittedToken, CallFacts, Clearance, UnverifiedToken};
use hallpass_vocabulary::{Audience, DenialCode, Environment, Impact, Timestamp, ToolName};

/// A denial and its detail. The detail names only what was validated, or what is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) code: DenialCode,
    pub(crate) detail: Option<String>,
}

/// The call to rehearse.
#[derive(Debug, Clone)]
pub(crate) struct Rehearsal {
    pub(crate) audience: Audience,
    pub(crate) tool: ToolName,
    pub(crate) arguments: Arguments,
}

impl Denial {
    fn new(code: DenialCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: Some(detail.into()),
        }
    }
}

impl From<DenialCode> for Denial {
    fn from(code: DenialCode) -> Self {
        Self { code, detail: None }
    }
}

/// Verifies the signatures of a token under the keys of a bundle, and admits its structure. Answers with the key too.
pub(crate) fn identify(
    token: UnverifiedToken,
    snapshot: &Snapshot,
) -> Result<(AdmittedToken, VerifyingKey), Denial> {
    let environment = snapshot.environment();
    let hint = token.key_hint();
    let key = snapshot.key(hint).ok_or_else(|| {
        Denial::new(
            DenialCode::UnknownKey,
            format!(
                "no key {hint:08x} in bundle {} of `{environment}`",
                snapshot.version()
            ),
        )
    })?;
    if key.environment != *environment {
        return Err(Denial::new(
            DenialCode::WrongEnvironment,
            format!(
                "signed by a key of `{}`, the bundle is of `{environment}`",
                key.environment
            ),
        ));
    }
    if key.purpose != TokenPurpose::Run {
        return Err(DenialCode::WrongPurpose.into());
    }
    if !key.state.is_believed() {
        return Err(DenialCode::KeyTainted.into());
    }
    let admitted = token
        .verify(&key.key)
        .map_err(|error| Denial::new(error.code(), error.to_string()))?
        .admit()
        .map_err(|error| Denial::new(error.code(), error.to_string()))?;
    Ok((admitted, key.key))
}

/// Whether a token is of the environment of the bundle and in its time.
pub(crate) fn current(
    token: &AdmittedToken,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<(), Denial> {
    if token.grant().environment != *snapshot.environment() {
        let detail = format!(
            "token of `{}`, bundle of `{}`",
            token.grant().environment,
            snapshot.environment()
        );
        return Err(Denial::new(DenialCode::WrongEnvironment, detail));
    }
    if !token.grant().budgets.is_empty() {
        let detail = "the token has budgets, which this version does not count";
        return Err(Denial::new(DenialCode::VocabularyUnsupported, detail));
    }
    // Time is looked at before the call: any audience and tool will do.
    let (Some(audience), Some(tool)) = (
        token.grant().audiences.first(),
        token
            .grant()
            .tools
            .iter()
            .chain(&token.grant().needs_approval)
            .next(),
    ) else {
        return Err(DenialCode::GrantMalformed.into());
    };
    let arguments = Arguments::none();
    let call = facts(snapshot.environment(), audience, tool, &arguments, now);
    token
        .check_time(&call)
        .map_err(|denial| Denial::new(denial.code, token.explain(&denial, &call)))
}

/// Whether a service would allow this call.
pub(crate) fn decide(
    token: &AdmittedToken,
    call: &Rehearsal,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<(), Denial> {
    current(token, snapshot, now)?;
    let facts = facts(
        snapshot.environment(),
        &call.audience,
        &call.tool,
        &call.arguments,
        now,
    );
    let by_token =
        |denial: hallpass_token::Denial| Denial::new(denial.code, token.explain(&denial, &facts));
    token.check_audience(&facts).map_err(by_token)?;
    let impact = snapshot
        .catalogue()
        .tool(&call.tool)
        .filter(|tool| tool.audience == call.audience)
        .map(|tool| tool.impact);
    // A tool whose impact is not known counts as the most harmful.
    let proof = token.grant().proof;
    if proof.demands(impact.unwrap_or(Impact::Destructive)) {
        let detail = format!("the token demands a proof (`{proof}`)");
        return Err(Denial::new(DenialCode::ProofRequired, detail));
    }
    let Some(impact) = impact else {
        let detail = format!("`{}` is not a tool of `{}`", call.tool, call.audience);
        return Err(Denial::new(DenialCode::ToolUnknown, detail));
    };
    let clearance = token.check_tool(&facts).map_err(by_token)?;
    token.check_caveats(&facts).map_err(by_token)?;
    if snapshot.is_stale(impact, &Staleness::STANDARD, now) {
        let detail = format!(
            "last heartbeat {} s ago, at most {} s for a {impact} call",
            snapshot.age(now).as_secs(),
            Staleness::STANDARD.bound(impact).as_secs()
        );
        return Err(Denial::new(DenialCode::BundleStale, detail));
    }
    match clearance {
        Clearance::Allow => Ok(()),
        Clearance::NeedsApproval => Err(DenialCode::ApprovalRequired.into()),
    }
}

fn facts<'a>(
    environment: &'a Environment,
    audience: &'a Audience,
    tool: &'a ToolName,
    arguments: &'a Arguments,
    now: Timestamp,
) -> CallFacts<'a> {
    CallFacts {
        now,
        audience,
        environment,
        tool,
        arguments,
    }
}
