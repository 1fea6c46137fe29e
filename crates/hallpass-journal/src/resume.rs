//! Reading a journal when it is opened: from its snapshot on, or from its first record.

use std::path::Path;

use hallpass_keys::note::NoteVerifier;

use crate::history::History;
use crate::memory::Memory;
use crate::scan::{Scan, Start, scan};
use crate::snapshot::Snapshot;
use crate::{Checkpoint, Damage, Storage};

/// How much was read to open a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// The size of the snapshot it was read on from; none when every record was read.
    pub snapshot: Option<u64>,
    /// Records read.
    pub records_read: u64,
}

/// What the records of a directory say.
pub(crate) struct Known {
    pub(crate) scanned: Scan,
    pub(crate) history: History,
    pub(crate) memory: Memory,
    pub(crate) started: Started,
}

/// Reads a directory. A snapshot from which the records do not lead to the signed root is ignored.
pub(crate) fn read(
    storage: &dyn Storage,
    dir: &Path,
    verifier: &NoteVerifier,
    checkpoint: Option<&Checkpoint>,
) -> Result<Known, Damage> {
    let snapshot = checkpoint
        .and_then(|checkpoint| Snapshot::load(storage, dir, verifier, checkpoint.size))
        .and_then(|snapshot| {
            let Snapshot {
                start,
                history,
                memory,
            } = snapshot;
            read_on(storage, dir, checkpoint, start, history, memory).ok()
        });
    if let Some(known) = snapshot {
        return Ok(known);
    }
    let (start, history, memory) = (Start::default(), History::default(), Memory::default());
    read_on(storage, dir, checkpoint, start, history, memory)
}

fn read_on(
    storage: &dyn Storage,
    dir: &Path,
    checkpoint: Option<&Checkpoint>,
    start: Start,
    mut history: History,
    memory: Memory,
) -> Result<Known, Damage> {
    let size = start.tree.size();
    let scanned = scan(storage, dir, checkpoint, start, &mut |record| {
        history.visit(record);
        memory.recall(record);
    })?;
    let started = Started {
        snapshot: Some(size).filter(|size| *size > 0),
        records_read: scanned.tree.size().saturating_sub(size),
    };
    Ok(Known {
        scanned,
        history,
        memory,
        started,
    })
}
