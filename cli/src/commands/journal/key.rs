//! The key of a journal, as it is given.

use std::str::FromStr;

use hallpass_journal::proof::Signer;
use hallpass_keys::VerifyingKey;
use hallpass_keys::note::NoteVerifier;

/// A key given to check with.
#[derive(Debug, Clone)]
pub(crate) enum JournalKey {
    /// With the name of the journal it belongs to.
    Named(NoteVerifier),
    /// By itself.
    Bare(VerifyingKey),
}

/// Text that is no such key.
#[derive(Debug, Clone, thiserror::Error)]
#[error("expected the text of a `journal.vkey` (`name+hash+base64`) or 64 hex digits")]
pub(crate) struct InvalidJournalKey;

impl FromStr for JournalKey {
    type Err = InvalidJournalKey;

    fn from_str(text: &str) -> Result<Self, InvalidJournalKey> {
        let text = text.trim();
        text.parse()
            .map(Self::Named)
            .or_else(|_| text.parse().map(Self::Bare))
            .map_err(|_| InvalidJournalKey)
    }
}

impl JournalKey {
    pub(crate) fn key(&self) -> VerifyingKey {
        match self {
            Self::Named(verifier) => *verifier.key(),
            Self::Bare(key) => *key,
        }
    }

    /// Whether a journal of this origin may be signed by it.
    pub(crate) fn is_for(&self, origin: &str) -> bool {
        match self {
            Self::Named(verifier) => verifier.name().as_str() == origin,
            Self::Bare(_) => true,
        }
    }

    /// As whom a proof must be signed by.
    pub(crate) fn signer(&self) -> Signer {
        match self {
            Self::Named(verifier) => Signer::Journal(verifier.clone()),
            Self::Bare(key) => Signer::Key(*key),
        }
    }
}
