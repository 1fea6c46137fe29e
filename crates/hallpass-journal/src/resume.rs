//! Reading a journal when it is opened: from its snapshot on, or from its first record.

use std::path::Path;

use hallpass_keys::note::NoteVerifier;

use crate::history::History;
use crate::memory::Memory;
use crate::pruned::{Claim, PrunedFile};
use crate::scan::{Plan, Scan, scan};
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
    /// The file `pruned`, as it was read.
    pub(crate) pruned: Option<PrunedFile>,
}

/// Reads a directory. A snapshot from which the records do not lead to the signed root is ignored.
pub(crate) fn read(
    storage: &dyn Storage,
    dir: &Path,
    verifier: &NoteVerifier,
    checkpoint: Option<&Checkpoint>,
) -> Result<Known, Damage> {
    let pruned = PrunedFile::load(storage, dir)?;
    let below = pruned.as_ref().map_or(0, |pruned| pruned.tree.size());
    let snapshot = checkpoint
        .and_then(|checkpoint| Snapshot::load(storage, dir, verifier, checkpoint.size, below))
        // What is below goes at this start, so the snapshot must know of the very pruning.
        .filter(|snapshot| pruned.as_ref().is_none_or(|file| snapshot.knows(file)))
        .and_then(|snapshot| {
            let Snapshot {
                start,
                history,
                memory,
            } = snapshot;
            let plan = Plan {
                checkpoint,
                start,
                ..Plan::default()
            };
            read_on(storage, dir, plan, history, memory, &mut None).ok()
        });
    let mut known = match snapshot {
        Some(known) => known,
        None => read_all(storage, dir, checkpoint, pruned.as_ref())?,
    };
    known.pruned = pruned;
    Ok(known)
}

fn read_all(
    storage: &dyn Storage,
    dir: &Path,
    checkpoint: Option<&Checkpoint>,
    pruned: Option<&PrunedFile>,
) -> Result<Known, Damage> {
    let plan = Plan {
        checkpoint,
        start: pruned.map(PrunedFile::start).unwrap_or_default(),
        ..Plan::default()
    };
    let mut claim = pruned.map(Claim::of);
    let (history, memory) = (History::default(), Memory::default());
    let mut known = read_on(storage, dir, plan, history, memory, &mut claim)?;
    if let Some(claim) = claim {
        claim.check(checkpoint.map_or(0, |checkpoint| checkpoint.size))?;
    }
    known.started.snapshot = None;
    Ok(known)
}

fn read_on(
    storage: &dyn Storage,
    dir: &Path,
    plan: Plan<'_>,
    mut history: History,
    memory: Memory,
    claim: &mut Option<Claim>,
) -> Result<Known, Damage> {
    let size = plan.start.tree.size();
    let scanned = scan(storage, dir, plan, &mut |record| {
        history.visit(record);
        if let Some(claim) = claim {
            claim.visit(record);
        }
        memory.recall(record, history.latest_time);
    })?;
    let started = Started {
        snapshot: Some(size),
        records_read: scanned.tree.size().saturating_sub(size),
    };
    Ok(Known {
        scanned,
        history,
        memory,
        started,
        pruned: None,
    })
}
