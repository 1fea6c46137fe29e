//! The place where the current snapshot is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use arc_swap::ArcSwapOption;
use hallpass_vocabulary::Timestamp;

use crate::{LocalStops, Snapshot};

/// What is known now, shared between the task that refreshes it and the threads that decide. Readers never wait.
#[derive(Debug, Default)]
pub struct Snapshots {
    known: ArcSwapOption<Snapshot>,
    local: ArcSwapOption<LocalStops>,
    /// Whether there are any: looked at on every call, and nearly always false.
    has_local: AtomicBool,
    waiting: Mutex<Waiting>,
}

/// Who is to be woken when something changes that may stop a call.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl Snapshots {
    /// Nothing known yet.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Starts with this one.
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            known: ArcSwapOption::from_pointee(snapshot),
            ..Self::default()
        }
    }

    /// What is known now; `None` before the first bundle.
    pub fn load(&self) -> Option<Arc<Snapshot>> {
        self.known.load_full()
    }

    /// Looks at what is known now, without taking part in its ownership: no counter that other threads also write. For
    /// the path of every call; hold [`Snapshots::load`] where the answer must outlive the look.
    pub fn with<R>(&self, look: impl FnOnce(Option<&Snapshot>) -> R) -> R {
        look(self.known.load().as_deref())
    }

    /// Looks at the stops of this machine, where there are any; as [`Snapshots::with`].
    pub fn with_local<R>(&self, look: impl FnOnce(Option<&LocalStops>) -> R) -> R {
        if self.has_local.load(Ordering::Acquire) {
            look(self.local.load().as_deref())
        } else {
            look(None)
        }
    }

    /// Makes this what is known, unless something newer is known already. Answers which of the two is.
    pub fn publish(&self, snapshot: Snapshot) -> bool {
        let snapshot = Arc::new(snapshot);
        let before = self.known.rcu(|current| match current {
            Some(current) if !snapshot.is_not_older_than(current) => Some(Arc::clone(current)),
            _ => Some(Arc::clone(&snapshot)),
        });
        let is_new = |before: &Arc<Snapshot>| snapshot.is_not_older_than(before);
        let published = before.as_ref().is_none_or(is_new);
        let same_bundle = |before: Arc<Snapshot>| before.digest() == snapshot.digest();
        // A heartbeat stops nothing.
        if published && !before.is_some_and(same_bundle) {
            self.wake();
        }
        published
    }

    /// Forgets the heartbeat of what is known, where it is after this time: a clock that was wrong has signed it. What is
    /// known stays, and is stale until the next heartbeat.
    pub fn disown_heartbeat_after(&self, time: Timestamp) {
        self.known.rcu(|current| match current {
            Some(held) if held.heartbeat() > time => Some(Arc::new(held.without_heartbeat())),
            other => other.clone(),
        });
    }

    /// Puts the stops of this machine in force, or ends them.
    pub fn set_local(&self, stops: Option<LocalStops>) {
        let any = stops.is_some();
        self.local.store(stops.map(Arc::new));
        self.has_local.store(any, Ordering::Release);
        self.wake();
    }

    /// Has this waker woken at the next change of the bundle or of the stops of this machine, until it is forgotten. A task
    /// that looks for a stop registers first and looks then, so that it misses none.
    pub fn register(&self, waker: &Waker) -> u64 {
        let mut waiting = self.waiting();
        let number = waiting.next;
        waiting.next = number.wrapping_add(1);
        waiting.wakers.insert(number, waker.clone());
        number
    }

    /// Forgets a waker.
    pub fn forget(&self, number: u64) {
        self.waiting().wakers.remove(&number);
    }

    fn wake(&self) {
        let wakers = std::mem::take(&mut self.waiting().wakers);
        for waker in wakers.into_values() {
            waker.wake();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // A panic while it was held cannot have left it half-changed: it is added to, removed from and taken whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
