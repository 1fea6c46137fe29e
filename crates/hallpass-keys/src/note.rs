//! Signed notes: a text, a blank line, and one line per signature.
//!
//! <https://c2sp.org/signed-note>, Ed25519 (type 0x01) only. Journals sign their checkpoints this way, so that tools
//! of the transparency-log world check them without us.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::{Signature, SigningKey, VerifyingKey};

/// The largest note read, in bytes: the limit of Go's `note` package. A checkpoint has a few hundred.
pub const NOTE_BYTES_MAX: usize = 1_000_000;
/// The most signature lines read: the limit of Go's `note` package.
pub const NOTE_SIGNATURES_MAX: usize = 100;
/// The longest key name, in bytes. Room for a host name and a path.
pub const KEY_NAME_BYTES_MAX: usize = 255;

/// The signature type of Ed25519.
const ED25519: u8 = 0x01;
/// What every signature line starts with: an em dash and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

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

/// Signs notes under a name.
#[derive(Debug)]
pub struct NoteSigner {
    name: KeyName,
    key: SigningKey,
}

/// Verifies the notes of one signer. Written as `name+hash+base64`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NoteVerifier {
    name: KeyName,
    hash: u32,
    key: VerifyingKey,
}

/// A text and its signature lines. Nothing in it is to be believed before [`SignedNote::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NoteSignature {
    name: KeyName,
    hash: u32,
    // Of any length: other signature types have others.
    bytes: Vec<u8>,
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
        let mut note = SignedNote {
            text: checked_text(text)?.to_owned(),
            signatures: Vec::new(),
        };
        note.add(self)?;
        Ok(note)
    }
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

impl SignedNote {
    /// Adds the signature of one more signer.
    ///
    /// # Errors
    /// [`NoteError::SignatureCount`].
    pub fn add(&mut self, signer: &NoteSigner) -> Result<(), NoteError> {
        if self.signatures.len() >= NOTE_SIGNATURES_MAX {
            return Err(NoteError::SignatureCount);
        }
        self.signatures.push(NoteSignature {
            name: signer.name.clone(),
            hash: signer.verifier().hash,
            bytes: signer.key.sign(self.text.as_bytes()).as_bytes().to_vec(),
        });
        Ok(())
    }

    /// Reads a note.
    ///
    /// # Errors
    /// When it is not exactly of the form, or too large.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLarge);
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::Malformed)?;
        // The last blank line: the text itself may hold others.
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Malformed)?;
        let text = note
            .get(..text.len() + 1)
            .ok_or(NoteError::Malformed)
            .and_then(checked_text)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        if lines.split('\n').count() > NOTE_SIGNATURES_MAX {
            return Err(NoteError::SignatureCount);
        }
        Ok(Self {
            text: text.to_owned(),
            signatures: lines
                .split('\n')
                .map(NoteSignature::parse)
                .collect::<Result<_, _>>()?,
        })
    }

    /// The text before verification. For showing, never for acting on.
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// The text, if at least one of these has signed it. Signatures of others do not matter.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`], and [`NoteError::BadSignature`] when one of these is named and has not signed.
    pub fn verify(&self, verifiers: &[NoteVerifier]) -> Result<&str, NoteError> {
        self.signed_by(verifiers).map(|_| self.text.as_str())
    }

    /// Which of these have signed: at least one, each once.
    ///
    /// # Errors
    /// As [`SignedNote::verify`].
    pub fn signed_by<'v>(
        &self,
        verifiers: &'v [NoteVerifier],
    ) -> Result<Vec<&'v NoteVerifier>, NoteError> {
        let mut signed: Vec<&NoteVerifier> = Vec::new();
        for signature in &self.signatures {
            for verifier in verifiers {
                if verifier.name != signature.name || verifier.hash != signature.hash {
                    continue;
                }
                Signature::try_from(signature.bytes.as_slice())
                    .ok()
                    .and_then(|bytes| verifier.key.verify(self.text.as_bytes(), &bytes).ok())
                    .ok_or_else(|| NoteError::BadSignature {
                        name: verifier.name.clone(),
                    })?;
                if !signed.contains(&verifier) {
                    signed.push(verifier);
                }
            }
        }
        if signed.is_empty() {
            return Err(NoteError::Unsigned);
        }
        Ok(signed)
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            let mut bytes = signature.hash.to_be_bytes().to_vec();
            bytes.extend_from_slice(&signature.bytes);
            writeln!(
                f,
                "{SIGNATURE_PREFIX}{} {}",
                signature.name,
                STANDARD.encode(bytes)
            )?;
        }
        Ok(())
    }
}

impl FromStr for SignedNote {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        Self::parse(text.as_bytes())
    }
}

impl NoteSignature {
    fn parse(line: &str) -> Result<Self, NoteError> {
        let (name, encoded) = line
            .strip_prefix(SIGNATURE_PREFIX)
            .and_then(|rest| rest.split_once(' '))
            .ok_or(NoteError::Malformed)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::Malformed)?;
        match bytes.split_first_chunk() {
            Some((hash, rest)) if !rest.is_empty() => Ok(Self {
                name: KeyName::new(name).map_err(|_| NoteError::Malformed)?,
                hash: u32::from_be_bytes(*hash),
                bytes: rest.to_vec(),
            }),
            _ => Err(NoteError::Malformed),
        }
    }
}

fn checked_text(text: &str) -> Result<&str, NoteError> {
    if text.len() > NOTE_BYTES_MAX {
        return Err(NoteError::TooLarge);
    }
    let control = text.bytes().any(|b| b < 0x20 && b != b'\n');
    if control || !text.ends_with('\n') {
        return Err(NoteError::Text);
    }
    Ok(text)
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
