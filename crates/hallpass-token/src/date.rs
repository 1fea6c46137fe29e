//! Dates in tokens: whole seconds between 1970 and the end of the year 9999.

use hallpass_vocabulary::Timestamp;

/// Seconds since the epoch of 9999-12-31T23:59:59Z, the last second RFC 3339 can write.
const SECONDS_MAX: u64 = 253_402_300_799;

/// The token date at or before a time; `None` outside the range.
pub(crate) fn seconds(time: Timestamp) -> Option<u64> {
    u64::try_from(time.unix_seconds())
        .ok()
        .filter(|seconds| *seconds <= SECONDS_MAX)
}

/// The time of a token date; `None` outside the range.
pub(crate) fn timestamp(seconds: u64) -> Option<Timestamp> {
    i64::try_from(seconds)
        .ok()
        .filter(|_| seconds <= SECONDS_MAX)
        .map(Timestamp::from_unix_seconds)
}

/// Whether a time is a whole second in range, so that a token keeps it exactly.
pub(crate) fn is_whole(time: Timestamp) -> bool {
    seconds(time).and_then(timestamp) == Some(time)
}

/// A whole second as RFC 3339 without a fraction, as Datalog writes it; another time as it is.
pub(crate) fn words(time: Timestamp) -> String {
    let text = time.to_string();
    match text.strip_suffix(".000Z") {
        Some(seconds) => format!("{seconds}Z"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_range() {
        assert_eq!(seconds(Timestamp::from_unix_ms(-1)), None);
        assert_eq!(seconds(Timestamp::from_unix_ms(999)), Some(0));
        assert_eq!(
            timestamp(SECONDS_MAX).map(words).as_deref(),
            Some("9999-12-31T23:59:59Z")
        );
        assert_eq!(timestamp(SECONDS_MAX + 1), None);
        assert_eq!(timestamp(u64::MAX), None);
        assert_eq!(seconds(Timestamp::from_unix_ms(i64::MAX)), None);
    }

    #[test]
    fn only_whole_seconds_are_whole() {
        assert!(is_whole(Timestamp::from_unix_seconds(1_763_724_600)));
        assert!(!is_whole(Timestamp::from_unix_ms(1_763_724_600_001)));
        assert!(!is_whole(Timestamp::from_unix_seconds(-1)));
    }
}
