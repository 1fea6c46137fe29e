//! A decision that waits for a store.

use std::sync::Arc;

use hallpass_journal::memory::Claims;
use hallpass_vocabulary::{DecisionId, DenialCode};

use super::{Commit, State};
use crate::checked::Checked;
use crate::gate::Seat;
use crate::later::Later;
use crate::refusal::Denial;
use crate::spend::{self, Held, SharedSpend, Taken};
use crate::verifier::Inner;

/// A call that waits for a store to say whether it may spend. Dropped before that, it is recorded as denied, and whatever the
/// store has taken for it stays taken.
pub(super) struct Spending {
    pub(super) verifier: Arc<Inner>,
    pub(super) decision: DecisionId,
    pub(super) taken: Later<Taken>,
    pub(super) store: Arc<dyn SharedSpend>,
    /// The call, until its record has begun.
    pub(super) waiting: Option<(Checked, Claims, Seat)>,
}

impl Spending {
    /// Begins the record with the store's answer, or denies what it did not answer.
    pub(super) fn begin(&mut self, taken: Option<Taken>) -> Commit {
        let (decision, verifier) = (self.decision, &self.verifier);
        let Some((mut checked, claims, seat)) = self.waiting.take() else {
            return Commit {
                decision,
                disclosure: verifier.disclosure,
                state: State::Answered,
            };
        };
        let denial = match taken {
            Some(Ok(spent)) => {
                let held = Held::in_store(Arc::clone(&self.store), claims, spent);
                return Commit::allowed(decision, verifier, checked, seat, held);
            }
            Some(Err(reason)) => spend::denial(&reason),
            None => Denial::new(DenialCode::Overloaded, UNANSWERED),
        };
        checked.verdict = Err(denial);
        Commit::denied(decision, verifier, checked)
    }
}

/// Why a call is denied that the shared store gave no answer on.
const UNANSWERED: &str = "the store of what was spent did not answer";

impl Drop for Spending {
    fn drop(&mut self) {
        if self.waiting.is_some() {
            drop(self.begin(None));
        }
    }
}
