//! What an exchange with the authority shows of the time.

use std::time::Duration;

use crate::Timestamp;

/// The longest an exchange may take to be believed. The time it shows is known no better than that.
pub const CLOCK_ROUND_TRIP_MAX: Duration = Duration::from_secs(2);

/// A question for the time and its answer, whose signature and nonce were found good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockExchange {
    time: Timestamp,
    asked: Duration,
    answered: Duration,
}

impl ClockExchange {
    /// `time` is what the authority said; the others are by [`Clock::running`](crate::Clock::running), before the question
    /// and after the answer. `None` when it took longer than [`CLOCK_ROUND_TRIP_MAX`], or no time can have passed so.
    pub fn new(time: Timestamp, asked: Duration, answered: Duration) -> Option<Self> {
        let round_trip = answered.checked_sub(asked)?;
        (round_trip <= CLOCK_ROUND_TRIP_MAX).then_some(Self {
            time,
            asked,
            answered,
        })
    }

    /// What the authority said: its time somewhere between question and answer.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// When the answer was there, by [`Clock::running`](crate::Clock::running).
    pub fn answered(&self) -> Duration {
        self.answered
    }

    /// How long it took.
    pub fn round_trip(&self) -> Duration {
        self.answered.saturating_sub(self.asked)
    }

    /// The latest it can have been at the authority when the answer was there. Who goes by it lets nothing live longer than
    /// the authority meant.
    pub fn latest(&self) -> Timestamp {
        self.time.after(self.round_trip())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_too_long_or_no_time_at_all_shows_nothing() {
        let ms = Duration::from_millis;
        let time = Timestamp::from_unix_ms(5_000);
        let exchange = ClockExchange::new(time, ms(10), ms(2_010)).unwrap();
        assert_eq!(exchange.latest(), Timestamp::from_unix_ms(7_000));
        assert_eq!(ClockExchange::new(time, ms(10), ms(2_011)), None);
        assert_eq!(ClockExchange::new(time, ms(10), ms(9)), None);
        assert!(ClockExchange::new(time, ms(10), ms(10)).is_some());
    }
}
