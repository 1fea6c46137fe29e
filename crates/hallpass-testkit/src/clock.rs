//! A clock that stands still until it is told to move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use hallpass_vocabulary::{Clock, Timestamp};

/// A clock that shows what it was set to. Clones show and move the same time.
///
/// ```
/// use std::time::Duration;
/// use hallpass_testkit::FixedClock;
/// use hallpass_vocabulary::{Clock, Timestamp};
///
/// let clock = FixedClock::at(Timestamp::from_unix_seconds(1_000));
/// let service_clock = clock.clone();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(service_clock.now().unix_seconds(), 1_060);
/// ```
#[derive(Debug, Clone)]
pub struct FixedClock(Arc<Hands>);

#[derive(Debug)]
struct Hands {
    unix_ms: AtomicI64,
    running_ms: AtomicU64,
}

impl FixedClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Hands {
            unix_ms: AtomicI64::new(now.unix_ms()),
            running_ms: AtomicU64::new(0),
        }))
    }

    /// Shows `now` from here on; may go back, as wall clocks do. No time has passed by it.
    pub fn set(&self, now: Timestamp) {
        self.0.unix_ms.store(now.unix_ms(), Ordering::SeqCst);
    }

    /// Lets time pass; parts of a millisecond are dropped, and the end of time is not passed.
    pub fn advance(&self, by: Duration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let ahead = |ms: i64| Some(ms.saturating_add(by_ms));
        // The closures always return a value, so the updates cannot be refused.
        let hands = &self.0;
        let _ = hands
            .unix_ms
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, ahead);
        let _ = hands
            .running_ms
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |ms| {
                Some(ms.saturating_add(by_ms.unsigned_abs()))
            });
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.unix_ms.load(Ordering::SeqCst))
    }

    fn running(&self) -> Option<Duration> {
        let running_ms = self.0.running_ms.load(Ordering::SeqCst);
        Some(Duration::from_millis(running_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_still_until_told() {
        let clock = FixedClock::at(Timestamp::from_unix_ms(5));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_micros(2_999));
        assert_eq!(clock.now().unix_ms(), 7);
    }

    #[test]
    fn clones_share_the_time_and_it_may_go_back() {
        let clock = FixedClock::at(Timestamp::from_unix_ms(5));
        let other = clock.clone();
        other.set(Timestamp::from_unix_ms(-5));
        assert_eq!(clock.now().unix_ms(), -5);
        assert_eq!(clock.running(), Some(Duration::ZERO));
        other.advance(Duration::from_millis(3));
        assert_eq!(clock.running(), Some(Duration::from_millis(3)));
    }

    #[test]
    fn the_end_of_time_is_not_passed() {
        let clock = FixedClock::at(Timestamp::from_unix_ms(i64::MAX - 1));
        clock.advance(Duration::MAX);
        assert_eq!(clock.now().unix_ms(), i64::MAX);
    }
}
