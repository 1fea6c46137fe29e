//! From a verdict to an answer: record first, then permit.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hallpass_journal::{Append, Durability, Event};
use hallpass_vocabulary::{Clock as _, DecisionId, DenialCode, Impact};

use crate::checked::Checked;
use crate::gate::Seat;
use crate::later::{Later, later};
use crate::permit::{Permit, Terms, Unrecorded};
use crate::record;
use crate::refusal::{ApprovalRequired, Denial, Denied, Refusal};
use crate::setup::Disclosure;
use crate::spend::{self, Held, Spend, SpendAnswer};
use crate::verifier::Inner;

mod spending;

use spending::Spending;

/// How long [`Commit::wait`] waits for the record, in seconds. A disk that takes longer is one to deny on.
pub const RECORD_WAIT_SECONDS_MAX: u64 = 5;

/// A decision whose record is under way. A standard future, or [`wait`](Self::wait).
///
/// The future waits as long as the disk does: bound it where a caller must not, and [`give_up`](Self::give_up) then.
/// Dropped before it is answered, an allowed call is recorded as abandoned, and one that is not decided yet as denied.
#[must_use = "the answer decides whether the call may run"]
pub struct Commit {
    decision: DecisionId,
    disclosure: Disclosure,
    state: State,
}

#[expect(
    clippy::large_enum_variant,
    reason = "boxing the permit would put an allocation on every allowed call"
)]
enum State {
    /// The answer has been given.
    Answered,
    /// An allowed call: the permit is let out when the append succeeds.
    Allowed(Append, Unrecorded),
    /// A call that another thread decides.
    Elsewhere(Elsewhere),
    /// A denied call: recorded without being waited for, so that no flood of denials can hold up anything.
    Denied(Denial),
    /// A call that is allowed if a store lets it spend.
    Spending(Box<Spending>),
}

impl Commit {
    /// A decision whose verdict another thread will give; `put_off` is what it is should none come.
    pub(crate) fn elsewhere(
        verifier: &Arc<Inner>,
        later: Later<Checked>,
        put_off: Checked,
    ) -> Self {
        let decision = verifier.ids.decision(put_off.now);
        Self {
            decision,
            disclosure: verifier.disclosure,
            state: State::Elsewhere(Elsewhere {
                verifier: Arc::clone(verifier),
                decision,
                later,
                put_off: Some(Box::new(put_off)),
            }),
        }
    }

    pub(crate) fn begin(verifier: &Arc<Inner>, checked: Checked) -> Self {
        let decision = verifier.ids.decision(checked.now);
        Self::begin_as(decision, verifier, checked)
    }

    /// Lets in what is allowed, takes what it spends, and has it recorded.
    fn begin_as(decision: DecisionId, verifier: &Arc<Inner>, mut checked: Checked) -> Self {
        if let Some(bundle) = &checked.bundle {
            verifier.note_bundle(bundle);
        }
        let spends = match (&checked.verdict, &checked.token) {
            (Ok(_), Some(token)) => spend::claims(token.grant()),
            _ => return Self::denied(decision, verifier, checked),
        };
        let Some(seat) = verifier.gate.enter() else {
            checked.verdict = Err(DenialCode::Draining.into());
            return Self::denied(decision, verifier, checked);
        };
        let Some(claims) = spends else {
            return Self::allowed(decision, verifier, checked, seat, Held::nothing());
        };
        let now = verifier.clock.now();
        match &verifier.spend {
            Spend::ThisJournal => match verifier.journal.memory().reserve(&claims, now) {
                Ok(reservation) => {
                    let held = Held::in_memory(reservation);
                    Self::allowed(decision, verifier, checked, seat, held)
                }
                Err(reason) => {
                    checked.verdict = Err(spend::denial(&reason));
                    Self::denied(decision, verifier, checked)
                }
            },
            Spend::Shared(store) => {
                let (promise, taken) = later();
                store.reserve(claims.clone(), now, SpendAnswer(promise));
                Self {
                    decision,
                    disclosure: verifier.disclosure,
                    state: State::Spending(Box::new(Spending {
                        verifier: Arc::clone(verifier),
                        decision,
                        taken,
                        store: Arc::clone(store),
                        waiting: Some((checked, claims, seat)),
                    })),
                }
            }
        }
    }

