//! Which numbers were used, and which comes next.
//!
//! One more than the last; when an authority starts, at least the milliseconds since the epoch, so that a restored copy is ahead
//! of what it lost. A clock that is a year ahead at such a start sets a number that no verifier with a right clock believes,
//! and that none has therefore seen. Once the clock is right again the numbers go on from it, and what was set is kept out of
//! use: it comes back if it was the other clock that was wrong.

use hallpass_bundle::{BUNDLE_VERSION_AHEAD_MAX_MS, BundleId, CLOCK_SKEW_MAX};
use hallpass_vocabulary::Timestamp;

/// The numbers used so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Used {
    /// The bundle that was made last.
    pub(super) last: BundleId,
    /// The highest number there ever was.
    pub(super) highest: u64,
}

impl Used {
    /// After a bundle was made.
    pub(super) fn with(before: Option<&Self>, last: BundleId) -> Self {
        let highest = before.map_or(0, |before| before.highest);
        Self {
            last,
            highest: highest.max(last.version),
        }
    }

    /// The same, of which others may have used higher numbers.
    pub(super) fn and(self, others: Option<&Self>) -> Self {
        let highest = others.map_or(0, |others| others.highest);
        Self {
            last: self.last,
            highest: self.highest.max(highest),
        }
    }

    /// What the next number follows, as a verifier whose clock shows `now` would have it; nothing where none of these numbers
    /// can be followed.
    pub(super) fn followed(&self, now: Timestamp) -> Option<BundleId> {
        let follows = |version| BundleId {
            version,
            digest: self.last.digest,
        };
        [self.highest, self.last.version]
            .into_iter()
            .find(|version| is_believed(*version, now))
            .map(follows)
    }

    /// Whether the bundle in force has a number that the next start would not go on from.
    pub(super) fn is_astray(&self, now: Timestamp) -> bool {
        self.followed(now)
            .is_none_or(|followed| followed.version != self.last.version)
    }
}

/// Whether a verifier whose clock shows `now` takes two more bundles after one of this number.
fn is_believed(version: u64, now: Timestamp) -> bool {
    let now = u64::try_from(now.unix_ms()).unwrap_or(0);
    version.saturating_add(2) <= now.saturating_add(BUNDLE_VERSION_AHEAD_MAX_MS)
}

/// Now, and not before what was said last: verifiers refuse a heartbeat that is older than what they have. What was said last
/// counts as far as a verifier whose clock shows the same believed it.
pub(super) fn moment(clock: Timestamp, said: Option<Timestamp>) -> Timestamp {
    match said {
        Some(said) if !is_ahead(said, clock) => clock.max(said),
        _ => clock,
    }
}

/// Whether a time is further ahead of a clock than a verifier tolerates.
pub(super) fn is_ahead(time: Timestamp, clock: Timestamp) -> bool {
    time > clock.after(CLOCK_SKEW_MAX)
}

#[cfg(test)]
mod tests {
    use hallpass_keys::Digest;

    use super::*;

    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    const NOW_MS: i64 = 1_800_000_000_000;

    fn used(last: i64, highest: i64) -> Used {
        Used {
            last: BundleId {
                version: u64::try_from(last).unwrap(),
                digest: Digest::of(b"last"),
            },
            highest: u64::try_from(highest).unwrap(),
        }
    }

    fn followed(used: Used, now: i64) -> Option<i64> {
        let followed = used.followed(Timestamp::from_unix_ms(now))?;
        Some(i64::try_from(followed.version).unwrap())
    }

    #[test]
    fn the_highest_number_is_followed_while_anybody_would_believe_it() {
        let year = NOW_MS + 365 * DAY_MS;
        assert_eq!(followed(used(NOW_MS, NOW_MS), NOW_MS), Some(NOW_MS));
        let ahead = NOW_MS + DAY_MS - 2;
        assert_eq!(followed(used(ahead, ahead), NOW_MS), Some(ahead));
        assert_eq!(followed(used(ahead + 1, ahead + 1), NOW_MS), None);
        // A clock was a year ahead, and is right again.
        assert_eq!(followed(used(year, year), NOW_MS), None);
        assert_eq!(followed(used(NOW_MS, year), NOW_MS + 5), Some(NOW_MS));
        // It was the other clock that was wrong.
        assert_eq!(followed(used(NOW_MS, year), year + 5), Some(year));
        assert!(used(NOW_MS, year).is_astray(Timestamp::from_unix_ms(year)));
        assert!(used(year, year).is_astray(Timestamp::from_unix_ms(NOW_MS)));
        assert!(!used(NOW_MS, year).is_astray(Timestamp::from_unix_ms(NOW_MS)));
    }

    #[test]
    fn time_goes_on_from_what_was_believed() {
        let at = Timestamp::from_unix_ms;
        assert_eq!(moment(at(NOW_MS), None), at(NOW_MS));
        assert_eq!(moment(at(NOW_MS), Some(at(NOW_MS - 1))), at(NOW_MS));
        let near = at(NOW_MS + 30_000);
        assert_eq!(moment(at(NOW_MS), Some(near)), near);
        assert_eq!(moment(at(NOW_MS), Some(at(NOW_MS + 30_001))), at(NOW_MS));
    }
}
