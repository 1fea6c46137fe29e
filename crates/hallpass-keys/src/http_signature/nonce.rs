//! What makes a signed request unlike any other.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Random bytes in a nonce of ours: no two requests ever share one.
pub const NONCE_RANDOM_BYTES: usize = 16;
/// The fewest characters of a nonce: those of [`NONCE_RANDOM_BYTES`] in base64url.
pub const NONCE_CHARS_MIN: usize = 22;
/// The most characters of a nonce: it is stored.
pub const NONCE_CHARS_MAX: usize = 64;

/// A nonce: 22 to 64 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(String);

/// Text that is no nonce.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a nonce is {NONCE_CHARS_MIN} to {NONCE_CHARS_MAX} characters of base64url")]
pub struct InvalidNonce;

impl Nonce {
    /// A nonce from random bytes.
    pub fn from_random(bytes: [u8; NONCE_RANDOM_BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The nonce as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Nonce {
    type Err = InvalidNonce;

    fn from_str(text: &str) -> Result<Self, InvalidNonce> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let valid =
            (NONCE_CHARS_MIN..=NONCE_CHARS_MAX).contains(&text.len()) && text.bytes().all(plain);
        valid.then(|| Self(text.to_owned())).ok_or(InvalidNonce)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
