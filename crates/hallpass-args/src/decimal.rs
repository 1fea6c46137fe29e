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
