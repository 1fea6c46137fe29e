//! Where the time comes from. The only place in the workspace that asks the operating system.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::Timestamp;

/// A source of the time of day.
pub trait Clock: Send + Sync {
    /// The time now. Not monotonic: callers that need that keep their own high-water mark.
    fn now(&self) -> Timestamp;
}

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
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}
