//! The one form of times in records: `2026-11-21T09:30:00.000Z`.

use std::fmt::Write as _;

use hallpass_vocabulary::Timestamp;

/// Characters of a time.
pub(super) const TIME_CHARS: usize = 24;

/// A time as it stands in records.
#[derive(Debug, Clone)]
pub(crate) struct TimeText(pub(super) String);

impl TimeText {
    /// A time outside the years 0 to 9999 has no RFC 3339 form; a clock that wrong reads as 1970.
    pub(crate) fn of(time: Timestamp) -> Self {
        let mut text = String::with_capacity(TIME_CHARS);
        match write!(text, "{time}") {
            Ok(()) if parse(&text).is_some() => Self(text),
            _ => Self(Timestamp::from_unix_ms(0).to_string()),
        }
    }
}

/// A time in exactly this form.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    // The calendar's rare cases are left to who knows them.
    ordinary(text).or_else(|| parse_any(text))
}

/// A time of the years 1 to 9999; none when there is anything to think about.
pub(super) fn ordinary(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; TIME_CHARS] = text.as_bytes().try_into().ok()?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        o1,
        o2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        i1,
        i2,
        b':',
        s1,
        s2,
        b'.',
        m1,
        m2,
        m3,
        b'Z',
    ] = bytes
    else {
        return None;
    };
    let year = number([y1, y2, y3, y4])?;
    let (month, day) = (number([o1, o2])?, number([d1, d2])?);
    let (hour, minute, second) = (number([h1, h2])?, number([i1, i2])?, number([s1, s2])?);
    let ms = number([m1, m2, m3])?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let exists = year > 0 && (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    exists.then(|| Timestamp::from_unix_ms(seconds * 1_000 + ms))
}

fn number<const DIGITS: usize>(digits: [&u8; DIGITS]) -> Option<i64> {
    digits.into_iter().try_fold(0_i64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
        Some(number * 10 + i64::from(digit))
    })
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, for years from 1 on: years are counted from March, so that
/// the day that may be missing is the last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let of_years = year * 365 + year / 4 - year / 100 + year / 400;
    let of_months = (month * 153 + 2) / 5;
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    of_years + of_months + day - 1 - 719_468
}

/// Any time in this form that exists: one that is written as it was read, which a leap second is not.
pub(super) fn parse_any(text: &str) -> Option<Timestamp> {
    let time: Timestamp = text.parse().ok()?;
    (time.to_string() == text).then_some(time)
}
