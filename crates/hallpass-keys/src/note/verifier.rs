//! Who may have signed a note.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{KeyName, NoteError};
use crate::VerifyingKey;

/// The signature type of Ed25519.
const ED25519: u8 = 0x01;

/// Verifies the notes of one signer. Written as `name+hash+base64`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NoteVerifier {
    name: KeyName,
    hash: u32,
    key: VerifyingKey,
}

impl NoteVerifier {
    /// Verifies notes under this name with this key.
    pub fn new(name: KeyName, key: VerifyingKey) -> Self {
        let hash = key_hash(&name, &key);
        Self { name, hash, key }
    }

    /// The name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    pub(super) fn hash(&self) -> u32 {
        self.hash
    }

    /// The key.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }
}

impl fmt::Display for NoteVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed = vec![ED25519];
        typed.extend_from_slice(self.key.as_bytes());
        write!(
            f,
            "{}+{:08x}+{}",
            self.name,
            self.hash,
            STANDARD.encode(typed)
        )
    }
}

impl FromStr for NoteVerifier {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(typed)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(NoteError::VerifierKey);
        };
        let typed = STANDARD.decode(typed).map_err(|_| NoteError::VerifierKey)?;
        let Some((&ED25519, key)) = typed.split_first() else {
            return Err(NoteError::VerifierKey);
        };
        let key = key
            .try_into()
            .ok()
            .and_then(|bytes| VerifyingKey::from_bytes(bytes).ok())
            .ok_or(NoteError::VerifierKey)?;
        let verifier = Self::new(KeyName::new(name)?, key);
        // Compared as text, so that there is one spelling.
        if format!("{:08x}", verifier.hash) != hash {
            return Err(NoteError::VerifierKey);
        }
        Ok(verifier)
    }
}

/// The first four bytes of SHA-256 over the name, a newline, the signature type and the key.
fn key_hash(name: &KeyName, key: &VerifyingKey) -> u32 {
    let digest = Sha256::new()
        .chain_update(name.as_str())
        .chain_update([b'\n', ED25519])
        .chain_update(key.as_bytes())
        .finalize();
    digest
        .first_chunk()
        .map_or(0, |first| u32::from_be_bytes(*first))
}
