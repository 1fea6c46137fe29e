//! Permitted calls of one journal that have no outcome yet.

use std::collections::{BTreeMap, HashMap};

use hallpass_journal::Decided;
use hallpass_vocabulary::{DecisionId, RunId, Timestamp};

use super::OPEN_CALLS_MAX;

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub(super) decision: DecisionId,
    pub(super) index: u64,
    pub(super) time: Timestamp,
    pub(super) run: Option<RunId>,
}

/// All of them, at most [`OPEN_CALLS_MAX`].
#[derive(Debug, Default)]
pub(super) struct OpenCalls {
    by_decision: HashMap<DecisionId, u64>,
    by_index: BTreeMap<u64, Open>,
}

impl OpenCalls {
    /// One more; gives the oldest when there are too many.
    pub(super) fn begin(&mut self, index: u64, time: Timestamp, decided: &Decided) -> Option<Open> {
        let open = Open {
            decision: decided.decision,
            index,
            time,
            run: decided.run,
        };
        self.by_decision.insert(open.decision, index);
        self.by_index.insert(index, open);
        if self.by_index.len() <= OPEN_CALLS_MAX {
            return None;
        }
        let (_, oldest) = self.by_index.pop_first()?;
        self.by_decision.remove(&oldest.decision);
        Some(oldest)
    }

    /// Its outcome is on record.
    pub(super) fn end(&mut self, decision: DecisionId) -> Option<Open> {
        let index = self.by_decision.remove(&decision)?;
        self.by_index.remove(&index)
    }

    /// Those that never ended, oldest first.
    pub(super) fn into_rest(self) -> impl Iterator<Item = Open> {
        self.by_index.into_values()
    }
}
