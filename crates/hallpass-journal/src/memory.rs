//! What a journal remembers of its own records, so that what may happen once happens once.
//!
//! Approvals and proofs that were used, idempotency keys with what became of their call, and what runs have spent. A call
//! first takes what it wants to spend ([`Memory::reserve`]), then is recorded, then keeps it ([`Reservation::keep`]);
//! what is not kept is given back. Rebuilt at start from every record, or from a snapshot and the records after it:
//! whatever is recalled twice is the same as recalled once, because records hold totals and ids, never differences.
//!
//! Everything is bounded by the constants below. What is full refuses; nothing is forgotten before its end.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hallpass_vocabulary::{DecisionId, RunId, Timestamp};

use crate::Spent;

mod claims;
mod dated;
mod entry;
mod recall;
mod reservation;
mod state;

pub use claims::{
    CLAIM_ID_BYTES_MAX, ClaimId, Claims, InvalidClaimId, KeyClaim, KeyState, KeyUse, NotReserved,
    ProofUse, RunBudget, SingleUse, Spendable,
};
pub use reservation::Reservation;

use state::State;

/// The most approvals remembered at a time: as many as hundreds of people can give in the longest life of one.
pub const APPROVALS_MAX: usize = 65_536;
/// The most proofs remembered at a time: a proof lives about a minute, so over 4,000 calls a second.
pub const PROOFS_MAX: usize = 262_144;
/// The most proofs of one token remembered at a time: its holder can make any number, and must not fill the memory of
/// all. About 60 calls a second by one run, for a minute.
pub const PROOFS_PER_TOKEN_MAX: u32 = 4_096;
/// The most idempotency keys remembered at a time: three changes a second, all day. About 100 MiB.
pub const KEYS_MAX: usize = 262_144;
/// The most runs whose spending is remembered at a time: one and a half new ones a second, all week. About 150 MiB.
pub const RUNS_MAX: usize = 1_000_000;
/// How long an idempotency key is remembered, in seconds from its first use: a day.
pub const KEY_KEPT_SECONDS: u64 = 24 * 60 * 60;
/// How long what a run has spent is remembered, in seconds from when its last call began: a week. No record younger than this may be
/// removed.
pub const RUN_KEPT_SECONDS: u64 = 7 * 24 * 60 * 60;
/// How far in the future an approval or a proof may end, in seconds: a day. One that ends later could be used again
/// after its record was removed.
pub const CLAIM_AHEAD_SECONDS_MAX: u64 = 24 * 60 * 60;
/// The most a run can be counted to: the largest integer every JSON reader keeps exact.
pub const SPENT_MAX: u64 = (1 << 53) - 1;

/// The memory of one journal. Cheap to clone; clones are one memory.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

/// How much is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// Approvals that were used; at most [`APPROVALS_MAX`].
    pub approvals: usize,
    /// Proofs that were used; at most [`PROOFS_MAX`].
    pub proofs: usize,
    /// Idempotency keys; at most [`KEYS_MAX`].
    pub keys: usize,
    /// Runs; at most [`RUNS_MAX`].
    pub runs: usize,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all of these for one call, or none. `now` is the time tokens are judged by; a time before one that was given
    /// earlier, or that stands in a record, counts as that one, so that a clock set back revives nothing.
    ///
    /// # Errors
    /// [`NotReserved`]: the first that cannot be had, in the order of `docs/denials.md`. Nothing is taken then.
    pub fn reserve(&self, claims: &Claims, now: Timestamp) -> Result<Reservation, NotReserved> {
        let mut state = self.lock();
        let now = state.advance(now);
        state.check(claims, now)?;
        let spent = state.take(claims, now);
        drop(state);
        Ok(Reservation::new(self.clone(), claims, spent))
    }

    /// Adds what a call of a run has cost, in millionths of a US dollar, and gives the totals for its record. Asked before
    /// the record is written.
    pub fn charge(&self, run: RunId, usd_micros: u64) -> Spent {
        self.lock().charge(run, usd_micros)
    }

    /// Notes what became of the call that was permitted by a decision, where it had an idempotency key. Told before the
    /// record is written.
    pub fn ended(&self, decision: DecisionId, as_what: KeyState) {
        self.lock().ended(decision, as_what);
    }

    /// What a run has spent; `None` when nothing is remembered of it.
    pub fn spent(&self, run: RunId) -> Option<Spent> {
        self.lock().spent(run)
    }

    /// How much is remembered, what has ended and is not yet forgotten included.
    pub fn remembered(&self) -> Remembered {
        self.lock().remembered()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.remembered().fmt(f)
    }
}

#[cfg(test)]
mod tests;
