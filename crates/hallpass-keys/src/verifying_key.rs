//! The public half of a key.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use crate::hexadecimal::{decode, hex_text};
use crate::{KeyId, Signature};

/// Bytes in a public key (RFC 8032 section 5.1.5).
pub const PUBLIC_KEY_BYTES: usize = 32;

/// An Ed25519 public key: a canonically encoded curve point that is not of small order. Written as 64 lower-case hex
/// digits.
///
/// The point is decompressed once, here, so verifying does not pay for it again.
#[derive(Clone, Copy)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

/// Bytes or text that are no acceptable public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// Not 64 lower-case hex digits.
    #[error("a public key is 64 lower-case hex digits")]
    NotHex,
    /// Not the canonical encoding of a point on the curve.
    #[error("the public key is not a canonical curve point")]
    NotAPoint,
    /// A point of small order: a signature under it proves nothing.
    #[error("the public key is weak (of small order)")]
    Weak,
}

/// The signature is not one of this key over this message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

impl VerifyingKey {
    /// From its 32 bytes.
    ///
    /// # Errors
    /// [`InvalidKey::NotAPoint`] and [`InvalidKey::Weak`].
    pub fn from_bytes(bytes: &[u8; PUBLIC_KEY_BYTES]) -> Result<Self, InvalidKey> {
        if !has_canonical_y(bytes) {
            return Err(InvalidKey::NotAPoint);
        }
        let key =
            ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| InvalidKey::NotAPoint)?;
        if key.is_weak() {
            return Err(InvalidKey::Weak);
        }
        Ok(Self(key))
    }

    // Only for the public half of a secret, which is canonical and of large order by construction.
    pub(crate) fn from_dalek(key: ed25519_dalek::VerifyingKey) -> Self {
        Self(key)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        self.0.as_bytes()
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        KeyId::of(self.as_bytes())
    }

    /// Verifies a signature strictly: no malleable `S`, no small-order or non-canonical `R`.
    ///
    /// # Errors
    /// [`BadSignature`], which does not say why.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        self.0
            .verify_strict(message, &signature)
            .map_err(|_| BadSignature)
    }
}

/// Whether the `y` of an encoded point is below the field prime 2^255 - 19. The curve library reduces it silently,
/// which would give one key two encodings, and so two ids.
fn has_canonical_y(bytes: &[u8; PUBLIC_KEY_BYTES]) -> bool {
    let [low, middle @ .., high] = bytes;
    let at_least_prime =
        *low >= 0xed && middle.iter().all(|byte| *byte == 0xff) && high & 0x7f == 0x7f;
    !at_least_prime
}

hex_text!(VerifyingKey, InvalidKey, |text| {
    VerifyingKey::from_bytes(&decode(text).ok_or(InvalidKey::NotHex)?)
});

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for VerifyingKey {}

impl Hash for VerifyingKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl PartialOrd for VerifyingKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for VerifyingKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_weak_and_invalid_points() {
        // y = 1 (the identity), y = 0 (order 4): both of small order.
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(VerifyingKey::from_bytes(&identity), Err(InvalidKey::Weak));
        assert_eq!(VerifyingKey::from_bytes(&[0; 32]), Err(InvalidKey::Weak));
        // y = 2 is on no point.
        let mut two = [0; 32];
        two[0] = 2;
        assert_eq!(VerifyingKey::from_bytes(&two), Err(InvalidKey::NotAPoint));
    }

    #[test]
    fn refuses_a_second_encoding_of_a_point() {
        // Every y from the prime up to 2^255 - 1, with either sign.
        for low in 0xed..=0xff {
            for high in [0x7f, 0xff] {
                let mut bytes = [0xff; 32];
                bytes[0] = low;
                bytes[31] = high;
                assert_eq!(VerifyingKey::from_bytes(&bytes), Err(InvalidKey::NotAPoint));
            }
        }
    }

    #[test]
    fn text_and_json_round_trip() {
        let text = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let key: VerifyingKey = text.parse().unwrap();
        assert_eq!(key.to_string(), text);
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<VerifyingKey>(&json).unwrap(), key);
        assert_eq!(
            text.to_uppercase().parse::<VerifyingKey>(),
            Err(InvalidKey::NotHex)
        );
    }

    #[test]
    fn an_order_needs_no_point() {
        let a: VerifyingKey = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
            .parse()
            .unwrap();
        let b: VerifyingKey = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
            .parse()
            .unwrap();
        assert!(a > b && a == a && a != b);
    }
}