    fn allowed(
        decision: DecisionId,
        verifier: &Inner,
        checked: Checked,
        seat: Seat,
        held: Held,
    ) -> Self {
        let (Ok(impact), Some(token)) = (&checked.verdict, &checked.token) else {
            return Self::denied(decision, verifier, checked);
        };
        let (impact, token) = (*impact, Arc::clone(token));
        let mut decided = record::decided(verifier, decision, &checked);
        decided.spent = held.spent();
        let durability = match verifier.recording.of(impact) {
            // What is spent must be known at the next start.
            Durability::DangerOpen if !held.is_nothing() => Durability::Durable,
            other => other,
        };
        let event = Event::Decided(Box::new(decided));
        let append = verifier.journal.append(&event, durability);
        let terms = Terms {
            journal: verifier.journal.clone(),
            disclosure: verifier.disclosure,
            recording: verifier.recording,
            watch: verifier.watch(),
            seat,
            held,
        };
        let permit = Unrecorded::new(terms, decision, token, checked.call, impact);
        Self {
            decision,
            disclosure: verifier.disclosure,
            state: State::Allowed(append, permit),
        }
    }

    fn denied(decision: DecisionId, verifier: &Inner, mut checked: Checked) -> Self {
        // Without a token the verdict is never to allow; were it so, nothing would be allowed here.
        let denial = |verdict: Result<Impact, Denial>| {
            let denial = verdict.err();
            denial.unwrap_or_else(|| DenialCode::TokenMissing.into())
        };
        checked.verdict = Err(denial(checked.verdict));
        let decided = record::decided(verifier, decision, &checked);
        verifier.journal.refuse(decided);
        let denial = denial(checked.verdict);
        Self {
            decision,
            disclosure: verifier.disclosure,
            state: State::Denied(denial),
        }
    }

    /// Blocks until the record is written, at most [`RECORD_WAIT_SECONDS_MAX`].
    ///
    /// # Errors
    /// The [`Refusal`]; `journal_unavailable` when an allowed call could not be recorded in time, `overloaded` when no
    /// thread came to it.
    pub fn wait(self) -> Result<Permit, Refusal> {
        self.wait_at_most(Duration::from_secs(RECORD_WAIT_SECONDS_MAX))
    }

    /// Ends the waiting for a future that took too long, without blocking: the answer if there is one by now, else a denial.
    /// A call that was not decided is on record as `overloaded`, under the id of the answer.
    ///
    /// # Errors
    /// The [`Refusal`]; `journal_unavailable` when an allowed call is not recorded yet, `overloaded` when no thread came to
    /// it.
    pub fn give_up(self) -> Result<Permit, Refusal> {
        self.wait_at_most(Duration::ZERO)
    }

    fn wait_at_most(mut self, limit: Duration) -> Result<Permit, Refusal> {
        let started = Instant::now();
        match std::mem::replace(&mut self.state, State::Answered) {
            State::Allowed(append, permit) => self.conclude(permit.conclude(append.wait(limit))),
            State::Elsewhere(mut elsewhere) => {
                let begun = elsewhere.begin(elsewhere.later.wait(limit));
                begun.wait_at_most(limit.saturating_sub(started.elapsed()))
            }
            State::Denied(denial) => self.conclude(Err(denial)),
            State::Spending(mut spending) => {
                let begun = spending.begin(spending.taken.wait(limit));
                begun.wait_at_most(limit.saturating_sub(started.elapsed()))
            }
            State::Answered => self.conclude(Err(answered())),
        }
    }

    fn conclude(&self, answer: Result<Permit, Denial>) -> Result<Permit, Refusal> {
        answer.map_err(|denial| match denial.code {
            DenialCode::ApprovalRequired => Refusal::ApprovalRequired(ApprovalRequired {
                decision: self.decision,
            }),
            _ => Refusal::Denied(Denied::disclosed(self.decision, &denial, self.disclosure)),
        })
    }
}

