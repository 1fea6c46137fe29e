//! Signed notes: a text, a blank line, and one line per signature.
//!
//! <https://c2sp.org/signed-note>, Ed25519 (type 0x01) only. Journals sign their checkpoints this way, so that tools
//! of the transparency-log world check them without us.

mod signed;
mod signer;
mod verifier;

use std::fmt;

pub use signed::SignedNote;
pub use signer::NoteSigner;
pub use verifier::NoteVerifier;

/// The largest note read, in bytes: the limit of Go's `note` package. A checkpoint has a few hundred.
pub const NOTE_BYTES_MAX: usize = 1_000_000;
/// The most signature lines read: the limit of Go's `note` package.
pub const NOTE_SIGNATURES_MAX: usize = 100;
/// The longest key name, in bytes. Room for a host name and a path.
pub const KEY_NAME_BYTES_MAX: usize = 255;

/// The name of a key in notes, such as `dev.example/journal/tickets`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// The text form of a verifier, or a note, that cannot be made, read or believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// An empty or overlong name, or one with a space, a control character or a plus.
    #[error("a key name has 1 to {KEY_NAME_BYTES_MAX} bytes without spaces or `+`")]
    KeyName,
    /// Not `name+hash+base64` of an Ed25519 key, or the hash is not that of name and key.
    #[error("not an Ed25519 verifier key (`name+hash+base64`)")]
    VerifierKey,
    /// Larger than [`NOTE_BYTES_MAX`].
    #[error("the note is larger than {NOTE_BYTES_MAX} bytes")]
    TooLarge,
    /// The text does not end in a newline, or holds control characters.
    #[error("the text of a note ends in a newline and holds no control characters")]
    Text,
    /// Not text, a blank line, and signature lines.
    #[error("not a signed note")]
    Malformed,
    /// No signature, or more than [`NOTE_SIGNATURES_MAX`].
    #[error("a note has 1 to {NOTE_SIGNATURES_MAX} signatures")]
    SignatureCount,
    /// A signature of a known key does not verify.
    #[error("the signature of `{name}` does not verify")]
    BadSignature {
        /// The known key.
        name: KeyName,
    },
    /// No known key has signed.
    #[error("no known key has signed the note")]
    Unsigned,
}

impl KeyName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`NoteError::KeyName`].
    pub fn new(text: &str) -> Result<Self, NoteError> {
        let valid = (1..=KEY_NAME_BYTES_MAX).contains(&text.len())
            && !text
                .chars()
                .any(|c| c.is_whitespace() || c.is_control() || c == '+');
        valid
            .then(|| Self(text.to_owned()))
            .ok_or(NoteError::KeyName)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
