//! The answer to an append: a standard future that can also be waited for.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::RECORD_BYTES_MAX;

/// When an append is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Durability {
    /// At once, before anything is written, and also when nothing can be: then the record is only counted
    /// ([`Unrecorded`](crate::Unrecorded)). What is allowed on such an answer may leave no trace but a number.
    DangerOpen,
    /// After `fdatasync`, shared with everyone who waits: the record survives a power cut.
    Durable,
    /// As durable, and from the reserve where the device is full: for the end of what has happened already, which can no longer be
    /// refused and is worth more on record than a read that is still to come.
    Outcome,
    /// After `write`: the record survives the death of the process, and within 50 ms a power cut.
    Relaxed,
}

/// Proof that a record is in the journal, as far as its [`Durability`] says so. Only a journal makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    index: Option<u64>,
}

impl Recorded {
    pub(crate) fn new(index: u64) -> Self {
        Self { index: Some(index) }
    }

    /// The answer to [`Durability::DangerOpen`], which proves nothing.
    pub(crate) fn without_record() -> Self {
        Self { index: None }
    }

    /// The record's place in the journal, from 0; none where it was asked for with [`Durability::DangerOpen`].
    pub fn index(self) -> Option<u64> {
        self.index
    }
}

/// A record that is not known to be in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// More is waiting to be written than the disk takes.
    #[error("the journal has too many records waiting to be written")]
    Backlog,
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// No space is left on the device. Appends work again by themselves when there is.
    #[error("no space is left for the journal")]
    Full,
    /// The files of the journal were deleted, replaced, or written by somebody else. Appends work again by themselves only
    /// if the very same files are back; otherwise the journal has to be opened anew.
    #[error("the files of the journal were deleted, replaced or changed by somebody else")]
    Gone,
    /// The deadline passed before the record's turn came. It is not in the journal and will not be.
    #[error("the record was not written in time")]
    Timeout,
    /// The record would be larger than a record may be.
    #[error("a record of {bytes} bytes is larger than {RECORD_BYTES_MAX}")]
    TooLarge {
        /// How large.
        bytes: usize,
    },
    /// The device refuses to write. Appends work again by themselves when it does not.
    #[error("the journal cannot be written")]
    Unavailable,
    /// The record was handed to the device, which has not confirmed it, or has written a part and does not take it back: it
    /// may or may not be in the journal.
    #[error("whether the record was written is uncertain")]
    Uncertain,
}

impl AppendError {
    /// Whether the record may be in the journal all the same. What it would have spent counts as spent.
    pub fn is_uncertain(self) -> bool {
        matches!(self, Self::Uncertain)
    }
}

type Outcome = Result<Recorded, AppendError>;

/// An append under way. The record is written whether or not anyone waits; dropping this only forgets the answer.
#[derive(Debug)]
#[must_use = "a record counts only once its append has succeeded"]
pub struct Append(Inner);

#[derive(Debug)]
enum Inner {
    Answered(Outcome),
    Waiting(Arc<Slot>),
}

impl Append {
    pub(crate) fn answered(outcome: Outcome) -> Self {
        Self(Inner::Answered(outcome))
    }

    pub(crate) fn waiting(slot: Arc<Slot>) -> Self {
        Self(Inner::Waiting(slot))
    }

    /// Blocks the thread until the answer is there, at most for `deadline`.
    ///
    /// # Errors
    /// [`AppendError`]; after the deadline [`AppendError::Timeout`] when the record was not yet being written, else
    /// [`AppendError::Uncertain`].
    pub fn wait(self, deadline: Duration) -> Outcome {
        match self.0 {
            Inner::Answered(outcome) => outcome,
            Inner::Waiting(slot) => slot.wait(deadline),
        }
    }
}

impl Future for Append {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        match &self.0 {
            Inner::Answered(outcome) => Poll::Ready(*outcome),
            Inner::Waiting(slot) => slot.poll(context),
        }
    }
}

/// Where the answer to one append is left.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    state: Mutex<SlotState>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct SlotState {
    stage: Stage,
    waker: Option<Waker>,
}

#[derive(Debug, Default, Clone, Copy)]
enum Stage {
    #[default]
    Queued,
    Cancelled,
    Writing,
    Answered(Outcome),
}

impl Slot {
    /// Called when the record's turn has come; false when nobody wants it written any more.
    pub(crate) fn begin(&self) -> bool {
        let mut state = self.lock();
        match state.stage {
            Stage::Queued => {
                state.stage = Stage::Writing;
                true
            }
            Stage::Cancelled => false,
            Stage::Writing | Stage::Answered(_) => true,
        }
    }

    pub(crate) fn answer(&self, outcome: Outcome) {
        let mut state = self.lock();
        state.stage = Stage::Answered(outcome);
        let waker = state.waker.take();
        drop(state);
        self.answered.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn wait(&self, deadline: Duration) -> Outcome {
        let start = Instant::now();
        let mut state = self.lock();
        loop {
            let left = deadline.saturating_sub(start.elapsed());
            match state.stage {
                Stage::Answered(outcome) => return outcome,
                Stage::Cancelled => return Err(AppendError::Timeout),
                Stage::Queued if left.is_zero() => {
                    state.stage = Stage::Cancelled;
                    return Err(AppendError::Timeout);
                }
                Stage::Writing if left.is_zero() => return Err(AppendError::Uncertain),
                Stage::Queued | Stage::Writing => {
                    state = self
                        .answered
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0;
                }
            }
        }
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Outcome> {
        let mut state = self.lock();
        if let Stage::Answered(outcome) = state.stage {
            return Poll::Ready(outcome);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_before_the_records_turn_cancels_it_and_after_it_is_uncertain() {
        let queued = Arc::new(Slot::default());
        let answer = Append::waiting(queued.clone()).wait(Duration::ZERO);
        assert_eq!(answer, Err(AppendError::Timeout));
        assert!(!queued.begin());

        let writing = Arc::new(Slot::default());
        assert!(writing.begin());
        let answer = Append::waiting(writing).wait(Duration::ZERO);
        assert_eq!(answer, Err(AppendError::Uncertain));
    }

    #[test]
    fn a_future_is_woken_by_the_answer() {
        struct Flag(std::sync::atomic::AtomicBool);
        impl std::task::Wake for Flag {
            fn wake(self: Arc<Self>) {
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let flag = Arc::new(Flag(false.into()));
        let waker = Waker::from(flag.clone());
        let mut context = Context::from_waker(&waker);
        let slot = Arc::new(Slot::default());
        let mut append = Append::waiting(slot.clone());
        assert!(Pin::new(&mut append).poll(&mut context).is_pending());
        slot.answer(Ok(Recorded::new(3)));
        assert!(flag.0.load(std::sync::atomic::Ordering::SeqCst));
        assert_eq!(
            Pin::new(&mut append).poll(&mut context),
            Poll::Ready(Ok(Recorded::new(3)))
        );
    }
}
