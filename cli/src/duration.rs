//! Spans of time on the command line: a whole number and a unit, `60s`, `5m`, `1h` or `90d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The most digits: no span here is longer than a life of the authority, and the product stays far inside 64 bits.
const DIGITS_MAX: usize = 8;

/// A span of time longer than nothing, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(Duration);

/// Text that is no span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a whole number above zero and a unit, such as `60s`, `1h` or `90d`")]
pub(crate) struct InvalidSpan;

impl Span {
    pub(crate) fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let (digits, seconds_per_unit) = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]
            .into_iter()
            .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
            .ok_or(InvalidSpan)?;
        let well_formed = (1..=DIGITS_MAX).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        let count: u64 = digits
            .parse()
            .ok()
            .filter(|_| well_formed)
            .ok_or(InvalidSpan)?;
        Ok(Self(Duration::from_secs(
            count.saturating_mul(seconds_per_unit),
        )))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::words::span(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        for (text, seconds) in [
            ("60s", 60),
            ("5m", 300),
            ("1h", 3_600),
            ("90d", 7_776_000),
            ("99999999d", 8_639_999_913_600),
        ] {
            assert_eq!(
                text.parse(),
                Ok(Span(Duration::from_secs(seconds))),
                "{text}"
            );
        }
    }

    #[test]
    fn nothing_else() {
        for bad in [
            "",
            "60",
            "s",
            "0s",
            "060s",
            "-5m",
            "+5m",
            "5 m",
            "5M",
            "1.5h",
            "1h30m",
            "1w",
            "٣s",
            "100000000s",
        ] {
            assert_eq!(bad.parse::<Span>(), Err(InvalidSpan), "{bad}");
        }
    }
}
