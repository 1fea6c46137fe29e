//! An Ed25519 signature.

use crate::hexadecimal::{decode, hex_text};

/// Bytes in a signature (RFC 8032 section 5.1.6).
pub const SIGNATURE_BYTES: usize = 64;

/// An Ed25519 signature: 64 bytes that prove nothing until verified. Written as 128 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature([u8; SIGNATURE_BYTES]);

/// Text or bytes that are no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a signature is 64 bytes, or 128 lower-case hex digits")]
pub struct InvalidSignature;

impl Signature {
    /// From its 64 bytes.
    pub const fn from_bytes(bytes: [u8; SIGNATURE_BYTES]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    pub fn as_bytes(&self) -> &[u8; SIGNATURE_BYTES] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Signature {
    type Error = InvalidSignature;

    fn try_from(bytes: &[u8]) -> Result<Self, InvalidSignature> {
        bytes.try_into().map(Self).map_err(|_| InvalidSignature)
    }
}

hex_text!(Signature, InvalidSignature, |text| decode(text)
    .map(Signature)
    .ok_or(InvalidSignature));
