//! Identifiers: a prefix that says what they name, and a UUID version 7 (RFC 9562) in 32 lower-case hex digits.
//!
//! The time in them orders logs; it decides nothing. Time and randomness are arguments, so that tests repeat.

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;

/// An identifier that is not of its form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `{prefix}` and 32 lower-case hex digits")]
pub struct InvalidId {
    prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// What every text form starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new identifier from the time and ten random bytes.
            pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
                let unix_ms = u64::try_from(now.unix_ms()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid().as_u128())
            }

            /// The 128 bits, for compact lookups.
            pub fn as_u128(self) -> u128 {
                self.0
            }

            /// The identifier of these bits; nothing when they are no UUID version 7.
            pub fn from_u128(bits: u128) -> Option<Self> {
                is_version_seven(bits).then_some(Self(bits))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{:032x}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse($prefix, text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// One minted token: its identity for revocation, deduplication and audit.
    TokenId, "tok_"
);
id!(
    /// One agent run; may outlive many tokens.
    RunId, "run_"
);
id!(
    /// One decision of a verifier.
    DecisionId, "dec_"
);
id!(
    /// One request as its receiver numbered it.
    RequestId, "req_"
);

id!(
    /// One stop: what operators lift by name.
    StopId, "stop_"
);

fn parse(prefix: &'static str, text: &str) -> Result<u128, InvalidId> {
    let digits = text.strip_prefix(prefix).ok_or(InvalidId { prefix })?;
    let well_formed = digits.len() == 32
        && digits
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let bits = u128::from_str_radix(digits, 16)
        .ok()
        .filter(|_| well_formed)
        .ok_or(InvalidId { prefix })?;
    if is_version_seven(bits) {
        Ok(bits)
    } else {
        Err(InvalidId { prefix })
    }
}

/// The version nibble and the two variant bits of RFC 9562: anything else was not minted by this vocabulary.
fn is_version_seven(bits: u128) -> bool {
    (bits >> 76) & 0xf == 7 && (bits >> 62) & 0b11 == 0b10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_sorts_by_time() {
        let early = TokenId::new(Timestamp::from_unix_ms(1_700_000_000_000), [0xff; 10]);
        let late = TokenId::new(Timestamp::from_unix_ms(1_700_000_000_001), [0; 10]);
        assert_eq!(early.to_string().parse(), Ok(early));
        assert!(early < late && early.to_string() < late.to_string());
    }

    #[test]
    fn refuses_what_is_not_canonical() {
        let good = DecisionId::new(Timestamp::from_unix_ms(1_700_000_000_000), [7; 10]).to_string();
        for bad in [
            good.to_uppercase(),
            good.replace("dec_", "tok_"),
            format!("{good}0"),
            good.trim_end_matches(|_| true).to_owned(),
            "dec_0000000000000000000000000000000g".to_owned(),
            "dec_00000000000000000000000000000000".to_owned(),
            "dec_+0000000000000000000000000000000".to_owned(),
            String::new(),
        ] {
            assert!(bad.parse::<DecisionId>().is_err(), "{bad}");
        }
    }
}
