//! A text with signatures under it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{KeyName, NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, NoteError, NoteSigner, NoteVerifier};
use crate::Signature;

/// What every signature line starts with: an em dash and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

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

impl SignedNote {
    /// For signing; a note without a signature is none yet.
    pub(super) fn unsigned(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            signatures: Vec::new(),
        }
    }

    /// Adds the signature of one more signer.
    ///
    /// # Errors
    /// [`NoteError::SignatureCount`].
    pub fn add(&mut self, signer: &NoteSigner) -> Result<(), NoteError> {
        if self.signatures.len() >= NOTE_SIGNATURES_MAX {
            return Err(NoteError::SignatureCount);
        }
        self.signatures.push(NoteSignature {
            name: signer.name().clone(),
            hash: signer.verifier().hash(),
            bytes: signer.signature(&self.text).as_bytes().to_vec(),
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
                if *verifier.name() != signature.name || verifier.hash() != signature.hash {
                    continue;
                }
                Signature::try_from(signature.bytes.as_slice())
                    .ok()
                    .and_then(|bytes| verifier.key().verify(self.text.as_bytes(), &bytes).ok())
                    .ok_or_else(|| NoteError::BadSignature {
                        name: verifier.name().clone(),
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

pub(super) fn checked_text(text: &str) -> Result<&str, NoteError> {
    if text.len() > NOTE_BYTES_MAX {
        return Err(NoteError::TooLarge);
    }
    let control = text.bytes().any(|b| b < 0x20 && b != b'\n');
    if control || !text.ends_with('\n') {
        return Err(NoteError::Text);
    }
    Ok(text)
}
