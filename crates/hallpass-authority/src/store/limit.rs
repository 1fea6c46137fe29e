//! How many a minute: the generic cell rate algorithm (ITU-T I.371), one number a bucket.
//!
//! The number is the time at which the bucket would be empty again, in microseconds. Each admission moves it on by a
//! minute divided by the rate; one that would move it more than a minute ahead of now is refused. So a bucket admits a
//! minute's worth at once and its rate from then on.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hallpass_vocabulary::Timestamp;

/// A bucket's depth, in microseconds.
pub(super) const WINDOW_US: i64 = 60_000_000;

/// How much further ahead than a bucket's depth one may be: by so much the clocks of two replicas may differ. Past it a
/// clock was set back, and the bucket counts as empty, or nobody would be admitted until that clock has caught up.
pub(super) const CLOCKS_APART_US: i64 = 60_000_000;

/// Whether there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// There is.
    Admit,
    /// Not before so long.
    Wait(Duration),
}

impl Admission {
    /// What the wait is when a bucket would be empty again at `empty_us`.
    pub(super) fn wait(empty_us: i64, step_us: i64, now_us: i64) -> Self {
        let wait = empty_us.saturating_add(step_us) - WINDOW_US - now_us;
        let wait = u64::try_from(wait).unwrap_or(0).min(WINDOW_US as u64);
        Self::Wait(Duration::from_micros(wait.max(1)))
    }
}

/// When a bucket would be empty, as it counts now.
pub(super) fn empty_us(noted_us: i64, now_us: i64) -> i64 {
    let latest = now_us.saturating_add(WINDOW_US);
    if noted_us > latest.saturating_add(CLOCKS_APART_US) {
        now_us
    } else {
        noted_us.clamp(now_us, latest)
    }
}

/// How far one admission moves a bucket; nothing for a rate of none.
pub(super) fn step_us(per_minute: u32) -> Option<i64> {
    WINDOW_US.checked_div(i64::from(per_minute))
}

/// Now, as buckets count.
pub(super) fn microseconds(now: Timestamp) -> i64 {
    now.unix_ms().saturating_mul(1_000)
}

/// The buckets of one process.
#[derive(Debug, Default)]
pub(super) struct Buckets(Mutex<HashMap<String, i64>>);

impl Buckets {
    pub(super) fn admit(&self, bucket: &str, per_minute: u32, now: Timestamp) -> Admission {
        let Some(step) = step_us(per_minute) else {
            return Admission::Wait(Duration::from_micros(WINDOW_US as u64));
        };
        let now = microseconds(now);
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = empty_us(buckets.get(bucket).copied().unwrap_or(now), now);
        let moved = empty.saturating_add(step);
        if moved > now.saturating_add(WINDOW_US) {
            return Admission::wait(empty, step, now);
        }
        match buckets.get_mut(bucket) {
            Some(empty) => *empty = moved,
            None => _ = buckets.insert(bucket.to_owned(), moved),
        }
        Admission::Admit
    }

    /// Forgets the buckets that are empty.
    pub(super) fn clean(&self, now: Timestamp) {
        let now = microseconds(now);
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.retain(|_, empty| *empty > now);
    }
}
