//! Chance, so that services do not come in step.

use std::time::Duration;

/// A row of numbers from a seed (splitmix64). Nothing secret depends on it.
#[derive(Debug, Clone)]
pub(crate) struct Jitter(u64);

impl Jitter {
    /// The row of this seed.
    #[cfg(test)]
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A row of its own. Without randomness, that of zero.
    pub(crate) fn new() -> Self {
        Self(u64::from_le_bytes(
            hallpass_keys::random_bytes().unwrap_or_default(),
        ))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Somewhere from nothing to `whole`.
    pub(crate) fn part_of(&mut self, whole: Duration) -> Duration {
        const STEPS: u32 = 1 << 16;
        let step = u32::try_from(self.next() >> 48).unwrap_or(0);
        (whole / STEPS).saturating_mul(step).min(whole)
    }

    /// Between four fifths and six fifths of an interval.
    pub(crate) fn about(&mut self, interval: Duration) -> Duration {
        let fifth = interval / 5;
        (interval - fifth).saturating_add(self.part_of(fifth.saturating_mul(2)))
    }

    /// Between half of `first` doubled `failures` times, and that; never more than `cap`.
    pub(crate) fn backoff(&mut self, first: Duration, cap: Duration, failures: u32) -> Duration {
        let doubled = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
        let whole = first.saturating_mul(doubled).min(cap);
        whole / 2 + self.part_of(whole / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_interval_varies_by_a_fifth_and_is_not_constant() {
        let mut jitter = Jitter::new();
        let drawn: Vec<Duration> = (0..64).map(|_| jitter.about(5 * SECOND)).collect();
        let within = 4 * SECOND..=6 * SECOND;
        assert!(drawn.iter().all(|drawn| within.contains(drawn)));
        assert!(drawn.iter().any(|other| *other != drawn[0]));
        assert!(jitter.about(Duration::MAX) >= Duration::MAX / 5 * 4);
        assert_eq!(jitter.about(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn backing_off_doubles_up_to_the_cap() {
        let mut jitter = Jitter::seeded(7);
        for failures in 0..64 {
            let whole = SECOND * (1 << failures.min(5)).min(20);
            let drawn = jitter.backoff(SECOND, 20 * SECOND, failures);
            assert!((whole / 2..=whole).contains(&drawn), "{failures} {drawn:?}");
        }
        let longest = jitter.backoff(Duration::MAX, Duration::MAX, u32::MAX);
        assert!(longest >= Duration::MAX / 2);
    }
}