impl Future for Commit {
    type Output = Result<Permit, Refusal>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match std::mem::replace(&mut self.state, State::Answered) {
            State::Allowed(mut append, permit) => match Pin::new(&mut append).poll(context) {
                Poll::Ready(recorded) => permit.conclude(recorded),
                Poll::Pending => {
                    self.state = State::Allowed(append, permit);
                    return Poll::Pending;
                }
            },
            State::Elsewhere(mut elsewhere) => match Pin::new(&mut elsewhere.later).poll(context) {
                Poll::Ready(verdict) => {
                    *self = elsewhere.begin(verdict);
                    return self.poll(context);
                }
                Poll::Pending => {
                    self.state = State::Elsewhere(elsewhere);
                    return Poll::Pending;
                }
            },
            State::Denied(denial) => Err(denial),
            State::Spending(mut spending) => match Pin::new(&mut spending.taken).poll(context) {
                Poll::Ready(taken) => {
                    *self = spending.begin(taken);
                    return self.poll(context);
                }
                Poll::Pending => {
                    self.state = State::Spending(spending);
                    return Poll::Pending;
                }
            },
            State::Answered => Err(answered()),
        };
        Poll::Ready(self.conclude(answer))
    }
}

/// A call that another thread decides. The thread only gives the verdict: what is recorded and what is answered are made
/// of it in one place, under one id. Dropped before its verdict, it is recorded as denied.
struct Elsewhere {
    verifier: Arc<Inner>,
    decision: DecisionId,
    later: Later<Checked>,
    /// The call, denied as `overloaded`, until its decision has begun.
    put_off: Option<Box<Checked>>,
}

impl Elsewhere {
    /// Begins the decision with the verdict, or with the denial it was put off with.
    fn begin(&mut self, verdict: Option<Checked>) -> Commit {
        let put_off = self.put_off.take();
        let checked = verdict.or_else(|| put_off.map(|put_off| undecided(*put_off)));
        match checked {
            Some(checked) => Commit::begin_as(self.decision, &self.verifier, checked),
            None => Commit {
                decision: self.decision,
                disclosure: self.verifier.disclosure,
                state: State::Answered,
            },
        }
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        if self.put_off.is_some() {
            drop(self.begin(None));
        }
    }
}

/// A call that no thread has come to.
fn undecided(mut checked: Checked) -> Checked {
    let detail = "the engine did not come to it";
    checked.verdict = Err(Denial::new(DenialCode::Overloaded, detail));
    checked
}

/// What a decision that was answered already answers: a permit is given once.
fn answered() -> Denial {
    Denial::new(DenialCode::Overloaded, "the decision was answered already")
}

#[cfg(test)]
mod tests {
    use hallpass_args::{Arguments, ToolCall};
    use hallpass_journal::{Journal, JournalName, Settings};
    use hallpass_testkit::FixedClock;
    use hallpass_vocabulary::RequestId;

    use super::*;
    use crate::cache::tests::{NOW, known, minted};
    use crate::journalled::JournalledArguments;
    use crate::later::{Promise, later};
    use crate::policy::ServicePolicy;
    use crate::recording::Recording;
    use crate::setup::{Profile, Setup, Tenancy};
    use crate::verifier::Verifier;

    struct World {
        verifier: Verifier,
        journal: Journal,
        directory: tempfile::TempDir,
    }

    impl World {
        fn new() -> Self {
            let directory = hallpass_testkit::temp_dir();
            let clock = Arc::new(FixedClock::at(NOW));
            let name = JournalName::new("tickets").unwrap();
            let settings = Settings::new("dev".parse().unwrap(), name, clock.clone());
            let journal = Journal::open(directory.path(), settings).unwrap();
            let verifier = Verifier::new(Setup {
                audience: "tickets".parse().unwrap(),
                environment: "dev".parse().unwrap(),
                tenancy: Tenancy::Many,
                profile: Profile::Extended(None),
                policy: ServicePolicy::none(),
                journalled: JournalledArguments::none(),
                disclosure: Disclosure::Explain,
                spend: Spend::ThisJournal,
                recording: Recording::standard(),
                journal: journal.clone(),
                snapshots: Arc::default(),
                clock,
            });
            Self {
                verifier,
                journal,
                directory,
            }
        }

