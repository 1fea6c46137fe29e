//! Proof that a call was allowed and is on record.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hallpass_args::{Arguments, IdempotencyKey, ToolCall};
use hallpass_journal::memory::SPENT_MAX;
use hallpass_journal::{
    Abandoned, Append, AppendError, CallResult, Durability, Event, Finished, Journal, Recorded,
    RowWithheld, Text,
};
use hallpass_token::{AdmittedToken, Grant};
use hallpass_vocabulary::{
    Actor, DecisionId, DenialCode, Environment, Impact, Role, RunId, Subject, Tenant, Timestamp,
    ToolName,
};

use crate::gate::Seat;
use crate::outcome::{Ended, Outcome};
use crate::recording::Recording;
use crate::refusal::{Denial, Denied, Refusal};
use crate::restriction::{Stopped, Watch};
use crate::setup::Disclosure;
use crate::spend::{Held, Spend};

/// Proof that a call was allowed and that the decision is on record. Only [`Commit`](crate::Commit) makes one, from
/// what only the journal makes; a handler that takes a permit cannot run unchecked.
///
/// [`finish`](Self::finish) it. Dropped unfinished, the call is recorded as abandoned: its outcome is unknown and is
/// treated so.
///
/// Nobody else can make one, and it is used once:
///
/// ```compile_fail,E0451
/// # fn forge(journal: hallpass_journal::Journal) {
/// let permit = hallpass_verifier::Permit { journal };
/// # }
/// ```
///
/// ```compile_fail,E0382
/// # fn twice(permit: hallpass_verifier::Permit) {
/// drop(permit.finish(hallpass_verifier::Outcome::succeeded(b"{}")));
/// println!("{}", permit.tenant());
/// # }
/// ```
#[must_use = "an unfinished permit is recorded as abandoned"]
pub struct Permit {
    journal: Journal,
    decision: DecisionId,
    token: Arc<AdmittedToken>,
    call: ToolCall,
    impact: Impact,
    disclosure: Disclosure,
    recording: Recording,
    started: Instant,
    open: bool,
    /// The decision's place in the journal, once it is known to have one.
    record: Option<u64>,
    /// Where the cost is counted; none where the token has no budget.
    account: Option<Spend>,
    /// What the call has cost by now, in millionths of a US dollar.
    cost: AtomicU64,
    watch: Watch,
    /// The call is under way for as long as this is here.
    _seat: Seat,
}

impl Permit {
    /// The decision's id.
    pub fn decision(&self) -> DecisionId {
        self.decision
    }

    /// The place of the decision in the journal. None only where the service chose to go on without a record
    /// ([`Recording::danger_open`](crate::Recording::danger_open)): whoever serves such a call warns of it.
    pub fn record(&self) -> Option<u64> {
        self.record
    }

