//! Where the time comes from. The only place in the workspace that asks the operating system.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{ClockExchange, Timestamp};

/// A source of the time of day.
pub trait Clock: Send + Sync {
    /// The time now. Not monotonic: callers that need that keep their own high-water mark.
    fn now(&self) -> Timestamp;

    /// How long this clock has been running, by a measure that nobody can set: it never runs backwards, and goes on while
    /// the machine is suspended. `None` where there is none; then time that was set back stands still for whoever keeps a
    /// mark of it.
    fn running(&self) -> Option<Duration> {
        None
    }

    /// Whose time it shows.
    fn basis(&self) -> ClockBasis {
        ClockBasis::WallOnly
    }

    /// Shows the authority's time from now on, where it is a clock that can be set so; `false` where it is none.
    fn exchanged(&self, exchange: &ClockExchange) -> bool {
        let _ = exchange;
        false
    }
}

/// Whose time a clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockBasis {
    /// The authority's, by a signed exchange.
    Exchange,
    /// The machine's, until the first exchange.
    Wall,
    /// The machine's, whatever anyone says.
    WallOnly,
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

    fn running(&self) -> Option<Duration> {
        Some(since_boot())
    }
}

/// The time since the machine was started, suspension included.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

/// The time since the process first asked. Whether it goes on while the machine is suspended is the system's to say.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;
    static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
    STARTED.elapsed()
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn running(&self) -> Option<Duration> {
        (**self).running()
    }

    fn basis(&self) -> ClockBasis {
        (**self).basis()
    }

    fn exchanged(&self, exchange: &ClockExchange) -> bool {
        (**self).exchanged(exchange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measure_that_nobody_sets_is_that_of_the_machine() {
        let before = SystemClock.running().unwrap();
        let after = SystemClock.running().unwrap();
        assert!(before > Duration::ZERO && before <= after);
        if cfg!(target_os = "linux") {
            let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
            let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
            let apart = SystemClock.running().unwrap().as_secs_f64() - seconds;
            assert!((0.0..60.0).contains(&apart), "{apart}");
        }
    }

    #[test]
    fn the_clock_of_the_machine_is_nobodys_to_set() {
        let exchange =
            ClockExchange::new(Timestamp::from_unix_ms(0), Duration::ZERO, Duration::ZERO);
        assert_eq!(SystemClock.basis(), ClockBasis::WallOnly);
        assert!(!SystemClock.exchanged(&exchange.unwrap()));
        assert!(SystemClock.now().unix_ms() > 0);
    }
}
