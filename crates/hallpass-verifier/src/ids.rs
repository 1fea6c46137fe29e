//! Identifiers for decisions and requests.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};

use hallpass_vocabulary::{DecisionId, RequestId, Timestamp};

/// Numbers decisions and requests: a counter through SipHash under a key of the operating system's randomness.
/// Unique, and not to be guessed from earlier ones; nothing rests on the latter. No system call, no failure.
pub(crate) struct Ids {
    key: RandomState,
    count: AtomicU64,
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self {
            key: RandomState::new(),
            count: AtomicU64::new(0),
        }
    }

    pub(crate) fn decision(&self, now: Timestamp) -> DecisionId {
        DecisionId::new(now, self.ten_bytes())
    }

    pub(crate) fn request(&self, now: Timestamp) -> RequestId {
        RequestId::new(now, self.ten_bytes())
    }

    fn ten_bytes(&self) -> [u8; 10] {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let [a, b, c, d, e, f, g, h] = self.key.hash_one((count, 0u8)).to_le_bytes();
        let [i, j, ..] = self.key.hash_one((count, 1u8)).to_le_bytes();
        [a, b, c, d, e, f, g, h, i, j]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_of_one_millisecond_are_distinct() {
        let (ids, now) = (Ids::new(), Timestamp::from_unix_ms(1_700_000_000_000));
        let made: HashSet<_> = (0..100_000).map(|_| ids.decision(now)).collect();
        assert_eq!(made.len(), 100_000);
    }

    #[test]
    fn two_processes_do_not_number_alike() {
        let now = Timestamp::from_unix_ms(1_700_000_000_000);
        assert_ne!(Ids::new().decision(now), Ids::new().decision(now));
    }
}
