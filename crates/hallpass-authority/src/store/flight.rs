//! Records on their way: up to which one the store may call itself complete.
//!
//! The store must know up to which record it is complete, and mints finish out of order. So every event with rows takes
//! a [`Flight`] *before* it is appended to the journal, noting how many records there were: its own record cannot be
//! before that. The floor written with each group is the lowest such number of all flights that have not landed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// An event between asking for a record and having its rows. Dropping it without landing keeps the floor where it is:
/// whether there is a record is then unknown, and the next start looks.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(super) number: u64,
    flights: Flights,
}

/// Lowest possible record index of each event in flight, by the order in which they took off.
#[derive(Debug, Clone, Default)]
pub(super) struct Flights(Arc<Mutex<(u64, BTreeMap<u64, u64>)>>);

impl Flight {
    /// The append failed for certain: there is no record to wait for.
    pub(crate) fn cancel(self) {
        self.flights.with(|_, aloft| aloft.remove(&self.number));
    }
}

impl Flights {
    fn with<T>(&self, f: impl FnOnce(&mut u64, &mut BTreeMap<u64, u64>) -> T) -> T {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, aloft) = &mut *inner;
        f(next, aloft)
    }

    /// Announces an event. `records` is how many records the journal has now.
    pub(super) fn take_off(&self, records: u64) -> Flight {
        let number = self.with(|next, aloft| {
            let number = *next;
            *next = next.saturating_add(1);
            aloft.insert(number, records);
            number
        });
        Flight {
            number,
            flights: self.clone(),
        }
    }

    /// These have their rows.
    pub(super) fn landed(&self, flights: &[u64]) {
        self.with(|_, aloft| flights.iter().for_each(|flight| _ = aloft.remove(flight)));
    }

    /// The floor once these have landed: below every event still aloft, else just after the highest record that has its
    /// rows.
    pub(super) fn floor_after(&self, landed: &[u64], after_highest: u64) -> u64 {
        let landed: BTreeSet<u64> = landed.iter().copied().collect();
        let lowest_aloft = self.with(|_, aloft| {
            aloft
                .iter()
                .find(|(flight, _)| !landed.contains(flight))
                .map(|(_, lowest)| *lowest)
        });
        lowest_aloft.map_or(after_highest, |lowest| lowest.min(after_highest))
    }
}
