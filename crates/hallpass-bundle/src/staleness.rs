//! How old knowledge may be to act on it.

use std::time::Duration;

use hallpass_vocabulary::Impact;

/// How long after the last heartbeat calls of each impact are still allowed. Denials do not age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staleness {
    read: Duration,
    write: Duration,
    destructive: Duration,
}

/// The bounds are not in order, or one is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "staleness bounds must be positive, and no impact may have a longer one than a less harmful impact"
)]
pub struct InvalidStaleness;

impl Staleness {
    /// 900 s for reads, 300 s for writes, 60 s for destructive calls.
    pub const STANDARD: Self = Self {
        read: Duration::from_secs(900),
        write: Duration::from_secs(300),
        destructive: Duration::from_secs(60),
    };

    /// Other bounds: longer ones for where bundles come by file drop, shorter ones for the cautious.
    ///
    /// # Errors
    /// When one is zero, or a more harmful impact has the longer bound.
    pub fn new(
        read: Duration,
        write: Duration,
        destructive: Duration,
    ) -> Result<Self, InvalidStaleness> {
        if destructive.is_zero() || destructive > write || write > read {
            return Err(InvalidStaleness);
        }
        Ok(Self {
            read,
            write,
            destructive,
        })
    }

    /// The bound for an impact.
    pub fn bound(&self, impact: Impact) -> Duration {
        match impact {
            Impact::Read => self.read,
            Impact::Write => self.write,
            Impact::Destructive => self.destructive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harm_shortens_the_bound() {
        let bounds = Impact::ALL.map(|impact| Staleness::STANDARD.bound(impact).as_secs());
        assert_eq!(bounds, [900, 300, 60]);
        let s = Duration::from_secs;
        assert!(Staleness::new(s(3), s(2), s(1)).is_ok());
        assert!(Staleness::new(s(1), s(1), s(1)).is_ok());
        for (read, write, destructive) in [(1, 2, 1), (3, 1, 2), (1, 1, 0), (0, 0, 0)] {
            assert_eq!(
                Staleness::new(s(read), s(write), s(destructive)),
                Err(InvalidStaleness)
            );
        }
    }
}
