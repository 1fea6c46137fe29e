//! From a verdict to an answer: record first, then permit.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hallpass_journal::{Append, Event};
use hallpass_vocabulary::{DecisionId, DenialCode, Timestamp};

use crate::checked::Checked;
use crate::later::Later;
use crate::permit::{Permit, Unrecorded, durability};
use crate::record;
use crate::refusal::{ApprovalRequired, Denial, Denied, Refusal};
use crate::setup::Disclosure;
use crate::verifier::Inner;

/// How long [`Commit::wait`] waits for the record, in seconds. A disk that takes longer is one to deny on.
pub const RECORD_WAIT_SECONDS_MAX: u64 = 5;

/// A decision whose record is under way. A standard future, or [`wait`](Self::wait).
///
/// The future waits as long as the disk does: bound it where a caller must not, and drop it then.
/// Dropped before it is answered, an allowed call is recorded as abandoned.
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
    Elsewhere(Later<Commit>),
    /// A denied call: recorded without being waited for, so that no flood of denials can hold up anything.
    Denied(Denial),
}

impl Commit {
    /// A decision that another thread will begin. `decision` is the id of the denial should it not.
    pub(crate) fn elsewhere(verifier: &Arc<Inner>, now: Timestamp, later: Later<Self>) -> Self {
        Self {
            decision: verifier.ids.decision(now),
            disclosure: verifier.disclosure,
            state: State::Elsewhere(later),
        }
    }

    pub(crate) fn begin(verifier: &Arc<Inner>, checked: Checked) -> Self {
        let decision = verifier.ids.decision(checked.now);
        if let Some(bundle) = &checked.bundle {
            verifier.note_bundle(bundle);
        }
        let (journal, disclosure) = (&verifier.journal, verifier.disclosure);
        let decided = record::decided(verifier, decision, &checked);
        let state = match (checked.verdict, checked.token) {
            (Ok(impact), Some(token)) => {
                let event = Event::Decided(Box::new(decided));
                let append = journal.append(&event, durability(impact));
                let call = checked.call;
                State::Allowed(
                    append,
                    Unrecorded::new(journal.clone(), decision, token, call, impact, disclosure),
                )
            }
            // Without a token the verdict is never to allow; were it so, nothing would be allowed here.
            (verdict, _) => {
                journal.refuse(decided);
                let denial = verdict.err();
                State::Denied(denial.unwrap_or_else(|| DenialCode::TokenMissing.into()))
            }
        };
        Self {
            decision,
            disclosure,
            state,
        }
    }

    /// Blocks until the record is written, at most [`RECORD_WAIT_SECONDS_MAX`].
    ///
    /// # Errors
    /// The [`Refusal`]; `journal_unavailable` when an allowed call could not be recorded in time.
    pub fn wait(mut self) -> Result<Permit, Refusal> {
        let limit = Duration::from_secs(RECORD_WAIT_SECONDS_MAX);
        match std::mem::replace(&mut self.state, State::Answered) {
            State::Allowed(append, permit) => self.conclude(permit.conclude(append.wait(limit))),
            State::Elsewhere(later) => match later.wait(limit) {
                Some(begun) => begun.wait(),
                None => self.conclude(Err(nowhere())),
            },
            State::Denied(denial) => self.conclude(Err(denial)),
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
            State::Elsewhere(mut later) => match Pin::new(&mut later).poll(context) {
                Poll::Ready(Some(begun)) => {
                    *self = begun;
                    return self.poll(context);
                }
                Poll::Ready(None) => Err(nowhere()),
                Poll::Pending => {
                    self.state = State::Elsewhere(later);
                    return Poll::Pending;
                }
            },
            State::Denied(denial) => Err(denial),
            State::Answered => Err(answered()),
        };
        Poll::Ready(self.conclude(answer))
    }
}

/// What a decision is that no thread has come to.
fn nowhere() -> Denial {
    Denial::new(DenialCode::Overloaded, "the engine did not come to it")
}

/// What a decision that was answered already answers: a permit is given once.
fn answered() -> Denial {
    Denial::new(DenialCode::Overloaded, "the decision was answered already")
}
