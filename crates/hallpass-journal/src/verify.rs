//! Checking a journal from its files alone: nobody needs to be asked, and nothing is written.
//!
//! What is proven: every record up to the signed size is the one that was signed, none is missing, and none was put
//! in. Records above it are whole, and nothing more is known of them; a live journal always has a few. A whole
//! directory replaced by an older copy of itself is found only by comparing with a checkpoint kept elsewhere.

use std::io;
use std::path::{Path, PathBuf};

use hallpass_keys::note::{KeyName, NoteVerifier, SignedNote};
use hallpass_keys::{KeyId, VerifyingKey};

use crate::directory::{self, CHECKPOINT, VERIFIER_KEY};
use crate::scan::{Start, Visited, scan};
use crate::{Checkpoint, CheckpointError, Damage, OsStorage, TornTail};

/// A journal that is what it was when it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its unique name.
    pub origin: String,
    /// The key that signed it.
    pub key: KeyId,
    /// Whether the key was given. The directory's own key proves less: whoever replaced everything replaced it too.
    pub key_was_given: bool,
    /// Whole records.
    pub records: u64,
    /// Records under the checkpoint.
    pub signed: u64,
    /// The root of all whole records.
    pub root: crate::merkle::Hash,
    /// An unfinished end, as a crash leaves it, or a record being written at this moment. No record that was
    /// acknowledged is in it.
    pub torn: Option<TornTail>,
}

impl Report {
    /// Whole records above the checkpoint.
    pub fn unsigned(&self) -> u64 {
        self.records.saturating_sub(self.signed)
    }
}

/// A journal that is not what was signed, or cannot be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The checkpoint cannot be believed.
    #[error("the checkpoint cannot be believed")]
    Checkpoint(#[from] CheckpointError),
    /// There is no checkpoint.
    #[error("there is no file `{CHECKPOINT}` in `{}`", dir.display())]
    CheckpointMissing {
        /// The directory.
        dir: PathBuf,
    },
    /// The files are not what was signed.
    #[error("the journal is damaged")]
    Damaged(#[from] Damage),
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The directory publishes another key than the one given.
    #[error(
        "the journal is signed by key `{published}`, not by the key `{given}` it was to be checked with"
    )]
    OtherKey {
        /// The one given.
        given: KeyId,
        /// The directory's.
        published: KeyId,
    },
    /// A record says that the journal has another origin or key than its checkpoint.
    #[error("record {index} opens another journal than `{origin}`")]
    OtherJournal {
        /// Which record.
        index: u64,
        /// The origin of the checkpoint.
        origin: String,
    },
    /// No key was given and the directory has none.
    #[error("`{}` has no readable `{VERIFIER_KEY}`, and no key was given", dir.display())]
    VerifierKeyMissing {
        /// The directory.
        dir: PathBuf,
    },
}

/// Checks every record of the journal in a directory, also while it is written.
///
/// With a key kept elsewhere it shows that nobody but the journal's writer made it; without one, the directory's own
/// published key is used.
///
/// # Errors
/// [`VerifyError`], which names the file, the line and the record where they are known.
pub fn verify(dir: &Path, key: Option<VerifyingKey>) -> Result<Report, VerifyError> {
    walk(dir, key, &mut |_| ()).map(|(report, _)| report)
}

/// Verifies, and shows every whole record on the way; gives the signed note with what was found.
///
/// What was shown is to be believed only up to the report's `signed`, and only once there is one.
pub(crate) fn walk(
    dir: &Path,
    key: Option<VerifyingKey>,
    visit: &mut dyn FnMut(&Visited<'_>),
) -> Result<(Report, Vec<u8>), VerifyError> {
    let read = |name| {
        let path = dir.join(name);
        directory::read_small(&OsStorage, &path).map_err(|source| VerifyError::Io { path, source })
    };
    let published = read(VERIFIER_KEY)?
        .as_deref()
        .and_then(directory::parse_verifier_key);
    // Before the segments: a live journal only grows past its checkpoint.
    let signed = read(CHECKPOINT)?.ok_or_else(|| VerifyError::CheckpointMissing {
        dir: dir.to_owned(),
    })?;
    let verifier = match (key, published) {
        (Some(given), Some(published)) if *published.key() != given => {
            return Err(VerifyError::OtherKey {
                given: given.id(),
                published: published.key().id(),
            });
        }
        (_, Some(published)) => published,
        (Some(given), None) => NoteVerifier::new(name_in(&signed)?, given),
        (None, None) => {
            return Err(VerifyError::VerifierKeyMissing {
                dir: dir.to_owned(),
            });
        }
    };
    let checkpoint = Checkpoint::verify(&signed, &verifier)?;
    let mut foreign = None;
    let start = Start::default();
    let scanned = scan(&OsStorage, dir, Some(&checkpoint), start, &mut |record| {
        if foreign.is_none() && !belongs(record, &verifier) {
            foreign = Some(record.head.index);
        }
        visit(record);
    })?;
    if let Some(index) = foreign {
        return Err(VerifyError::OtherJournal {
            index,
            origin: checkpoint.origin,
        });
    }
    let report = Report {
        key: verifier.key().id(),
        key_was_given: key.is_some(),
        records: scanned.tree.size(),
        signed: checkpoint.size,
        root: scanned.tree.root(),
        origin: checkpoint.origin,
        torn: scanned.torn,
    };
    Ok((report, signed))
}

/// The first record opens this journal, and no later one opens another.
fn belongs(record: &Visited<'_>, verifier: &NoteVerifier) -> bool {
    if record.head.kind != "opened" {
        return record.head.index != 0;
    }
    serde_json::from_slice::<Opens>(record.line).is_ok_and(|opens| {
        opens.origin == verifier.name().as_str() && opens.public_key == *verifier.key()
    })
}

/// What an `opened` record must say to belong to a journal; what else it has is for its readers.
#[derive(serde::Deserialize)]
struct Opens {
    origin: String,
    public_key: VerifyingKey,
}

/// The origin a checkpoint claims; believed only once the given key has verified the note under it.
pub(crate) fn name_in(signed: &[u8]) -> Result<KeyName, CheckpointError> {
    let note = SignedNote::parse(signed)?;
    let origin = note.unverified_text().lines().next().unwrap_or_default();
    Ok(KeyName::new(origin)?)
}
