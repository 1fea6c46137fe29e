//! The clock tokens are judged by: the authority's time, or until that is known the machine's, never running backwards and
//! never standing still.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hallpass_journal::{ClockCorrected, Durability, Event, Journal};
use hallpass_vocabulary::{Clock, ClockBasis, ClockExchange, Timestamp};

/// How far the machine's clock may be from the authority's before the difference is recorded. An exchange shows the time no
/// better than it takes, and clocks set over a network agree much closer.
const APART_MAX: Duration = Duration::from_secs(1);

/// No exchange yet.
const NONE: i64 = i64::MIN;

/// The clock of one verifier; clones are one clock.
///
/// Before the first exchange it is the wall clock with a high-water mark that goes on by itself: once a time has been seen,
/// no earlier one is reported, and time passes as the machine measures it, not as somebody sets it. So setting the clock back
/// neither gives an expired token another life nor lengthens a living one's. From the first exchange on it is the time of the
/// last one, and what the machine has measured since; nobody sets it but the next exchange.
#[derive(Clone)]
pub struct TokenClock(Arc<Inner>);

struct Inner {
    wall: Arc<dyn Clock>,
    /// The latest the wall clock has ever been against the time it had been running, in milliseconds.
    ahead_ms: AtomicI64,
    /// The authority's time against the time the wall clock has been running, in milliseconds.
    exchanged_ms: AtomicI64,
    /// How far the wall clock was from the authority's at the last exchange that is on record, in milliseconds.
    recorded_ms: AtomicI64,
    journal: Option<Journal>,
}

impl TokenClock {
    /// Shows the time of this clock, and nothing before what the journal has on record, so that the mark outlives the process.
    /// Exchanges that disagree with the wall clock are recorded there.
    pub(crate) fn new(wall: Arc<dyn Clock>, journal: Option<Journal>) -> Self {
        let floor = journal.as_ref().and_then(Journal::latest_time);
        Self::from_floor(wall, floor, journal)
    }

    /// Shows the time of this clock, and nothing before `floor`; records nothing. For where there is no verifier; a
    /// [`Verifier`](crate::Verifier) has its own.
    pub fn without_journal(wall: Arc<dyn Clock>, floor: Option<Timestamp>) -> Self {
        Self::from_floor(wall, floor, None)
    }

    fn from_floor(
        wall: Arc<dyn Clock>,
        floor: Option<Timestamp>,
        journal: Option<Journal>,
    ) -> Self {
        let running_ms = milliseconds(wall.running().unwrap_or_default());
        let ahead_ms = floor.map_or(i64::MIN, |floor| floor.unix_ms().saturating_sub(running_ms));
        Self(Arc::new(Inner {
            wall,
            ahead_ms: AtomicI64::new(ahead_ms),
            exchanged_ms: AtomicI64::new(NONE),
            recorded_ms: AtomicI64::new(0),
            journal,
        }))
    }

    /// Puts on record that the wall clock is wrong, once for every way in which it is.
    fn record(&self, exchange: &ClockExchange, wall: Timestamp) {
        let inner = &self.0;
        let apart = APART_MAX;
        let agrees = wall.after(apart) >= exchange.time() && wall <= exchange.latest().after(apart);
        let off_ms = wall.unix_ms().saturating_sub(exchange.time().unix_ms());
        let recorded_ms = inner.recorded_ms.load(Ordering::Relaxed);
        let moved_ms = off_ms.saturating_sub(recorded_ms).unsigned_abs();
        if agrees {
            inner.recorded_ms.store(0, Ordering::Relaxed);
        } else if Duration::from_millis(moved_ms) > apart + exchange.round_trip() {
            inner.recorded_ms.store(off_ms, Ordering::Relaxed);
            let corrected = Event::ClockCorrected(ClockCorrected {
                authority: exchange.time(),
                wall,
                round_trip_ms: u64::try_from(exchange.round_trip().as_millis()).unwrap_or(u64::MAX),
            });
            if let Some(journal) = &inner.journal {
                drop(journal.append(&corrected, Durability::Relaxed));
            }
        }
    }
}

impl Clock for TokenClock {
    fn now(&self) -> Timestamp {
        let inner = &self.0;
        let running_ms = milliseconds(inner.wall.running().unwrap_or_default());
        let exchanged_ms = inner.exchanged_ms.load(Ordering::Relaxed);
        if exchanged_ms != NONE {
            return Timestamp::from_unix_ms(exchanged_ms.saturating_add(running_ms));
        }
        let ahead_ms = inner.wall.now().unix_ms().saturating_sub(running_ms);
        let seen = inner.ahead_ms.fetch_max(ahead_ms, Ordering::Relaxed);
        Timestamp::from_unix_ms(ahead_ms.max(seen).saturating_add(running_ms))
    }

