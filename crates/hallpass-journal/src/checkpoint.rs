//! Checkpoints: size and root of the Merkle log, signed as a note (C2SP signed-note over tlog-checkpoint).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_keys::note::{NoteError, NoteSigner, NoteVerifier, SignedNote};

use crate::merkle::{Hash, Tree};

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The unique name of the journal.
    pub origin: String,
    /// How many records it covers.
    pub size: u64,
    /// The root of their Merkle tree.
    pub root: Hash,
}

/// A checkpoint that cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// No note, or not signed by the journal's key.
    #[error("the checkpoint is not signed by the key of this journal")]
    Note(#[from] NoteError),
    /// Signed, but not an origin, a size and a root.
    #[error("the checkpoint is signed but has no origin, size and root")]
    Body,
    /// Signed for another journal.
    #[error("the checkpoint belongs to the journal `{found}`")]
    Origin {
        /// The origin it names.
        found: String,
    },
}

impl Checkpoint {
    /// What a tree is now.
    pub(crate) fn of(origin: &str, tree: &Tree) -> Self {
        Self {
            origin: origin.to_owned(),
            size: tree.size(),
            root: tree.root(),
        }
    }

    /// The signed text: the content of the file `checkpoint`.
    pub(crate) fn sign(&self, signer: &NoteSigner) -> Result<String, NoteError> {
        let body = format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            STANDARD.encode(self.root)
        );
        Ok(signer.sign(&body)?.to_string())
    }

    /// Reads a checkpoint and verifies that the journal of this name and key signed it.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn verify(bytes: &[u8], verifier: &NoteVerifier) -> Result<Self, CheckpointError> {
        let note = SignedNote::parse(bytes)?;
        let text = note.verify(std::slice::from_ref(verifier))?;
        let checkpoint = Self::parse(text).ok_or(CheckpointError::Body)?;
        if checkpoint.origin != verifier.name().as_str() {
            return Err(CheckpointError::Origin {
                found: checkpoint.origin,
            });
        }
        Ok(checkpoint)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let origin = lines.next().filter(|origin| !origin.is_empty())?;
        let size_text = lines.next()?;
        let size: u64 = size_text.parse().ok()?;
        let root_text = lines.next()?;
        let root: Hash = STANDARD.decode(root_text).ok()?.try_into().ok()?;
        // One spelling only, and no extension lines: nothing we do not understand is signed by us.
        (lines.next().is_none() && size.to_string() == size_text).then(|| Self {
            origin: origin.to_owned(),
            size,
            root,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hallpass_keys::note::KeyName;
    use hallpass_keys::{Purpose, SigningKey};
    use hallpass_vocabulary::Environment;

    fn signer(name: &str, seed: u8) -> NoteSigner {
        let key = SigningKey::from_seed(
            Purpose::Journal,
            Environment::new("test").unwrap(),
            [seed; 32],
        );
        NoteSigner::new(KeyName::new(name).unwrap(), key)
    }

    #[test]
    fn what_was_signed_is_read_back_and_only_for_its_journal_and_key() {
        let ours = signer("hallpass/test/a/0", 1);
        let checkpoint = Checkpoint::of("hallpass/test/a/0", &Tree::of(&[[7; 32]]));
        let text = checkpoint.sign(&ours).unwrap();
        assert_eq!(
            Checkpoint::verify(text.as_bytes(), &ours.verifier()),
            Ok(checkpoint.clone())
        );
        for other in [
            signer("hallpass/test/a/0", 2),
            signer("hallpass/test/b/0", 1),
        ] {
            assert!(Checkpoint::verify(text.as_bytes(), &other.verifier()).is_err());
        }
        let foreign = Checkpoint {
            origin: "hallpass/test/b/0".to_owned(),
            ..checkpoint
        };
        assert!(matches!(
            Checkpoint::verify(foreign.sign(&ours).unwrap().as_bytes(), &ours.verifier()),
            Err(CheckpointError::Origin { .. })
        ));
    }

    #[test]
    fn a_signed_body_of_another_form_is_refused() {
        let ours = signer("o", 1);
        let root = STANDARD.encode([7; 32]);
        for body in [
            format!("o\n01\n{root}\n"),
            format!("o\n+1\n{root}\n"),
            format!("o\n1\n{root}\nextension\n"),
            "o\n1\nAAAA\n".to_owned(),
            "o\n1\n".to_owned(),
        ] {
            let note = ours.sign(&body).unwrap().to_string();
            assert_eq!(
                Checkpoint::verify(note.as_bytes(), &ours.verifier()),
                Err(CheckpointError::Body),
                "{body}"
            );
        }
    }
}
