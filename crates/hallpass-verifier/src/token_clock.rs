//! The clock tokens are judged by: the wall clock, never running backwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use hallpass_vocabulary::{Clock, Timestamp};

/// The wall clock with a high-water mark: once a time has been seen, no earlier one is reported, so that setting the
/// clock back does not give an expired token another life.
pub(crate) struct TokenClock {
    wall: Arc<dyn Clock>,
    high_water_unix_ms: AtomicI64,
}

impl TokenClock {
    /// `floor` is the last time the journal has on record, so that the mark outlives the process.
    pub(crate) fn new(wall: Arc<dyn Clock>, floor: Option<Timestamp>) -> Self {
        let floor = floor.map_or(i64::MIN, Timestamp::unix_ms);
        Self {
            wall,
            high_water_unix_ms: AtomicI64::new(floor),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let wall = self.wall.now().unix_ms();
        let seen = self.high_water_unix_ms.fetch_max(wall, Ordering::Relaxed);
        Timestamp::from_unix_ms(wall.max(seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stepped(AtomicI64);

    impl Clock for Stepped {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_ms(self.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn setting_the_wall_clock_back_does_not_move_the_token_clock() {
        let wall = Arc::new(Stepped(AtomicI64::new(1_000)));
        let clock = TokenClock::new(Arc::clone(&wall) as Arc<dyn Clock>, None);
        assert_eq!(clock.now().unix_ms(), 1_000);
        wall.0.store(10, Ordering::Relaxed);
        assert_eq!(clock.now().unix_ms(), 1_000);
        wall.0.store(2_000, Ordering::Relaxed);
        assert_eq!(clock.now().unix_ms(), 2_000);
    }

    #[test]
    fn the_mark_of_an_earlier_process_holds() {
        let wall = Arc::new(Stepped(AtomicI64::new(1_000)));
        let clock = TokenClock::new(wall, Some(Timestamp::from_unix_ms(5_000)));
        assert_eq!(clock.now().unix_ms(), 5_000);
    }
}
