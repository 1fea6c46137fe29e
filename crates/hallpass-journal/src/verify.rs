//! Checking a journal from its files alone: nobody needs to be asked, and nothing is written.
//!
//! What is proven: every record up to the signed size is the one that was signed, none is missing, and none was put
//! in. Records above it are whole, and nothing more is known of them; a live journal always has a few. A whole
//! directory replaced by an older copy of itself is found only by comparing with a checkpoint kept elsewhere.

use std::io;
use std::path::{Path, PathBuf};

use hallpass_keys::{KeyId, VerifyingKey};

use crate::directory::{CHECKPOINT, VERIFIER_KEY};
use crate::{CheckpointError, Damage, TornTail};

mod reached;
mod walk;

pub use reached::{InvalidReached, Reached};
pub(crate) use walk::{TRIES, Walked, name_in, walk};

/// A journal that is what it was when it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its unique name.
    pub origin: String,
    /// The key that signed it.
    pub key: KeyId,
    /// Whether the key was given. The directory's own key proves less: whoever replaced everything replaced it too.
    pub key_was_given: bool,
    /// Whole records, those included that were pruned.
    pub records: u64,
    /// Those of them that were read: all, or what is new.
    pub records_read: u64,
    /// Records under the checkpoint.
    pub signed: u64,
    /// The first record that was kept, when older ones were pruned.
    pub pruned_below: Option<u64>,
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
    /// The checkpoint is older than one that was signed before: an older copy was put back.
    #[error("{earlier} records were signed before, and the checkpoint is of {signed}")]
    CheckpointOlder {
        /// The size signed before.
        earlier: u64,
        /// The size of the checkpoint in the directory.
        signed: u64,
    },
    /// The files are not what was signed.
    #[error("the journal is damaged")]
    Damaged(#[from] Damage),
    /// The earlier checkpoint is not one of this journal.
    #[error("the earlier checkpoint is not one of this journal")]
    Earlier(#[source] CheckpointError),
    /// The earlier checkpoint ends before the first record that is there, so it cannot be compared.
    #[error("the earlier checkpoint is of {earlier} records, and those below {below} were pruned")]
    EarlierPruned {
        /// Its size.
        earlier: u64,
        /// The first record that is there.
        below: u64,
    },
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The journal does not begin with the records that were signed or verified before.
    #[error("the first {earlier} records are not those that were signed before")]
    NotContained {
        /// How many.
        earlier: u64,
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
    /// It was another journal, or another key, that was verified so far.
    #[error("it was the journal `{origin}` that was verified so far, or another key")]
    OtherReached {
        /// Which journal.
        origin: String,
    },
    /// The journal was pruned while it was read, again and again.
    #[error("the journal was pruned while it was read")]
    PrunedMeanwhile,
    /// No key was given and the directory has none.
    #[error("`{}` has no readable `{VERIFIER_KEY}`, and no key was given", dir.display())]
    VerifierKeyMissing {
        /// The directory.
        dir: PathBuf,
    },
}

/// How far a verification has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Records read.
    pub records: u64,
    /// Their bytes, line ends included.
    pub bytes: u64,
}

impl Progress {
    /// One more record, given without its line end.
    pub fn add(&mut self, line: &[u8]) {
        self.records = self.records.saturating_add(1);
        self.bytes = self.bytes.saturating_add(line.len() as u64 + 1);
    }
}

/// A journal that verified, and from where the next verification may read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What was found.
    pub report: Report,
    /// How far it is signed; none of an empty checkpoint.
    pub reached: Option<Reached>,
}

/// What to verify a journal against, and how.
///
/// ```no_run
/// use hallpass_journal::verify::{Reached, Verification};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let reached = Reached::parse(&std::fs::read("reached.json")?)?;
/// let verified = Verification::new().resume(&reached).run("journal".as_ref())?;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Verification<'a> {
    key: Option<VerifyingKey>,
    earlier: Option<&'a [u8]>,
    resume: Option<&'a Reached>,
    progress: Option<&'a mut dyn FnMut(Progress)>,
}

impl<'a> Verification<'a> {
    /// Everything there is, by the key the directory publishes.
    pub fn new() -> Self {
        Self::default()
    }

    /// By a key kept elsewhere: that shows that nobody but the journal's writer made it.
    #[must_use]
    pub fn key(mut self, key: Option<VerifyingKey>) -> Self {
        self.key = key;
        self
    }

    /// The journal must begin with exactly the records of this checkpoint, a file `checkpoint` copied before: that shows
    /// that it is no older copy and was not continued from one.
    #[must_use]
    pub fn earlier(mut self, note: Option<&'a [u8]>) -> Self {
        self.earlier = note;
        self
    }

    /// Reads only what is new since then. What was verified then is not looked at again.
    #[must_use]
    pub fn resume(mut self, reached: &'a Reached) -> Self {
        self.resume = Some(reached);
        self
    }

    /// Is told every thousand records how far it has come.
    #[must_use]
    pub fn progress(mut self, show: &'a mut dyn FnMut(Progress)) -> Self {
        self.progress = Some(show);
        self
    }

    /// Verifies the journal in a directory, also while it is written.
    ///
    /// # Errors
    /// [`VerifyError`], which names the file, the line and the record where they are known.
    pub fn run(mut self, dir: &Path) -> Result<Verified, VerifyError> {
        let mut tries = 1;
        loop {
            match walk(dir, &mut self, &mut |_| ()) {
                Err(VerifyError::PrunedMeanwhile) if tries < TRIES => tries += 1,
                walked => return walked.map(|walked| walked.verified),
            }
        }
    }
}

/// Checks every record of the journal in a directory, also while it is written.
///
/// With a key kept elsewhere it shows that nobody but the journal's writer made it; without one, the directory's own
/// published key is used.
///
/// # Errors
/// [`VerifyError`], which names the file, the line and the record where they are known.
pub fn verify(dir: &Path, key: Option<VerifyingKey>) -> Result<Report, VerifyError> {
    let verified = Verification::new().key(key).run(dir)?;
    Ok(verified.report)
}