        /// What the verifier said of a call, made the verdict of a test.
        fn checked(&self, verdict: Result<Impact, Denial>) -> Checked {
            let call = ToolCall {
                audience: "tickets".parse().unwrap(),
                tool: "a.b1".parse().unwrap(),
                args: Arguments::none(),
                request_id: RequestId::new(NOW, [1; 10]),
                idempotency_key: None,
                trace: None,
                attempt: None,
            };
            Checked {
                token: Some(known(minted().expose()).token),
                verdict,
                ..self.verifier.check(None, call, NOW)
            }
        }

        fn elsewhere(&self) -> (Promise<Checked>, Commit) {
            let (promise, later) = later();
            let put_off = self.checked(Err(DenialCode::Overloaded.into()));
            (promise, Commit::elsewhere(&self.verifier.0, later, put_off))
        }

        /// The kinds of records about decisions, with the id and the code.
        fn records(self) -> Vec<(String, String, Option<String>)> {
            self.journal.close().unwrap();
            let files = std::fs::read_dir(self.directory.path()).unwrap();
            let paths = files.map(|file| file.unwrap().path());
            let segments = paths.filter(|path| path.extension().is_some_and(|it| it == "jsonl"));
            let text: String = segments
                .map(|path| std::fs::read_to_string(path).unwrap())
                .collect();
            let records = text
                .lines()
                .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            records
                .filter(|record| record["decision"].is_string())
                .map(|record| {
                    let field = |name: &str| record[name].as_str().map(str::to_owned);
                    (
                        field("kind").unwrap(),
                        field("decision").unwrap(),
                        field("code"),
                    )
                })
                .collect()
        }
    }

    fn overloaded(decision: DecisionId) -> (String, String, Option<String>) {
        let code = DenialCode::Overloaded.to_string();
        ("decided".to_owned(), decision.to_string(), Some(code))
    }

    #[test]
    fn a_verdict_from_elsewhere_is_on_record_under_the_id_of_the_answer() {
        let world = World::new();
        let (promise, commit) = world.elsewhere();
        promise.give(world.checked(Ok(Impact::Read)));
        let permit = commit.wait().unwrap();
        let decision = permit.decision().to_string();
        drop(permit);
        let (decided, abandoned) = ("decided".to_owned(), "abandoned".to_owned());
        assert_eq!(
            world.records(),
            [
                (decided, decision.clone(), None),
                (abandoned, decision, None)
            ]
        );
    }

    #[test]
    fn what_nobody_decides_is_denied_and_on_record() {
        let world = World::new();
        let (promise, commit) = world.elsewhere();
        drop(promise);
        let refusal = commit.wait().unwrap_err();
        assert_eq!(refusal.code(), DenialCode::Overloaded);
        assert_eq!(refusal.detail(), Some("the engine did not come to it"));
        assert_eq!(world.records(), [overloaded(refusal.decision())]);
    }

    #[test]
    fn a_verdict_that_comes_too_late_is_not_on_record_beside_the_denial() {
        let world = World::new();
        let (promise, commit) = world.elsewhere();
        let refusal = commit.give_up().unwrap_err();
        assert_eq!(refusal.code(), DenialCode::Overloaded);
        assert!(!promise.is_awaited());
        promise.give(world.checked(Ok(Impact::Read)));
        assert_eq!(world.records(), [overloaded(refusal.decision())]);
    }

    #[test]
    fn a_decision_that_is_dropped_before_its_verdict_is_on_record_as_denied() {
        for given in [false, true] {
            let world = World::new();
            let (promise, commit) = world.elsewhere();
            if given {
                promise.give(world.checked(Ok(Impact::Read)));
            }
            let decision = commit.decision;
            drop(commit);
            assert_eq!(world.records(), [overloaded(decision)]);
        }
    }
}
