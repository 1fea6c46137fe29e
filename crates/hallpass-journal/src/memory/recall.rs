//! From records back to what they say was spent.
//!
//! Most records say nothing of the kind; they are told by the text of two members, without being parsed. In the text of
//! a JSON string a quote stands behind a backslash, so no text from outside looks like a member.

use std::time::Duration;

use hallpass_vocabulary::{DecisionId, RunId, Subject, Tenant, Timestamp, TokenId, ToolName};

use super::claims::{ClaimId, KeyState, KeyUse};
use super::state::{Counter, Scope, State};
use super::{Memory, RUN_KEPT_SECONDS};
use crate::scan::Visited;
use crate::{ArgumentsDigest, CallResult, Claimed, KeyKept, Pruned, Spent, Verdict};

/// Stands in every decision that used something that has an end.
const ENDS: &str = r#""until":""#;
/// Stands in every record with totals of a run.
const TOTALS: &str = r#""spent":{"#;

/// A record that should say what was spent, and cannot be understood.
struct NotUnderstood;

impl From<serde_json::Error> for NotUnderstood {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

impl Memory {
    /// Remembers what a record says, while the journal is opened. `latest` is the latest time in any record so far: what was
    /// spent while the clock was set back is remembered as long as what was spent before.
    pub(crate) fn recall(&self, record: &Visited<'_>, latest: Option<Timestamp>) {
        let line = std::str::from_utf8(record.line).unwrap_or_default();
        let recall: fn(&mut State, &str, Timestamp) -> Result<(), NotUnderstood> =
            match record.head.kind {
                "opened" if record.head.index == 0 => |state, _, time| {
                    state.created_not_before(time);
                    Ok(())
                },
                "pruned" => pruned,
                "decided" if line.contains(ENDS) || line.contains(TOTALS) => decided,
                "finished" if line.contains(TOTALS) || self.lock().has_running() => finished,
                "abandoned" if self.lock().has_running() => abandoned,
                _ => return,
            };
        // The time was checked with the line.
        let time = record.head.time.parse();
        let time = time.unwrap_or(Timestamp::from_unix_ms(0));
        let time = latest.map_or(time, |latest| latest.max(time));
        let mut state = self.lock();
        if recall(&mut state, line, time).is_err() {
            // Whatever it used was made before it: all of that is no good now, rather than good twice.
            state.created_not_before(time);
        }
    }

    /// There are no more records: of what has not ended, the end is unknown.
    pub(crate) fn records_end(&self) {
        self.lock().nothing_runs();
    }
}

impl State {
    pub(super) fn created_not_before(&mut self, time: Timestamp) {
        self.created = self.created.max(Some(time));
    }

    fn recall_spent(&mut self, run: Option<RunId>, spent: Option<Spent>, time: Timestamp) {
        if let (Some(run), Some(spent)) = (run, spent) {
            let until = time.after(Duration::from_secs(RUN_KEPT_SECONDS));
            let counter = Counter {
                calls: spent.calls.unwrap_or(0),
                usd_micros: spent.usd_micros.unwrap_or(0),
            };
            self.at_least(run, counter, until);
        }
    }
}

fn pruned(state: &mut State, line: &str, _: Timestamp) -> Result<(), NotUnderstood> {
    let pruned: Pruned = serde_json::from_str(line)?;
    state.created_not_before(pruned.created);
    Ok(())
}

#[derive(serde::Deserialize)]
struct DecidedParts {
    decision: DecisionId,
    verdict: Verdict,
    tenant: Option<Tenant>,
    run: Option<RunId>,
    token: Option<TokenId>,
    subject: Option<Subject>,
    tool: Option<ToolName>,
    args_digest: Option<ArgumentsDigest>,
    idempotency_key: Option<String>,
    idempotency: Option<KeyKept>,
    approval: Option<Claimed>,
    proof: Option<Claimed>,
    spent: Option<Spent>,
}

fn decided(state: &mut State, line: &str, time: Timestamp) -> Result<(), NotUnderstood> {
    let record: DecidedParts = serde_json::from_str(line)?;
    if record.verdict != Verdict::Allow {
        return Ok(());
    }
    let time = state.advance(time);
    state.recall_spent(record.run, record.spent, time);
    if let Some(approval) = &record.approval {
        state.use_approval(approval.id.clone(), approval.until);
    }
    if let Some(proof) = &record.proof {
        let token = record.token.ok_or(NotUnderstood)?;
        state.use_proof(token, proof.id.clone(), proof.until);
    }
    if let Some(kept) = record.idempotency {
        let (Some(tenant), Some(subject), Some(key), Some(tool), Some(args)) = (
            record.tenant,
            record.subject,
            record.idempotency_key,
            record.tool,
            record.args_digest,
        ) else {
            return Err(NotUnderstood);
        };
        let scope = Scope {
            tenant,
            subject,
            key: ClaimId::new(&key).map_err(|_| NotUnderstood)?,
        };
        let used = KeyUse {
            decision: record.decision,
            tool,
            args,
            state: KeyState::Running,
        };
        state.recall_key(scope, used, kept.until);
    }
    Ok(())
}

#[derive(serde::Deserialize)]
struct FinishedParts {
    decision: DecisionId,
    result: CallResult,
    run: Option<RunId>,
    spent: Option<Spent>,
}

fn finished(state: &mut State, line: &str, time: Timestamp) -> Result<(), NotUnderstood> {
    let record: FinishedParts = serde_json::from_str(line)?;
    let time = state.advance(time);
    state.recall_spent(record.run, record.spent, time);
    let as_what = match record.result {
        CallResult::Error => KeyState::Error,
        CallResult::Ok => KeyState::Ok,
    };
    state.ended(record.decision, as_what);
    Ok(())
}

fn abandoned(state: &mut State, line: &str, _: Timestamp) -> Result<(), NotUnderstood> {
    let record: crate::Abandoned = serde_json::from_str(line)?;
    state.ended(record.decision, KeyState::Unknown);
    Ok(())
}