    fn running(&self) -> Option<Duration> {
        self.0.wall.running()
    }

    /// [`ClockBasis::WallOnly`] where the machine has no measure that nobody can set: an exchange could not be carried on.
    fn basis(&self) -> ClockBasis {
        match self.0.wall.running() {
            None => ClockBasis::WallOnly,
            Some(_) if self.0.exchanged_ms.load(Ordering::Relaxed) == NONE => ClockBasis::Wall,
            Some(_) => ClockBasis::Exchange,
        }
    }

    fn exchanged(&self, exchange: &ClockExchange) -> bool {
        let inner = &self.0;
        let Some(running) = inner.wall.running() else {
            return false;
        };
        let since = running.saturating_sub(exchange.answered());
        let wall = Timestamp::from_unix_ms(
            inner
                .wall
                .now()
                .unix_ms()
                .saturating_sub(milliseconds(since)),
        );
        self.record(exchange, wall);
        let ahead_ms = exchange
            .latest()
            .unix_ms()
            .saturating_sub(milliseconds(exchange.answered()));
        // One more than the value that means none; nobody will miss the millisecond.
        inner
            .exchanged_ms
            .store(ahead_ms.max(NONE + 1), Ordering::Relaxed);
        true
    }
}

impl fmt::Debug for TokenClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClock")
            .field("basis", &self.basis())
            .finish_non_exhaustive()
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use hallpass_testkit::FixedClock;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn clock(wall: &FixedClock, floor: Option<Timestamp>) -> TokenClock {
        TokenClock::without_journal(Arc::new(wall.clone()), floor)
    }

    /// An exchange that took no time and was answered now.
    fn exchange(clock: &TokenClock, time: Timestamp) -> ClockExchange {
        let now = clock.running().unwrap();
        ClockExchange::new(time, now, now).unwrap()
    }

    #[test]
    fn it_shows_the_wall_clock_as_long_as_that_runs_forwards() {
        let wall = FixedClock::at(NOW);
        let clock = clock(&wall, None);
        assert_eq!(clock.now(), NOW);
        wall.advance(seconds(5));
        assert_eq!(clock.now(), NOW.after(seconds(5)));
        wall.set(NOW.after(seconds(100)));
        assert_eq!(clock.now(), NOW.after(seconds(100)));
    }

    #[test]
    fn set_back_it_goes_on_as_if_nothing_had_happened() {
        let wall = FixedClock::at(NOW);
        let clock = clock(&wall, None);
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
        let clock = clock(&wall, Some(floor));
        assert_eq!(clock.now(), floor);
        wall.advance(seconds(9));
        assert_eq!(clock.now(), floor.after(seconds(9)));
    }

    #[test]
    fn from_the_first_exchange_on_only_exchanges_set_it() {
        let wall = FixedClock::at(NOW);
        let clock = clock(&wall, Some(NOW.after(seconds(86_400))));
        assert_eq!(clock.basis(), ClockBasis::Wall);
        let truth = NOW.after(seconds(40));
        assert!(clock.exchanged(&exchange(&clock, truth)));
        assert_eq!((clock.basis(), clock.now()), (ClockBasis::Exchange, truth));
        wall.advance(seconds(5));
        for jump in [NOW.after(seconds(1_000_000)), Timestamp::from_unix_ms(0)] {
            wall.set(jump);
            assert_eq!(clock.now(), truth.after(seconds(5)));
        }
        for next in [truth.after(seconds(90)), NOW] {
            assert!(clock.exchanged(&exchange(&clock, next)));
            assert_eq!(clock.now(), next);
        }
    }

    #[test]
    fn an_exchange_counts_from_when_it_was_answered_and_as_late_as_it_can_have_been() {
        let wall = FixedClock::at(NOW);
        let clock = clock(&wall, None);
        wall.advance(seconds(10));
        let exchange = ClockExchange::new(NOW, seconds(3), seconds(5)).unwrap();
        assert!(clock.exchanged(&exchange));
        // Two seconds under way, answered five seconds ago.
        assert_eq!(clock.now(), NOW.after(seconds(7)));
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        for end in [i64::MIN, i64::MAX] {
            let end = Timestamp::from_unix_ms(end);
            let wall = FixedClock::at(end);
            let clock = clock(&wall, Some(end));
            wall.advance(Duration::MAX);
            assert!(clock.now() >= end);
            assert!(clock.exchanged(&exchange(&clock, end)));
            assert_eq!(clock.basis(), ClockBasis::Exchange);
        }
    }
}
