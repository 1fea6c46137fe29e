//! What a verifier would say to a token, and to a call with it. A rehearsal: nothing is recorded, nothing permitted.
//!
//! The order is that of docs/denials.md, as in `hallpass-verifier`; a test holds the two together. What only a service
//! knows is not looked at: the tenant it serves, what a run has spent. No proof of possession comes with a rehearsal.

use hallpass_args::Arguments;
use hallpass_bundle::{Snapshot, Staleness, TokenPurpose};
use hallpass_keys::VerifyingKey;
use hallpass_token::{
    AdmittedToken, CallFacts, Caveat, CaveatOutcome, Clearance, UnverifiedToken, VerifiedToken,
};
use hallpass_vocabulary::{Audience, DenialCode, Environment, Impact, Timestamp, ToolName};

use crate::explained::{Finding, Step};
use crate::words::{span, time};

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

/// A token whose signatures hold under a key of the bundle, and whose structure is admitted.
pub(crate) struct Identified {
    pub(crate) verified: VerifiedToken,
    pub(crate) token: AdmittedToken,
    pub(crate) key: VerifyingKey,
}

/// The steps taken so far, the failed one last.
#[derive(Debug, Default)]
pub(crate) struct Steps(pub(crate) Vec<Step>);

impl Steps {
    fn take<T>(
        &mut self,
        step: &'static str,
        result: Result<T, Denial>,
        says: impl FnOnce(&T) -> String,
    ) -> Result<T, Denial> {
        self.0.push(match &result {
            Ok(held) => Step::holds(step, says(held)),
            Err(denial) => Step::fails(step, denial),
        });
        result
    }

