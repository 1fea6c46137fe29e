//! How many refusals are recorded singly. The rest of a second is counted, so that whoever is refused cannot fill the
//! journal.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use hallpass_vocabulary::Timestamp;

/// Refusals of authenticated clients recorded singly in one second: more than a person reads, less than 1 % of the
/// mints an authority makes in it.
const KNOWN_PER_SECOND_MAX: u32 = 20;

/// Refusals of strangers recorded singly in one second. They say little, and anyone can cause them.
const STRANGERS_PER_SECOND_MAX: u32 = 2;

/// Who was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    Known,
    Stranger,
}

/// Refusals of one code that were counted and not recorded singly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Surplus {
    pub(crate) code: &'static str,
    pub(crate) count: u64,
}

impl fmt::Display for Surplus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} more requests were refused so and are not recorded singly",
            self.count
        )
    }
}

/// The count of the present second.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    second: i64,
    known: u32,
    strangers: u32,
    surplus: BTreeMap<&'static str, u64>,
}

impl Refusals {
    /// Whether this refusal is recorded singly; if not, it is counted.
    pub(crate) fn admit(&self, caller: Caller, code: &'static str, now: Timestamp) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.second != now.unix_seconds() {
            window.second = now.unix_seconds();
            (window.known, window.strangers) = (0, 0);
        }
        let (used, max) = match caller {
            Caller::Known => (&mut window.known, KNOWN_PER_SECOND_MAX),
            Caller::Stranger => (&mut window.strangers, STRANGERS_PER_SECOND_MAX),
        };
        if *used < max {
            *used += 1;
            return true;
        }
        let count = window.surplus.entry(code).or_default();
        *count = count.saturating_add(1);
        false
    }

    /// What was counted since the last time, at most one entry a code.
    pub(crate) fn take_surplus(&self) -> Vec<Surplus> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut window.surplus)
            .into_iter()
            .map(|(code, count)| Surplus { code, count })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_a_new_second_starts_afresh() {
        let refusals = Refusals::default();
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let admitted = |caller, now| {
            (0..1_000)
                .filter(|_| refusals.admit(caller, "route_unknown", now))
                .count()
        };
        assert_eq!(admitted(Caller::Known, now), 20);
        assert_eq!(admitted(Caller::Stranger, now), 2);
        assert_eq!(
            refusals.take_surplus(),
            [Surplus {
                code: "route_unknown",
                count: 980 + 998
            }]
        );
        assert_eq!(refusals.take_surplus(), []);
        let later = Timestamp::from_unix_seconds(1_800_000_001);
        assert_eq!(admitted(Caller::Known, later), 20);
    }

    #[test]
    fn strangers_cannot_crowd_out_clients() {
        let refusals = Refusals::default();
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        for _ in 0..1_000 {
            refusals.admit(Caller::Stranger, "client_unauthorized", now);
        }
        assert!(refusals.admit(Caller::Known, "route_unknown", now));
    }
}
