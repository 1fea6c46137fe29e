//! The clock tokens are judged by: the wall clock, never running backwards and never standing still.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hallpass_vocabulary::{Clock, Timestamp};

/// The wall clock with a high-water mark that goes on by itself: once a time has been seen, no earlier one is reported,
/// and time passes as the machine measures it, not as somebody sets it. So setting the clock back neither gives an
/// expired token another life nor lengthens a living one's.
pub(crate) struct TokenClock {
    wall: Arc<dyn Clock>,
    /// The latest the wall clock has ever been against the time it had been running, in milliseconds.
    ahead_ms: AtomicI64,
}

impl TokenClock {
    /// `floor` is the latest time the journal has on record, so that the mark outlives the process.
    pub(crate) fn new(wall: Arc<dyn Clock>, floor: Option<Timestamp>) -> Self {
        let running_ms = milliseconds(wall.running());
        let ahead_ms = floor.map_or(i64::MIN, |floor| floor.unix_ms().saturating_sub(running_ms));
        Self {
            wall,
            ahead_ms: AtomicI64::new(ahead_ms),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let running_ms = milliseconds(self.wall.running());
        let ahead_ms = self.wall.now().unix_ms().saturating_sub(running_ms);
        let seen = self.ahead_ms.fetch_max(ahead_ms, Ordering::Relaxed);
        Timestamp::from_unix_ms(ahead_ms.max(seen).saturating_add(running_ms))
    }
}

fn milliseconds(running: Option<Duration>) -> i64 {
    i64::try_from(running.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use hallpass_testkit::FixedClock;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn it_shows_the_wall_clock_as_long_as_that_runs_forwards() {
        let wall = FixedClock::at(NOW);
        let clock = TokenClock::new(Arc::new(wall.clone()), None);
        assert_eq!(clock.now(), NOW);
        wall.advance(seconds(5));
        assert_eq!(clock.now(), NOW.after(seconds(5)));
        wall.set(NOW.after(seconds(100)));
        assert_eq!(clock.now(), NOW.after(seconds(100)));
    }

    #[test]
    fn set_back_it_goes_on_as_if_nothing_had_happened() {
        let wall = FixedClock::at(NOW);
        let clock = TokenClock::new(Arc::new(wall.clone()), None);
        assert_eq!(clock.now(), NOW);
        wall.set(Timestamp::from_unix_ms(10));
        assert_eq!(clock.now(), NOW);
        wall.advance(seconds(7));
        assert_eq!(clock.now(), NOW.after(seconds(7)));
        wall.set(NOW.after(seconds(60)));
        assert_eq!(clock.now(), NOW.after(seconds(60)));
    }

    #[test]
    fn the_mark_of_an_earlier_process_holds_and_goes_on() {
        let wall = FixedClock::at(NOW);
        wall.advance(seconds(3));
        let floor = NOW.after(seconds(500));
        let clock = TokenClock::new(Arc::new(wall.clone()), Some(floor));
        assert_eq!(clock.now(), floor);
        wall.advance(seconds(9));
        assert_eq!(clock.now(), floor.after(seconds(9)));
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        for end in [i64::MIN, i64::MAX] {
            let wall = FixedClock::at(Timestamp::from_unix_ms(end));
            let clock = TokenClock::new(Arc::new(wall.clone()), Some(Timestamp::from_unix_ms(end)));
            wall.advance(Duration::MAX);
            assert!(clock.now() >= Timestamp::from_unix_ms(end));
        }
    }
}
