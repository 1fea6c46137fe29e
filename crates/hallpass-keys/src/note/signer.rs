//! Signing notes.

use super::signed::checked_text;
use super::{KeyName, NoteError, NoteVerifier, SignedNote};
use crate::{Signature, SigningKey};

/// Signs notes under a name.
#[derive(Debug)]
pub struct NoteSigner {
    name: KeyName,
    key: SigningKey,
}

impl NoteSigner {
    /// Signs under this name with this key.
    pub fn new(name: KeyName, key: SigningKey) -> Self {
        Self { name, key }
    }

    /// What verifies the notes of this signer.
    pub fn verifier(&self) -> NoteVerifier {
        NoteVerifier::new(self.name.clone(), self.key.verifying_key())
    }

    /// Signs a text, which must end in a newline.
    ///
    /// # Errors
    /// [`NoteError::Text`] and [`NoteError::TooLarge`].
    pub fn sign(&self, text: &str) -> Result<SignedNote, NoteError> {
        let mut note = SignedNote::unsigned(checked_text(text)?);
        note.add(self)?;
        Ok(note)
    }

    pub(super) fn name(&self) -> &KeyName {
        &self.name
    }

    pub(super) fn signature(&self, text: &str) -> Signature {
        self.key.sign(text.as_bytes())
    }
}
