//! Decimal numbers without rounding.

use std::fmt;
use std::str::FromStr;

use serde_json::Number;

/// How many decimals there are.
const SCALE: usize = 6;

/// Millionths in a whole.
const WHOLE: u64 = 1_000_000;

/// A number with at most six decimals, exactly: as many millionths as an `i64` holds.
///
/// ```
/// use hallpass_args::Decimal;
///
/// let price: Decimal = "10.50".parse()?;
/// assert_eq!(price.millionths(), 10_500_000);
/// assert_eq!(price.to_string(), "10.5");
/// assert!("10".parse::<Decimal>().is_err(), "that is an integer");
/// # Ok::<(), hallpass_args::InvalidDecimal>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i64);

/// Why a text is no decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDecimal {
    /// Not digits, a point and one to six digits.
    #[error("a decimal number must be digits, a point and one to {SCALE} digits")]
    Form,
    /// Beyond what an `i64` of millionths holds.
    #[error("a decimal number must be between -9223372036854.775808 and 9223372036854.775807")]
    TooLarge,
}

impl Decimal {
    /// A number of millionths.
    pub const fn from_millionths(millionths: i64) -> Self {
        Self(millionths)
    }

    /// This number in millionths.
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// The number that the RFC 8785 text of this JSON number shows, if it has at most six decimals, fits, and is written
    /// without an exponent. So a double is what it prints as: 0.1 is one tenth.
    pub fn from_number(number: &Number) -> Option<Self> {
        if let Some(integer) = number.as_i64() {
            return integer.checked_mul(1_000_000).map(Self);
        }
        let text = serde_json_canonicalizer::to_string(number).ok()?;
        exact(&text).ok()
    }
}

/// Reads `-?(0|[1-9][0-9]*)(\.[0-9]{1,6})?`.
fn exact(text: &str) -> Result<Decimal, InvalidDecimal> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, decimals) = match digits.split_once('.') {
        Some((_, "")) => return Err(InvalidDecimal::Form),
        Some(parts) => parts,
        None => (digits, ""),
    };
    let fits = !whole.is_empty() && (whole == "0" || !whole.starts_with('0'));
    let zeros = SCALE
        .checked_sub(decimals.len())
        .filter(|_| fits)
        .ok_or(InvalidDecimal::Form)?;
    // Counted downwards, because the lowest `i64` has no positive.
    let mut millionths = Some(0i64);
    for byte in whole.bytes().chain(decimals.bytes()) {
        if !byte.is_ascii_digit() {
            return Err(InvalidDecimal::Form);
        }
        millionths = millionths
            .and_then(|m| m.checked_mul(10))
            .and_then(|m| m.checked_sub(i64::from(byte - b'0')));
    }
    for _ in 0..zeros {
        millionths = millionths.and_then(|m| m.checked_mul(10));
    }
    if !negative {
        millionths = millionths.and_then(i64::checked_neg);
    }
    millionths.map(Decimal).ok_or(InvalidDecimal::TooLarge)
}

impl FromStr for Decimal {
    type Err = InvalidDecimal;

    fn from_str(text: &str) -> Result<Self, InvalidDecimal> {
        if text.contains('.') {
            exact(text)
        } else {
            Err(InvalidDecimal::Form)
        }
    }
}

