//! What is written together: the changes that arrived since the last time, and those that were refused then.

use tokio::sync::oneshot;

use super::change::Change;
use super::flight::Flights;

/// Changes in one transaction. Past a few dozen, a larger group no longer makes a row cheaper.
pub(super) const GROUP_CHANGES_MAX: usize = 256;

/// Changes waiting for the writer. A few groups; past it, mints wait for room.
pub(super) const QUEUE_CHANGES_MAX: usize = 1_024;

/// Changes kept for another try after a group was refused. Past it, they are dropped here and come back from the
/// journal at the next start; the floor stays below them until then.
const RETRY_CHANGES_MAX: usize = 16_384;

/// A recorded change whose caller waits for its rows.
pub(super) struct Landing {
    pub(super) change: Change,
    pub(super) flight: u64,
    pub(super) done: oneshot::Sender<bool>,
}

/// The group that is being gathered, and what is left of earlier ones.
#[derive(Default)]
pub(super) struct Group {
    fresh: Vec<Landing>,
    refused: Vec<(u64, Change)>,
    /// Just after the highest record that has its rows. Groups arrive in the order of their landing, not of their
    /// records.
    after_highest: u64,
}

impl Group {
    pub(super) fn push(&mut self, landing: Landing) {
        self.fresh.push(landing);
    }

    pub(super) fn is_full(&self) -> bool {
        self.fresh.len() >= GROUP_CHANGES_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.refused.is_empty()
    }

    /// Everything to write.
    pub(super) fn changes(&self) -> impl Iterator<Item = &Change> + Clone {
        let refused = self.refused.iter().map(|(_, change)| change);
        refused.chain(self.fresh.iter().map(|landing| &landing.change))
    }

    fn flights(&self) -> Vec<u64> {
        let refused = self.refused.iter().map(|(flight, _)| *flight);
        refused.chain(self.fresh.iter().map(|l| l.flight)).collect()
    }

    fn after_all(&self) -> u64 {
        let after = self.changes().map(|change| change.record.saturating_add(1));
        self.after_highest.max(after.max().unwrap_or(0))
    }

    /// The floor to write with it.
    pub(super) fn floor(&self, flights: &Flights) -> u64 {
        flights.floor_after(&self.flights(), self.after_all())
    }

    /// Tells everybody how it went, and keeps what was refused.
    pub(super) fn settle(&mut self, written: bool, flights: &Flights) {
        if written {
            self.after_highest = self.after_all();
            flights.landed(&self.flights());
            self.refused.clear();
        }
        for landing in self.fresh.drain(..) {
            if !written && self.refused.len() < RETRY_CHANGES_MAX {
                self.refused.push((landing.flight, landing.change));
            }
            // Nobody listens any more when the caller's task ended; the rows are written all the same.
            let _ = landing.done.send(written);
        }
    }
}
