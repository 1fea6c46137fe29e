//! A token as text: `hp1.` and the base64url (RFC 4648 section 5, no padding) of its bytes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// What every token starts with, so that secret scanners find it. Strip it for other Biscuit tools.
pub const PREFIX: &str = "hp1.";

/// A token as text. Whoever has it can use it, and if it is unsealed pass it on, so `Debug` hides it and it is wiped
/// when dropped.
pub struct TokenText(Zeroizing<String>);

impl TokenText {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(PREFIX.len() + (bytes.len() * 4).div_ceil(3));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
        Self(Zeroizing::new(text))
    }

    /// The text, for the one place that sends or stores it. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hp1.…(redacted)")
    }
}

/// The bytes of the text after the prefix; `None` when it is not canonical base64url.
pub(crate) fn decode(encoded: &str) -> Option<Zeroizing<Vec<u8>>> {
    URL_SAFE_NO_PAD.decode(encoded).ok().map(Zeroizing::new)
}

/// The secret of the key that may sign the next block of a token: 32 bytes nobody can guess, used once, wiped when
/// dropped.
pub struct NextSecret(Zeroizing<[u8; 32]>);

impl NextSecret {
    /// From 32 random bytes (`hallpass_keys::random_bytes`); only tests choose them.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn signing_key(&self) -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&self.0)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for NextSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NextSecret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let text = TokenText::of(b"some bytes");
        assert_eq!(text.expose(), "hp1.c29tZSBieXRlcw");
        assert_eq!(format!("{text:?}"), "hp1.…(redacted)");
        assert_eq!(
            format!("{:?}", NextSecret::from_random([7; 32])),
            "NextSecret(redacted)"
        );
    }

    #[test]
    fn only_the_canonical_spelling_decodes() {
        assert!(decode("c29tZSBieXRlcw").is_some());
        for bad in [
            "c29tZSBieXRlcw==",
            "c29tZSBieXRlcx",
            "c29tZSBieXRlc",
            "c29t ZSBieXRlcw",
            "c29tZSBie+/lcw",
        ] {
            assert!(decode(bad).is_none(), "{bad}");
        }
    }
}