/// With one decimal at least, and no zero at the end beyond that.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let (whole, mut decimals, mut width) = (magnitude / WHOLE, magnitude % WHOLE, SCALE);
        while width > 1 && decimals % 10 == 0 {
            decimals /= 10;
            width -= 1;
        }
        write!(f, "{sign}{whole}.{decimals:0width$}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn reads_and_shows() {
        for (text, millionths, shown) in [
            ("0.0", 0, "0.0"),
            ("-0.0", 0, "0.0"),
            ("10.5", 10_500_000, "10.5"),
            ("10.50", 10_500_000, "10.5"),
            ("10.000000", 10_000_000, "10.0"),
            ("-0.000001", -1, "-0.000001"),
            ("-1.020300", -1_020_300, "-1.0203"),
            ("9223372036854.775807", i64::MAX, "9223372036854.775807"),
            ("-9223372036854.775808", i64::MIN, "-9223372036854.775808"),
        ] {
            let decimal: Decimal = text.parse().unwrap();
            assert_eq!(
                (decimal.millionths(), &*decimal.to_string()),
                (millionths, shown)
            );
        }
    }

    #[test]
    fn other_words_are_refused() {
        use InvalidDecimal::*;
        for (text, reason) in [
            ("", Form),
            (".", Form),
            ("1", Form),
            ("1.", Form),
            (".5", Form),
            ("-.5", Form),
            ("-", Form),
            ("01.0", Form),
            ("00.0", Form),
            ("-01.0", Form),
            ("+1.0", Form),
            ("--1.0", Form),
            ("1.-0", Form),
            ("1.0000000", Form),
            ("1.0.0", Form),
            ("1,0", Form),
            ("1.0e1", Form),
            ("1e0", Form),
            (" 1.0", Form),
            ("1.0 ", Form),
            ("1_000.0", Form),
            ("0x1.0", Form),
            ("\u{ff11}.0", Form),
            ("NaN", Form),
            ("9223372036854.775808", TooLarge),
            ("-9223372036854.775809", TooLarge),
            ("9223372036855.0", TooLarge),
            ("99999999999999999999999999999999999999999999.0", TooLarge),
        ] {
            assert_eq!(text.parse::<Decimal>(), Err(reason), "{text}");
        }
    }

    fn of(json: &str) -> Option<i64> {
        match serde_json::from_str(json).unwrap() {
            Value::Number(number) => Decimal::from_number(&number).map(Decimal::millionths),
            _ => panic!("{json} is no number"),
        }
    }

    #[test]
    fn a_number_is_what_its_canonical_text_shows() {
        for (json, millionths) in [
            ("0", Some(0)),
            ("-0.0", Some(0)),
            ("1", Some(1_000_000)),
            ("1.0", Some(1_000_000)),
            ("0.1", Some(100_000)),
            ("0.30000000000000004", None),
            ("1e-6", Some(1)),
            ("0.000001", Some(1)),
            ("1e-7", None),
            ("0.0000015", None),
            ("10.5", Some(10_500_000)),
            ("1.0500e1", Some(10_500_000)),
            ("1234567.654321", Some(1_234_567_654_321)),
            ("9223372036854", Some(9_223_372_036_854_000_000)),
            ("-9223372036854", Some(-9_223_372_036_854_000_000)),
            ("9223372036855", None),
            ("9223372036854.5", Some(9_223_372_036_854_500_000)),
            ("9007199254740991", None),
            ("18446744073709551615", None),
            ("1e300", None),
        ] {
            assert_eq!(of(json), millionths, "{json}");
        }
    }

    /// What a text of this form is in millionths, in arithmetic wide enough for every text of the tests.
    fn wide(text: &str) -> i128 {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let decimals = text
            .split_once('.')
            .map_or(0, |(_, decimals)| decimals.len());
        let magnitude =
            digits.parse::<i128>().unwrap() * 10i128.pow(6 - u32::try_from(decimals).unwrap());
        if text.starts_with('-') {
            -magnitude
        } else {
            magnitude
        }
    }

    proptest! {
        #[test]
        fn texts_agree_with_wide_arithmetic(text in "-?(0|[1-9][0-9]{0,15})\\.[0-9]{1,6}") {
            let expected = i64::try_from(wide(&text)).map_err(|_| InvalidDecimal::TooLarge);
            prop_assert_eq!(text.parse().map(Decimal::millionths), expected);
        }

        #[test]
        fn what_is_shown_is_the_shortest_text_of_the_same_number(millionths: i64) {
            let shown = Decimal::from_millionths(millionths).to_string();
            prop_assert_eq!(wide(&shown), i128::from(millionths));
            prop_assert!(!shown.ends_with('0') || shown.ends_with(".0"));
            prop_assert_eq!(shown.parse::<Decimal>().map(Decimal::millionths), Ok(millionths));
        }

        #[test]
        fn order_is_that_of_numbers(a: i64, b: i64) {
            let (one, other) = (Decimal::from_millionths(a), Decimal::from_millionths(b));
            prop_assert_eq!(one.cmp(&other), a.cmp(&b));
        }

        #[test]
        fn every_short_number_is_exact(millionths in -999_999_999_999_999i64..=999_999_999_999_999) {
            // Fifteen digits: as many as a double keeps (DBL_DIG), so its text has the same ones.
            let shown = Decimal::from_millionths(millionths).to_string();
            prop_assert_eq!(of(&shown), Some(millionths));
        }

        #[test]
        fn no_number_is_rounded(number in prop_oneof![any::<f64>(), -1e13..1e13, -10.0..10.0]) {
            let Some(number) = Number::from_f64(number) else { return Ok(()) };
            let text = serde_json_canonicalizer::to_string(&number).unwrap();
            if let Some(decimal) = Decimal::from_number(&number) {
                prop_assert_eq!(wide(&text), i128::from(decimal.millionths()));
            } else {
                let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
                prop_assert!(text.contains('e') || decimals > 6 || i64::try_from(wide(&text)).is_err());
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = text.parse::<Decimal>();
        }
    }
}