    /// The tenant whose data the call may touch. The only place a handler takes it from.
    pub fn tenant(&self) -> &Tenant {
        &self.grant().tenant
    }

    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.grant().environment
    }

    /// On whose behalf.
    pub fn subject(&self) -> &Subject {
        &self.grant().subject
    }

    /// Through which agents; the minted one first.
    pub fn actors(&self) -> &[Actor] {
        std::slice::from_ref(&self.grant().actor)
    }

    /// The subject's roles.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.grant().roles.iter()
    }

    /// The run.
    pub fn run(&self) -> RunId {
        self.grant().run
    }

    /// The tool.
    pub fn tool(&self) -> &ToolName {
        &self.call.tool
    }

    /// What the tool does.
    pub fn impact(&self) -> Impact {
        self.impact
    }

    /// The arguments that were decided on.
    pub fn arguments(&self) -> &Arguments {
        &self.call.args
    }

    /// The caller's name for "this change, once".
    pub fn idempotency_key(&self) -> Option<&IdempotencyKey> {
        self.call.idempotency_key.as_ref()
    }

    /// When the token expires: work that takes longer asks anew.
    pub fn deadline(&self) -> Timestamp {
        self.token.not_after()
    }

    /// Whether a stop is in force by now that is about this call, or its token has been revoked. Work that takes long asks between
    /// its steps, and leaves undone what it has not begun.
    pub fn is_stopped(&self) -> bool {
        self.watch.is_stopped(self.grant(), &self.call)
    }

    /// Ends as soon as [`is_stopped`](Self::is_stopped) is so: beside what a handler waits for, it cuts that short. Names no
    /// executor.
    pub fn stopped(&self) -> Stopped<'_> {
        Stopped::of(self)
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Whether a row is this call's to touch: of its tenant, and, where the row has an owner, of its subject.
    ///
    /// # Errors
    /// `not_found`, and a record of what was withheld: a row of somebody else reads as absent.
    pub fn owns(&self, tenant: &Tenant, owner: Option<&Subject>) -> Result<(), Refusal> {
        let reason = if tenant != self.tenant() {
            format!("the row belongs to tenant `{tenant}`")
        } else if let Some(owner) = owner.filter(|owner| *owner != self.subject()) {
            format!("the row belongs to `{owner}`")
        } else {
            return Ok(());
        };
        let withheld = RowWithheld {
            decision: self.decision,
            detail: Text::new(&reason),
        };
        // Written before this returns or not at all; a journal that cannot write denies the next call anyway.
        drop(
            self.journal
                .append(&Event::RowWithheld(withheld), Durability::Relaxed),
        );
        let denial = Denial::new(DenialCode::NotFound, reason);
        let disclosed = match self.disclosure {
            Disclosure::Explain => Disclosure::Explain,
            Disclosure::Code | Disclosure::NotFound => Disclosure::Code,
        };
        Err(Refusal::Denied(Denied::disclosed(
            self.decision,
            &denial,
            disclosed,
        )))
    }

    /// Adds to what the call has cost, in millionths of a US dollar. Counted at once against the budget of its run, where the
    /// token has one, whatever becomes of the call: a call that is already under way is not stopped by it, the next one is.
    /// The sum is recorded when the call is [finished](Self::finish).
    pub fn costs(&self, usd_micros: u64) {
        if usd_micros == 0 {
            return;
        }
        let sum = |before: u64| Some(before.saturating_add(usd_micros).min(SPENT_MAX));
        // Always given a sum, so this always succeeds.
        let _ = self
            .cost
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
        if let Some(account) = &self.account {
            account.charge(&self.journal, self.run(), usd_micros);
        }
    }

    /// Records how the call ended. The answer says when it is on record; a handler need not wait for it.
    pub fn finish(mut self, outcome: Outcome<'_>) -> Append {
        self.open = false;
        self.costs(outcome.cost_usd_micros);
        let (result, result_digest, error_class) = match outcome.ended {
            Ended::Succeeded(answer) => (CallResult::Ok, Some(self.journal.digest(answer)), None),
            Ended::Failed(class) => (CallResult::Error, None, Some(Text::new(class.as_str()))),
        };
        let cost = Some(self.cost.load(Ordering::Relaxed)).filter(|cost| *cost > 0);
        let account = self.account.as_ref().filter(|_| cost.is_some());
        let spent = account.and_then(|account| account.totals(&self.journal, self.run()));
        let finished = Finished {
            decision: self.decision,
            result,
            result_digest,
            duration_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            error_class,
            spend_usd_micros: cost,
            run: spent.map(|_| self.run()),
            spent,
        };
        let counts = spent.is_some();
        let durability = match self.recording.of(self.impact) {
            // It has happened: a full disk must not keep it off the record while there is a reserve.
            Durability::Durable => Durability::Outcome,
            // What is spent must be known at the next start.
            Durability::DangerOpen if counts => Durability::Outcome,
            other => other,
        };
        self.journal.append(&Event::Finished(finished), durability)
    }

    fn grant(&self) -> &Grant {
        self.token.grant()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.open {
            let abandoned = Event::Abandoned(Abandoned {
                decision: self.decision,
            });
            drop(self.journal.append(&abandoned, Durability::Relaxed));
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("decision", &self.decision)
            .field("tool", &self.call.tool)
            .finish_non_exhaustive()
    }
}

/// A permit whose decision is not on record yet. Dropped, it says that nothing will come of the call, and keeps what the call
/// has taken.
pub(crate) struct Unrecorded {
    permit: Permit,
    held: Held,
}

