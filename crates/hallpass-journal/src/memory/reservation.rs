//! What a call has taken and not yet kept.

use std::fmt;
use std::sync::Arc;

use hallpass_vocabulary::{DecisionId, RunId, TokenId};

use super::claims::{ClaimId, Claims};
use super::state::Scope;
use super::{Memory, Spent};

/// What one call has taken. Nobody else can take it meanwhile; dropped, it is given back.
///
/// [`keep`](Self::keep) it when the call is on record, and also when that is uncertain: what may have been spent counts as
/// spent.
#[must_use = "what is not kept is given back"]
pub struct Reservation {
    memory: Memory,
    /// None once kept.
    taken: Option<Taken>,
    spent: Option<Spent>,
}

/// The keys of what was taken.
pub(super) struct Taken {
    pub(super) approval: Option<ClaimId>,
    pub(super) key: Option<(Arc<Scope>, DecisionId)>,
    pub(super) proof: Option<(TokenId, ClaimId)>,
    pub(super) run: Option<RunId>,
}

impl Reservation {
    pub(super) fn new(memory: Memory, claims: &Claims, spent: Option<Spent>) -> Self {
        let taken = Taken {
            approval: claims.approval.as_ref().map(|claim| claim.id.clone()),
            key: claims
                .key
                .as_ref()
                .map(|claim| (Arc::new(Scope::of(claim)), claim.decision)),
            proof: claims
                .proof
                .as_ref()
                .map(|claim| (claim.token, claim.proof.id.clone())),
            run: claims.run.map(|claim| claim.run),
        };
        Self {
            memory,
            taken: Some(taken),
            spent,
        }
    }

    /// What the run has spent, this call included: the totals for its record. `None` where no run is counted.
    pub fn spent(&self) -> Option<Spent> {
        self.spent
    }

    /// The call is on record, or may be.
    pub fn keep(mut self) {
        self.taken = None;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(taken) = self.taken.take() {
            self.memory.lock().give_back(&taken);
        }
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation")
            .field("spent", &self.spent)
            .finish_non_exhaustive()
    }
}
