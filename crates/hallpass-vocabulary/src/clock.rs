//! Where the time comes from. The only place in the workspace that asks the operating system.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::Timestamp;

/// A source of the time of day.
pub trait Clock: Send + Sync {
    /// The time now. Not monotonic: callers that need that keep their own high-water mark.
    fn now(&self) -> Timestamp;

    /// How long this clock has been running, by a measure that nobody can set: it never runs backwards. `None` where
    /// there is none; then time that was set back stands still for whoever keeps a mark of it.
    fn running(&self) -> Option<Duration> {
        None
    }
}

/// When the process first asked how long it has been running.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The operating system's wall clock. A time before 1970 reads as 1970.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_unix_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn running(&self) -> Option<Duration> {
        Some(STARTED.elapsed())
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn running(&self) -> Option<Duration> {
        (**self).running()
    }
}
