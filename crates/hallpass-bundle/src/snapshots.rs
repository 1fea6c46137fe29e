//! The cell from which deciding threads read what is known now.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::Snapshot;

/// The current snapshot, shared between the task that refreshes it and the threads that decide. Readers never wait.
#[derive(Debug, Default)]
pub struct Snapshots(ArcSwapOption<Snapshot>);

impl Snapshots {
    /// Nothing known yet.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Starts with this one.
    pub fn new(snapshot: Snapshot) -> Self {
        Self(ArcSwapOption::from_pointee(snapshot))
    }

    /// What is known now; `None` before the first bundle.
    pub fn load(&self) -> Option<Arc<Snapshot>> {
        self.0.load_full()
    }

    /// Looks at what is known now, without taking part in its ownership: no counter that other threads also write. For
    /// the path of every call; hold [`Snapshots::load`] where the answer must outlive the look.
    pub fn with<R>(&self, look: impl FnOnce(Option<&Snapshot>) -> R) -> R {
        look(self.0.load().as_deref())
    }

    /// Makes this what is known, unless something newer is known already. Answers which of the two is.
    pub fn publish(&self, snapshot: Snapshot) -> bool {
        let snapshot = Arc::new(snapshot);
        let before = self.0.rcu(|current| match current {
            Some(current) if !snapshot.is_not_older_than(current) => Some(Arc::clone(current)),
            _ => Some(Arc::clone(&snapshot)),
        });
        before.is_none_or(|before| snapshot.is_not_older_than(&before))
    }
}
