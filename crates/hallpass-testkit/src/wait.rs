//! Waiting with a bound.

use std::time::{Duration, Instant};

/// How long [`eventually`] rests between two looks, in milliseconds: short beside any bound, long beside a look.
const REST_MS: u64 = 5;

/// Looks at `condition` until it holds; for conditions nobody sends a message about.
///
/// ```
/// use std::time::Duration;
///
/// let mut looks = 0;
/// hallpass_testkit::eventually(Duration::from_secs(5), "three looks", || {
///     looks += 1;
///     looks == 3
/// });
/// ```
///
/// # Panics
/// When `bound` has passed and `condition` still does not hold; the message names `what`. The condition is always looked
/// at once more after the bound, so that a busy machine alone does not fail a test.
#[track_caller]
pub fn eventually(bound: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    loop {
        let last_look = started.elapsed() >= bound;
        if condition() {
            return;
        }
        if last_look {
            panic!("waited {bound:?} for {what}");
        }
        std::thread::sleep(Duration::from_millis(REST_MS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_holds_is_looked_at_once() {
        let mut looks = 0;
        eventually(Duration::ZERO, "nothing", || {
            looks += 1;
            true
        });
        assert_eq!(looks, 1);
    }

    #[test]
    #[should_panic(expected = "waited 20ms for the cows to come home")]
    fn the_wait_is_bounded_and_says_what_for() {
        eventually(Duration::from_millis(20), "the cows to come home", || false);
    }
}
