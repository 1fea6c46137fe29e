//! One tool call, as every layer sees it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use hallpass_vocabulary::{Audience, RequestId, ToolName};

use crate::{Arguments, TraceParent};

/// The longest idempotency key, in bytes: the length Stripe and the IETF draft's examples stay under.
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;

/// A caller's name for "this change, once" (the `Idempotency-Key` header): 1 to 128 printable ASCII characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(Arc<str>);

/// A text that is no idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an idempotency key must be 1 to {IDEMPOTENCY_KEY_BYTES_MAX} printable ASCII characters without spaces"
)]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// A key nobody else has, from 16 random bytes: their 32 hex digits.
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(random)).into())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let length_fits = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&text.len());
        if length_fits && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidIdempotencyKey)
        }
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One call of one tool. Says nothing of who calls: that is the token's part.
#[derive(Debug, Clone)]
pub struct ToolCall {
    /// The service called.
    pub audience: Audience,
    /// The tool called.
    pub tool: ToolName,
    /// Its arguments.
    pub args: Arguments,
    /// The receiver's number for this request.
    pub request_id: RequestId,
    /// The caller's name for "this change, once".
    pub idempotency_key: Option<IdempotencyKey>,
    /// Where the call belongs in a distributed trace.
    pub trace: Option<TraceParent>,
    /// Which try this is, counted from one, where the caller says.
    pub attempt: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idempotency_keys_are_short_and_printable() {
        assert!(
            "8e03978e-40d5-43dd-bc93-6894a57f9324"
                .parse::<IdempotencyKey>()
                .is_ok()
        );
        let random = IdempotencyKey::from_random([7; 16]);
        assert_eq!(random.as_str().parse(), Ok(random.clone()));
        assert_eq!(random.as_str(), "07".repeat(16));
        for bad in ["", "a b", "a\nb", "\u{e9}", &"k".repeat(129)] {
            assert!(bad.parse::<IdempotencyKey>().is_err(), "{bad:?}");
        }
    }
}
