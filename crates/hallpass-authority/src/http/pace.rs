//! How often something may be done in this process, whoever asks: the generic cell rate algorithm (ITU-T I.371).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A rate, and what of it is taken. What was not used of the last second may come at once.
#[derive(Debug)]
pub(crate) struct Pace {
    step: Duration,
    /// When it is all there again.
    empty: Mutex<Option<Instant>>,
}

impl Pace {
    pub(crate) fn per_second(most: u32) -> Self {
        Self {
            step: Duration::from_secs(1)
                .checked_div(most)
                .unwrap_or(Duration::MAX),
            empty: Mutex::new(None),
        }
    }

    /// Whether once more is within the rate.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        let mut empty = self.empty.lock().unwrap_or_else(PoisonError::into_inner);
        let from = empty.map_or(now, |empty| empty.max(now));
        let next = from.checked_add(self.step);
        let Some(next) = next.filter(|next| next.duration_since(now) <= Duration::from_secs(1))
        else {
            return false;
        };
        *empty = Some(next);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_s_worth_comes_at_once_and_then_the_rate() {
        let pace = Pace::per_second(10);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let admitted = |ms| (0..100).filter(|_| pace.admits(at(ms))).count();
        assert_eq!(admitted(0), 10);
        assert_eq!(admitted(99), 0);
        assert_eq!(admitted(100), 1);
        assert_eq!(admitted(600), 5);
        assert_eq!(admitted(60_000), 10);
        assert!(!Pace::per_second(0).admits(start));
    }
}
