//! Keyed digests: a plain hash of small arguments can be guessed, one under a secret key cannot.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// Bytes in the key: the output size of the hash (RFC 2104 section 3).
pub(crate) const DIGEST_KEY_BYTES: usize = 32;

/// HMAC-SHA-256 under the secret of one journal. Written as `hmac-sha256:` and 64 lower-case hex digits.
///
/// Made by [`Journal::digest`](crate::Journal::digest); equal inputs have equal digests within one journal only.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArgumentsDigest([u8; 32]);

/// Text that is no keyed digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a keyed digest is `hmac-sha256:` and 64 lower-case hex digits")]
pub struct InvalidArgumentsDigest;

/// The secret of one journal.
pub(crate) struct DigestKey(Hmac<Sha256>);

impl DigestKey {
    pub(crate) fn new(secret: &[u8; DIGEST_KEY_BYTES]) -> Option<Self> {
        // A key of any length is accepted; the error type is shared with other constructions.
        Hmac::new_from_slice(secret).ok().map(Self)
    }

    pub(crate) fn digest(&self, bytes: &[u8]) -> ArgumentsDigest {
        self.digest_parts(&[bytes])
    }

    /// The digest of these bytes one after the other.
    pub(crate) fn digest_parts(&self, parts: &[&[u8]]) -> ArgumentsDigest {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        ArgumentsDigest(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey")
    }
}

impl fmt::Display for ArgumentsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 64];
        // Sixty-four digits of thirty-two bytes always fit.
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
        f.write_str("hmac-sha256:")?;
        f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for ArgumentsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ArgumentsDigest {
    type Err = InvalidArgumentsDigest;

    fn from_str(text: &str) -> Result<Self, InvalidArgumentsDigest> {
        let mut bytes = [0; 32];
        let digits = text
            .strip_prefix("hmac-sha256:")
            .filter(|digits| !digits.bytes().any(|b| b.is_ascii_uppercase()))
            .ok_or(InvalidArgumentsDigest)?;
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| InvalidArgumentsDigest)?;
        Ok(Self(bytes))
    }
}

impl serde::Serialize for ArgumentsDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ArgumentsDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_hmac_as_in_rfc_4231_test_case_2_and_depends_on_the_key() {
        let rfc = DigestKey(Hmac::new_from_slice(b"Jefe").unwrap());
        let digest = rfc.digest(b"what do ya want for nothing?");
        assert_eq!(
            digest.to_string(),
            "hmac-sha256:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(digest.to_string().parse(), Ok(digest));
        let one = DigestKey::new(&[1; 32]).unwrap();
        let other = DigestKey::new(&[2; 32]).unwrap();
        assert_ne!(one.digest(b"x"), other.digest(b"x"));
        assert_eq!(format!("{one:?}"), "DigestKey");
    }
}
