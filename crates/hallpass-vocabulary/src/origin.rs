//! Which journal: the random number that every directory of records has to itself.

use std::fmt;
use std::str::FromStr;

/// Text that is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 16 lower-case hex digits")]
pub struct InvalidOrigin;

/// The number of one journal, and so of one verifier: the last part of a journal's name in its checkpoints.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginId(u64);

impl OriginId {
    /// The origin with this number.
    pub fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for OriginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for OriginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for OriginId {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 16 || !text.bytes().all(digit) {
            return Err(InvalidOrigin);
        }
        u64::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| InvalidOrigin)
    }
}

impl serde::Serialize for OriginId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for OriginId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_lower_case_digits_and_nothing_else() {
        let origin: OriginId = "0011223344556677".parse().unwrap();
        assert_eq!(origin.to_string(), "0011223344556677");
        for bad in [
            "",
            "11223344556677",
            "+011223344556677",
            "001122334455667A",
            "00112233445566778",
        ] {
            assert_eq!(bad.parse::<OriginId>(), Err(InvalidOrigin), "{bad}");
        }
    }
}
