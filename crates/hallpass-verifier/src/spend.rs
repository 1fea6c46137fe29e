//! Who counts what calls spend, and what a verifier asks of it.

use std::fmt;
use std::sync::Arc;

use hallpass_journal::memory::{Claims, NotReserved, Reservation, RunBudget};
use hallpass_journal::{Journal, Spent};
use hallpass_token::{BudgetUnit, Grant};
use hallpass_vocabulary::{DenialCode, RunId, Timestamp};

use crate::later::Promise;
use crate::refusal::Denial;

/// Where what is spent is counted. What is spent in one such place is spent; two places know nothing of each other, so
/// several processes that each count in their own journal give a run its budget once each.
#[derive(Clone)]
pub enum Spend {
    /// In a store that several processes share.
    Shared(Arc<dyn SharedSpend>),
    /// In the memory of this verifier's journal, which is rebuilt from its records.
    ThisJournal,
}

impl fmt::Debug for Spend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shared(_) => "Shared",
            Self::ThisJournal => "ThisJournal",
        })
    }
}

/// A store in which several processes count together. Nothing here blocks: it is called on the threads that serve.
pub trait SharedSpend: Send + Sync {
    /// Takes all of these or none, and says so through `answer`, from any thread. An answer that does not come, or comes too
    /// late, denies the call.
    fn reserve(&self, claims: Claims, now: Timestamp, answer: SpendAnswer);

    /// The call is certainly on no record and does not run: what it took may be given back.
    fn give_back(&self, claims: Claims);

    /// A call of a run has cost this, in millionths of a US dollar.
    fn charge(&self, run: RunId, usd_micros: u64);
}

/// Where a store says whether a call may have what it wants. Dropped, it says that the store does not know.
pub struct SpendAnswer(pub(crate) Promise<Taken>);

/// What the run has spent with it, or why it cannot be had.
pub(crate) type Taken = Result<Option<Spent>, NotReserved>;

impl SpendAnswer {
    /// Gives the answer: what the run has spent, this call included, or why the call cannot have it. False when nobody waits
    /// for it any more: the call was denied, and what was taken for it may be given back.
    pub fn give(self, answer: Result<Option<Spent>, NotReserved>) -> bool {
        let awaited = self.0.is_awaited();
        self.0.give(answer);
        awaited
    }
}

/// What a call with this token spends; `None` when nothing is counted for it.
pub(crate) fn claims(grant: &Grant) -> Option<Claims> {
    if grant.budgets.is_empty() {
        return None;
    }
    let amount = |unit| grant.budgets.get(&unit).copied();
    Some(Claims {
        run: Some(RunBudget {
            run: grant.run,
            calls: amount(BudgetUnit::Calls),
            usd_micros: amount(BudgetUnit::UsdMicros),
        }),
        ..Claims::default()
    })
}

/// The denial of a call that cannot have what it wants. Only budgets are asked for; whatever else a store answers is no
/// verdict on the call.
pub(crate) fn denial(reason: &NotReserved) -> Denial {
    let code = match reason {
        NotReserved::CallsExhausted { .. } | NotReserved::UsdMicrosExhausted { .. } => {
            DenialCode::BudgetExhausted
        }
        _ => DenialCode::Overloaded,
    };
    Denial::new(code, reason.to_string())
}

/// What a call has taken and whose record is under way. Kept unless it is [given back](Self::give_back): a record that may
/// have been written has spent it.
pub(crate) struct Held(Option<Box<HeldBy>>);

enum HeldBy {
    Memory(Reservation),
    Store(Arc<dyn SharedSpend>, Claims, Option<Spent>),
}

impl Held {
    /// A call that spends nothing.
    pub(crate) fn nothing() -> Self {
        Self(None)
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn in_memory(reservation: Reservation) -> Self {
        Self(Some(Box::new(HeldBy::Memory(reservation))))
    }

    pub(crate) fn in_store(
        store: Arc<dyn SharedSpend>,
        claims: Claims,
        spent: Option<Spent>,
    ) -> Self {
        Self(Some(Box::new(HeldBy::Store(store, claims, spent))))
    }

    /// What the run has spent, this call included.
    pub(crate) fn spent(&self) -> Option<Spent> {
        match self.0.as_deref()? {
            HeldBy::Memory(reservation) => reservation.spent(),
            HeldBy::Store(_, _, spent) => *spent,
        }
    }

    /// Where the cost of the call is to be counted.
    pub(crate) fn account(&self) -> Option<Spend> {
        match self.0.as_deref()? {
            HeldBy::Memory(_) => Some(Spend::ThisJournal),
            HeldBy::Store(store, _, _) => Some(Spend::Shared(Arc::clone(store))),
        }
    }

    pub(crate) fn give_back(mut self) {
        match self.0.take().map(|held| *held) {
            Some(HeldBy::Memory(reservation)) => drop(reservation),
            Some(HeldBy::Store(store, claims, _)) => store.give_back(claims),
            None => {}
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(HeldBy::Memory(reservation)) = self.0.take().map(|held| *held) {
            reservation.keep();
        }
    }
}

impl Spend {
    /// Counts what a call of a run has cost.
    pub(crate) fn charge(&self, journal: &Journal, run: RunId, usd_micros: u64) {
        match self {
            Self::Shared(store) => store.charge(run, usd_micros),
            Self::ThisJournal => {
                journal.memory().charge(run, usd_micros);
            }
        }
    }

    /// What a run has spent by now, where that is known here.
    pub(crate) fn totals(&self, journal: &Journal, run: RunId) -> Option<Spent> {
        match self {
            Self::Shared(_) => None,
            Self::ThisJournal => journal.memory().spent(run),
        }
    }
}
