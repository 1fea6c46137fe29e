//! The digest of a body, as a header has it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{CONTENT_DIGEST_HEADER, HttpSignatureError};
use crate::Digest;

/// What stands around the base64 of the digest.
const START: &str = "sha-256=:";
const END: &str = ":";

/// The value of a `Content-Digest` header (RFC 9530) with exactly one SHA-256: `sha-256=:…:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentDigest(Digest);

impl ContentDigest {
    /// The digest of a body; of the empty one where there is none.
    pub fn of(body: &[u8]) -> Self {
        Self(Digest::of(body))
    }

    /// Reads a header's value.
    ///
    /// # Errors
    /// [`HttpSignatureError::Malformed`], for anything but the one form.
    pub fn parse(value: &str) -> Result<Self, HttpSignatureError> {
        let read = || {
            let encoded = value.strip_prefix(START)?.strip_suffix(END)?;
            // Before decoding: 32 bytes have 44 characters.
            let bytes = (encoded.len() == 44).then(|| STANDARD.decode(encoded).ok())??;
            Some(Self(Digest::from_bytes(bytes.try_into().ok()?)))
        };
        read().ok_or(HttpSignatureError::Malformed(CONTENT_DIGEST_HEADER))
    }

    /// Whether this is the digest of these bytes.
    pub fn matches(&self, body: &[u8]) -> bool {
        *self == Self::of(body)
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{START}{}{END}", STANDARD.encode(self.0.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9530 appendix D has both bodies, with and without the line end.
    #[test]
    fn is_the_digest_that_the_standard_shows() {
        for (body, value) in [
            (
                &b"{\"hello\": \"world\"}"[..],
                "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
            ),
            (
                b"{\"hello\": \"world\"}\n",
                "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
            ),
            (
                b"",
                "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
            ),
        ] {
            assert_eq!(ContentDigest::of(body).to_string(), value);
            let read = ContentDigest::parse(value).unwrap();
            assert!(read.matches(body) && !read.matches(b"other"));
        }
    }

    #[test]
    fn has_one_form() {
        let good = ContentDigest::of(b"").to_string();
        for bad in [
            String::new(),
            good.replace("sha-256", "sha-512"),
            good.replace("sha-256", "SHA-256"),
            good.trim_end_matches(':').to_owned(),
            format!("{good}, {good}"),
            format!(" {good}"),
            good.replace("FU=:", "FU:"),
            good.replace("FU=:", "FV=:"),
            good.replace('+', "-"),
        ] {
            assert_eq!(
                ContentDigest::parse(&bad),
                Err(HttpSignatureError::Malformed("content-digest")),
                "{bad}"
            );
        }
    }
}