    /// A step of the token's own decision, with the caveats it looks at.
    fn take_by_token<T>(
        &mut self,
        step: Option<(&'static str, String)>,
        (token, call): (&AdmittedToken, &CallFacts<'_>),
        looks_at: impl Fn(&Caveat) -> bool,
        result: Result<T, hallpass_token::Denial>,
    ) -> Result<T, Denial> {
        let by_caveat = result.as_ref().err().and_then(|denial| denial.caveat);
        let result =
            result.map_err(|denial| Denial::new(denial.code, token.explain(&denial, call)));
        if let Some((step, says)) = step {
            self.0.push(match &result {
                Err(denial) if by_caveat.is_none() => Step::fails(step, denial),
                _ => Step::holds(step, says),
            });
        }
        if result.is_err() && by_caveat.is_none() {
            return result;
        }
        for (placed, explained) in token.caveats().iter().zip(token.explain_caveats(call)) {
            if !looks_at(&placed.caveat) {
                continue;
            }
            let fails = matches!(explained.outcome, CaveatOutcome::Fails { .. });
            self.0.push(Step {
                step: "caveat",
                finding: Finding::Caveat(explained),
            });
            if fails {
                break;
            }
        }
        result
    }
}

/// Verifies the signatures of a token under the keys of a bundle, and admits its structure.
pub(crate) fn identify(
    token: UnverifiedToken,
    snapshot: &Snapshot,
    steps: &mut Steps,
) -> Result<Identified, Denial> {
    let key = steps.take("key", key(&token, snapshot), |key| {
        format!("{}, which signs tokens of runs", key.id())
    })?;
    let blocks = token.blocks();
    let verified = token
        .verify(&key)
        .map_err(|error| Denial::new(error.code(), error.to_string()));
    let verified = steps.take("signatures", verified, |_| match blocks {
        1 => "of 1 block, and the next secret or seal".to_owned(),
        blocks => format!("of {blocks} blocks, and the next secret or seal"),
    })?;
    let token = verified
        .admit()
        .map_err(|error| Denial::new(error.code(), error.to_string()));
    let token = steps.take("structure", token, |_| {
        "admitted: every check is a published caveat".to_owned()
    })?;
    Ok(Identified {
        verified,
        token,
        key,
    })
}

/// The key a token names, if it may sign tokens of runs here.
fn key(token: &UnverifiedToken, snapshot: &Snapshot) -> Result<VerifyingKey, Denial> {
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
    Ok(key.key)
}

/// Whether a token is of the environment of the bundle and in its time.
pub(crate) fn current(
    token: &AdmittedToken,
    snapshot: &Snapshot,
    now: Timestamp,
    steps: &mut Steps,
) -> Result<(), Denial> {
    let grant = token.grant();
    steps.take("environment", environment(token, snapshot), |()| {
        snapshot.environment().to_string()
    })?;
    // Time is looked at before the call: any audience and tool will do.
    let tools = grant.tools.iter().chain(&grant.needs_approval);
    let (Some(audience), Some(tool)) = (grant.audiences.first(), tools.into_iter().next()) else {
        return Err(DenialCode::GrantMalformed.into());
    };
    let arguments = Arguments::none();
    let call = facts(snapshot.environment(), audience, tool, &arguments, now);
    let says = format!(
        "issued {}, expires {}, now {}",
        time(grant.issued),
        time(grant.expires),
        time(now)
    );
    steps.take_by_token(
        Some(("time", says)),
        (token, &call),
        |caveat| matches!(caveat, Caveat::ExpiresBefore(_)),
        token.check_time(&call),
    )
}

fn environment(token: &AdmittedToken, snapshot: &Snapshot) -> Result<(), Denial> {
    if token.grant().environment != *snapshot.environment() {
        let detail = format!(
            "token of `{}`, bundle of `{}`",
            token.grant().environment,
            snapshot.environment()
        );
        return Err(Denial::new(DenialCode::WrongEnvironment, detail));
    }
    Ok(())
}

/// Whether a service would allow this call.
pub(crate) fn decide(
    token: &AdmittedToken,
    call: &Rehearsal,
    snapshot: &Snapshot,
    now: Timestamp,
    steps: &mut Steps,
) -> Result<(), Denial> {
    current(token, snapshot, now, steps)?;
    let facts = call.facts(snapshot.environment(), now);
    let by_token = (token, &facts);
    steps.take_by_token(
        Some(("audience", call.audience.to_string())),
        by_token,
        |caveat| matches!(caveat, Caveat::OnlyAudiences(_)),
        token.check_audience(&facts),
    )?;
    let impact = snapshot
        .catalogue()
        .tool(&call.tool)
        .filter(|tool| tool.audience == call.audience)
        .map(|tool| tool.impact);
    let proof = token.grant().proof;
    // A tool whose impact is not known counts as the most harmful.
    let proven = if proof.demands(impact.unwrap_or(Impact::Destructive)) {
        let detail = format!("the token demands a proof (`{proof}`)");
        Err(Denial::new(DenialCode::ProofRequired, detail))
    } else {
        Ok(())
    };
    steps.take("proof", proven, |()| format!("not needed (`{proof}`)"))?;
    let impact = impact.ok_or_else(|| {
        let detail = format!("`{}` is not a tool of `{}`", call.tool, call.audience);
        Denial::new(DenialCode::ToolUnknown, detail)
    });
    let impact = steps.take("catalogue", impact, |impact| {
        format!("{} is a tool of {} ({impact})", call.tool, call.audience)
    })?;
    let granted = match token.check_tool(&facts) {
        Ok(Clearance::NeedsApproval) => "granted with an approval",
        _ => "granted",
    };
    let clearance = steps.take_by_token(
        Some(("tool", format!("{} is {granted}", call.tool))),
        by_token,
        |_| false,
        token.check_tool(&facts),
    )?;
    steps.take_by_token(
        None,
        by_token,
        |caveat| !matches!(caveat, Caveat::ExpiresBefore(_) | Caveat::OnlyAudiences(_)),
        token.check_caveats(&facts),
    )?;
    let (age, bound) = (snapshot.age(now), Staleness::STANDARD.bound(impact));
    let fresh = if snapshot.is_stale(impact, &Staleness::STANDARD, now) {
        let detail = format!(
            "last heartbeat {} s ago, at most {} s for a {impact} call",
            age.as_secs(),
            bound.as_secs()
        );
        Err(Denial::new(DenialCode::BundleStale, detail))
    } else {
        Ok(())
    };
    steps.take("bundle", fresh, |()| {
        format!(
            "last heartbeat {} ago, at most {} for a {impact} call",
            span(age),
            span(bound)
        )
    })?;
    let approved = match clearance {
        Clearance::Allow => Ok(()),
        Clearance::NeedsApproval => Err(DenialCode::ApprovalRequired.into()),
    };
    steps.take("approval", approved, |()| "not needed".to_owned())
}

impl Rehearsal {
    /// What a token is asked about this call.
    pub(crate) fn facts<'a>(
        &'a self,
        environment: &'a Environment,
        now: Timestamp,
    ) -> CallFacts<'a> {
        facts(
            environment,
            &self.audience,
            &self.tool,
            &self.arguments,
            now,
        )
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
