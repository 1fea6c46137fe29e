//! A journal as somebody elsewhere gets it: its signed checkpoints, proofs that each goes on from the last, and its lines.
//!
//! Everything here reads what is written and signed, in constant memory, and never waits for the writer.

use std::path::Path;

use hallpass_keys::note::NoteVerifier;

use crate::directory::{self, CHECKPOINT, VERIFIER_KEY};
use crate::line::LineDefect;
use crate::merkle::{Extension, Hash, ProofError, Tree, leaf_hash};
use crate::pruned::PrunedFile;
use crate::read::{ReadError, Record, records_from};
use crate::{Checkpoint, CheckpointError, OsStorage, RECORD_BYTES_MAX};

/// A journal that cannot be shown to somebody else.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShippingError {
    /// The checkpoint cannot be believed, or there is none.
    #[error("the checkpoint cannot be believed")]
    Checkpoint(#[from] CheckpointError),
    /// Its records end before they should.
    #[error("the journal has no record {index}")]
    Missing {
        /// The first one that is not there.
        index: u64,
    },
    /// The sizes of two trees do not fit together.
    #[error("the checkpoints do not fit together")]
    Proof(#[from] ProofError),
    /// Its files cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A small file of it cannot be read.
    #[error("cannot read `{file}`")]
    SmallFile {
        /// Which.
        file: &'static str,
    },
}

/// A checkpoint with the note it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The signed note.
    pub note: String,
}

/// What a journal directory publishes: what verifies its checkpoints. None where there is no journal yet.
pub fn published_key(dir: &Path) -> Option<NoteVerifier> {
    let bytes = directory::read_small(&OsStorage, &dir.join(VERIFIER_KEY)).ok()??;
    directory::parse_verifier_key(&bytes)
}

/// The newest checkpoint of a journal directory, verified by this key.
///
/// # Errors
/// [`ShippingError::Checkpoint`], [`ShippingError::SmallFile`].
pub fn signed(dir: &Path, verifier: &NoteVerifier) -> Result<Signed, ShippingError> {
    let file = CHECKPOINT;
    let bytes = directory::read_small(&OsStorage, &dir.join(file))
        .map_err(|_| ShippingError::SmallFile { file })?
        .unwrap_or_default();
    let checkpoint = Checkpoint::verify(&bytes, verifier)?;
    let note = String::from_utf8(bytes).map_err(|_| CheckpointError::Body)?;
    Ok(Signed { checkpoint, note })
}

/// The tree of the records that were pruned: where reading begins. Empty where none were.
///
/// # Errors
/// [`ShippingError::SmallFile`].
pub fn first_tree(dir: &Path) -> Result<Tree, ShippingError> {
    let pruned = PrunedFile::load(&OsStorage, dir);
    let pruned = pruned.map_err(|_| ShippingError::SmallFile {
        file: directory::PRUNED,
    })?;
    Ok(pruned.map(|file| file.tree).unwrap_or_default())
}

/// The tree of the first `size` records, from that of fewer.
///
/// # Errors
/// [`ShippingError`].
pub fn extended(dir: &Path, from: &Tree, size: u64) -> Result<Tree, ShippingError> {
    let mut tree = from.clone();
    each_line(dir, from.size(), size, |line| tree.push(leaf_hash(line)))?;
    Ok(tree)
}

/// The proof that a tree is a prefix of that of the first `size` records, and that tree.
///
/// # Errors
/// [`ShippingError`].
pub fn consistency(
    dir: &Path,
    older: &Tree,
    size: u64,
) -> Result<(Vec<Hash>, Tree), ShippingError> {
    let mut extension = Extension::of(older, size)?;
    each_line(dir, older.size(), size, |line| {
        extension.push(leaf_hash(line));
    })?;
    Ok(extension.finish()?)
}

/// The lines from an index on, as many as fit these bytes and at least one, and none from `below` on.
///
/// # Errors
/// [`ShippingError`].
pub fn lines(
    dir: &Path,
    from: u64,
    below: u64,
    bytes_max: usize,
) -> Result<Vec<u8>, ShippingError> {
    let mut lines = Vec::new();
    let mut next = from;
    for record in records_from(dir, from)? {
        let record = record?;
        let line = record.line().as_bytes();
        let full = !lines.is_empty() && lines.len() + line.len() >= bytes_max;
        if next >= below || full {
            return Ok(lines);
        }
        lines.extend_from_slice(line);
        lines.push(b'\n');
        next += 1;
    }
    if next < below {
        return Err(ShippingError::Missing { index: next });
    }
    Ok(lines)
}

fn each_line(
    dir: &Path,
    from: u64,
    size: u64,
    mut take: impl FnMut(&[u8]),
) -> Result<(), ShippingError> {
    if from >= size {
        return Ok(());
    }
    let mut next = from;
    for record in records_from(dir, from)? {
        take(record?.line().as_bytes());
        next += 1;
        if next == size {
            return Ok(());
        }
    }
    Err(ShippingError::Missing { index: next })
}

/// Lines that are no part of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShipmentError {
    /// A line is no record.
    #[error("record {index}: {defect}")]
    Line {
        /// Which one it should be.
        index: u64,
        /// What is wrong.
        defect: LineDefect,
    },
    /// There is nothing, or the last line has no end.
    #[error("a shipment is whole lines, and at least one")]
    NotWhole,
}

/// The leaves of shipped lines, whose first is to be the record of this index.
///
/// # Errors
/// [`ShipmentError`].
pub fn leaves(lines: &[u8], from: u64) -> Result<Vec<Hash>, ShipmentError> {
    let lines = lines.strip_suffix(b"\n").ok_or(ShipmentError::NotWhole)?;
    let mut leaves = Vec::new();
    for (line, index) in lines.split(|byte| *byte == b'\n').zip(from..) {
        let bad = |defect| ShipmentError::Line { index, defect };
        if line.len() > RECORD_BYTES_MAX {
            return Err(bad(LineDefect::TooLong));
        }
        let record = Record::parse(line).map_err(bad)?;
        if record.index() != index {
            let found = record.index();
            return Err(bad(LineDefect::Index { found }));
        }
        leaves.push(leaf_hash(line));
    }
    Ok(leaves)
}

/// The content of a file `pruned` for a copy that begins after this tree; nothing where it begins with the first record.
pub fn pruned_file(tree: &Tree) -> Option<Vec<u8>> {
    (tree.size() > 0).then(|| PrunedFile { tree: tree.clone() }.bytes())
}