/// What a verifier gives its permits.
pub(crate) struct Terms {
    pub(crate) journal: Journal,
    pub(crate) disclosure: Disclosure,
    pub(crate) recording: Recording,
    pub(crate) watch: Watch,
    pub(crate) seat: Seat,
    pub(crate) held: Held,
}

impl Unrecorded {
    pub(crate) fn new(
        terms: Terms,
        decision: DecisionId,
        token: Arc<AdmittedToken>,
        call: ToolCall,
        impact: Impact,
    ) -> Self {
        let permit = Permit {
            journal: terms.journal,
            decision,
            token,
            call,
            impact,
            disclosure: terms.disclosure,
            recording: terms.recording,
            started: Instant::now(),
            open: true,
            record: None,
            account: terms.held.account(),
            cost: AtomicU64::new(0),
            watch: terms.watch,
            _seat: terms.seat,
        };
        let held = terms.held;
        Self { permit, held }
    }

    /// The permit, for proof of its record; without it a denial, and no call.
    pub(crate) fn conclude(
        mut self,
        recorded: Result<Recorded, AppendError>,
    ) -> Result<Permit, Denial> {
        match recorded {
            Ok(proof) => {
                self.permit.record = proof.index();
                Ok(self.permit)
            }
            Err(error) => {
                // What is certainly not in the journal needs no word that nothing came of it, and has spent nothing.
                self.permit.open = error.is_uncertain();
                if !error.is_uncertain() {
                    self.held.give_back();
                }
                Err(Denial::new(
                    DenialCode::JournalUnavailable,
                    error.to_string(),
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hallpass_journal::{JournalName, Settings};
    use hallpass_testkit::FixedClock;
    use hallpass_vocabulary::RequestId;

    use super::*;
    use crate::cache::tests::{NOW, known, minted};
    use crate::gate::Gate;
    use crate::token_clock::TokenClock;

    /// How many calls are on record as abandoned after an allowed call whose append failed so.
    fn abandoned_after(error: AppendError) -> usize {
        let directory = hallpass_testkit::temp_dir();
        let clock = Arc::new(FixedClock::at(NOW));
        let name = JournalName::new("tickets").unwrap();
        let settings = Settings::new("dev".parse().unwrap(), name, clock);
        let journal = Journal::open(directory.path(), settings).unwrap();
        let call = ToolCall {
            audience: "tickets".parse().unwrap(),
            tool: "a.b1".parse().unwrap(),
            args: Arguments::parse(b"{}").unwrap(),
            request_id: RequestId::new(NOW, [1; 10]),
            idempotency_key: None,
            trace: None,
            attempt: None,
        };
        let terms = Terms {
            journal: journal.clone(),
            disclosure: Disclosure::Code,
            recording: Recording::standard(),
            watch: Watch {
                snapshots: Arc::default(),
                clock: TokenClock::new(Arc::new(FixedClock::at(NOW)), None),
            },
            seat: Arc::new(Gate::default()).enter().unwrap(),
            held: Held::nothing(),
        };
        let unrecorded = Unrecorded::new(
            terms,
            DecisionId::new(NOW, [2; 10]),
            known(minted().expose()).token,
            call,
            Impact::Read,
        );
        let denial = unrecorded.conclude(Err(error)).unwrap_err();
        assert_eq!(denial.code, DenialCode::JournalUnavailable);
        journal.close().unwrap();
        let files = std::fs::read_dir(directory.path()).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        let segments = paths.filter(|path| path.extension().is_some_and(|it| it == "jsonl"));
        segments
            .map(|path| std::fs::read_to_string(path).unwrap())
            .map(|lines| lines.matches(r#""kind":"abandoned""#).count())
            .sum()
    }

    #[test]
    fn what_may_be_on_record_is_abandoned_and_what_is_not_needs_no_word() {
        assert_eq!(abandoned_after(AppendError::Uncertain), 1);
        assert_eq!(abandoned_after(AppendError::Timeout), 0);
        assert_eq!(abandoned_after(AppendError::Full), 0);
    }
}
