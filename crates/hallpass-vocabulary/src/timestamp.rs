//! A point in time: milliseconds since the Unix epoch, written as RFC 3339 in UTC.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
///
/// Text form: RFC 3339, always UTC, always three digits of milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Text that is not an RFC 3339 date and time in UTC between the years 1 and 9999.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an RFC 3339 date and time such as `2026-11-21T09:30:00Z`")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// From milliseconds since the epoch.
    pub const fn from_unix_ms(unix_ms: i64) -> Self {
        Self(unix_ms)
    }

    /// From whole seconds since the epoch; saturates.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded towards the past (dates in tokens are whole seconds).
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This time moved into the future; saturates.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000) {
            Ok(t) => {
                if t.year() < 0 {
                    f.write_str("-")?;
                }
                f.write_str(std::str::from_utf8(&text(t)).map_err(|_| fmt::Error)?)
            }
            Err(_) => write!(f, "unix:{}ms", self.0),
        }
    }
}

/// The text form, but for the sign of the year. Digit by digit: every record has several times, and formatting them took
/// longer than the rest of its JSON.
fn text(t: OffsetDateTime) -> [u8; 24] {
    let [y1, y2, y3, y4] = digits(t.year().unsigned_abs());
    let [o1, o2] = digits(u8::from(t.month()).into());
    let [d1, d2] = digits(t.day().into());
    let [h1, h2] = digits(t.hour().into());
    let [i1, i2] = digits(t.minute().into());
    let [s1, s2] = digits(t.second().into());
    let [m1, m2, m3] = digits(t.millisecond().into());
    [
        y1, y2, y3, y4, b'-', o1, o2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2, b'.',
        m1, m2, m3, b'Z',
    ]
}

/// The last digits of a number.
fn digits<const N: usize>(mut number: u32) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit |= (number % 10) as u8;
        number /= 10;
    }
    digits
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let parsed = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidTimestamp)?;
        i64::try_from(parsed.unix_timestamp_nanos().div_euclid(1_000_000))
            .map(Self)
            .map_err(|_| InvalidTimestamp)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        let t = Timestamp::from_unix_ms(1_763_724_600_007);
        assert_eq!(t.to_string(), "2025-11-21T11:30:00.007Z");
        assert_eq!(t.to_string().parse(), Ok(t));
    }

    #[test]
    fn the_text_is_the_calendars() {
        for (text, unix_ms) in [
            ("0000-01-01T00:00:00.000Z", -62_167_219_200_000),
            ("0001-12-31T23:59:59.999Z", -62_104_060_800_001),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2024-02-29T09:08:07.065Z", 1_709_197_687_065),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
            ("-0001-12-31T00:00:00.000Z", -62_167_305_600_000),
        ] {
            assert_eq!(Timestamp::from_unix_ms(unix_ms).to_string(), text);
        }
    }

    #[test]
    fn seconds_round_towards_the_past_on_both_sides_of_the_epoch() {
        assert_eq!(Timestamp::from_unix_ms(1_999).unix_seconds(), 1);
        assert_eq!(Timestamp::from_unix_ms(-1).unix_seconds(), -1);
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for ms in [i64::MIN, i64::MAX] {
            let t = Timestamp::from_unix_ms(ms);
            assert!(!t.to_string().is_empty());
            assert!(t.after(Duration::MAX) >= t);
            assert!(Timestamp::from_unix_ms(0).since(t) <= Duration::from_millis(u64::MAX));
        }
    }
}
