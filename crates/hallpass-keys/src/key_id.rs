//! The name of a public key.

use sha2::{Digest as _, Sha256};

use crate::hexadecimal::{decode, hex_text};

/// The name of a public key: the SHA-256 of its 32 raw bytes. Written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

/// Text that is no key id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key id is 64 lower-case hex digits")]
pub struct InvalidKeyId;

impl KeyId {
    pub(crate) fn of(public_key: &[u8; 32]) -> Self {
        Self(Sha256::digest(public_key).into())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first four bytes, big-endian: the `root_key_id` of a token. A hint for finding the key, never proof of it.
    pub fn hint(&self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }
}

hex_text!(KeyId, InvalidKeyId, |text| decode(text)
    .map(KeyId)
    .ok_or(InvalidKeyId));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_sha_256_of_the_raw_key() {
        let id = KeyId::of(&[0; 32]);
        // SHA-256 of 32 zero bytes.
        assert_eq!(
            id.to_string(),
            "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"
        );
        assert_eq!(id.hint(), 0x6668_7aad);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn refuses_another_spelling() {
        let upper = KeyId::of(&[0; 32]).to_string().to_uppercase();
        assert_eq!(upper.parse::<KeyId>(), Err(InvalidKeyId));
    }
}
