//! What may go: whole segments of old, signed and undamaged records.

use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use hallpass_keys::Digest;
use hallpass_vocabulary::Timestamp;

use super::{PruneError, earlier, io_error};
use crate::directory::{self, CHECKPOINT, ListError, SegmentName, VERIFIER_KEY};
use crate::history::History;
use crate::line::Head;
use crate::pruned::{Claim, PrunedFile};
use crate::scan::{Plan, Start as Place, next_line, scan};
use crate::{Checkpoint, CheckpointError, Damage, OsStorage, Pruned, Storage};

/// No record younger than this is pruned: what a journal remembers of its records (run counters for 7 days after their
/// last use) must be rebuilt from them when the snapshot is lost.
pub const KEEP_MIN: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// Which records are old enough to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    /// Those written before this time.
    Before(Timestamp),
    /// Those with a lower index.
    Below(u64),
}

/// What can be removed, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prunable {
    /// What is recorded of it.
    pub record: Pruned,
    /// How many records go.
    pub records: u64,
    /// How many files of records go.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What opening a journal to prune it would remove; nothing is changed. It reads and verifies every record, by the key that
/// the directory publishes. That writer's first record stands in a segment of its own where the last one is old enough, as
/// [`SEGMENT_AGE_DEFAULT`](crate::SEGMENT_AGE_DEFAULT) has it, so that all of the others may go.
///
/// # Errors
/// [`PruneError`].
pub fn prunable(dir: &Path, old: Old, now: Timestamp) -> Result<Option<Prunable>, PruneError> {
    let read = |name| {
        let bytes = directory::read_small(&OsStorage, &dir.join(name)).map_err(io_error(dir))?;
        Ok::<_, PruneError>(bytes.unwrap_or_default())
    };
    let signed = read(CHECKPOINT)?;
    let verifier =
        directory::parse_verifier_key(&read(VERIFIER_KEY)?).ok_or(CheckpointError::Body)?;
    let checkpoint = Checkpoint::verify(&signed, &verifier)?;
    let planned = plan(&OsStorage, dir, &checkpoint, old, now, Bound::ByOpening)?;
    Ok(planned.map(|planned| planned.prunable))
}

/// A pruning that was chosen.
pub(super) struct Planned {
    pub(super) prunable: Prunable,
    pub(super) file: PrunedFile,
    /// Of what goes, the bytes of all records of refusals.
    pub(super) refusal_bytes: u64,
}

/// What else bounds what may go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    /// The checkpoint, and the first record that was not acknowledged.
    Acknowledged(u64),
    /// Nothing: a writer that opens the journal signs what it finds.
    ByOpening,
}

/// What is known where a segment begins.
struct Before {
    start: u64,
    refusal_bytes: u64,
    latest: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// Chooses the last segment before which everything may go, and verifies the whole journal on the way: damage must not
/// be removed with what shows it.
pub(super) fn plan(
    storage: &dyn Storage,
    dir: &Path,
    checkpoint: &Checkpoint,
    old: Old,
    now: Timestamp,
    bound: Bound,
) -> Result<Option<Planned>, PruneError> {
    let pruned = PrunedFile::load(storage, dir)?;
    let start = pruned.as_ref().map(PrunedFile::start).unwrap_or_default();
    let segments = listed(storage, dir, start.segment)?;
    let youngest = earlier(now, KEEP_MIN);
    let (before, below) = match old {
        Old::Before(time) => (time.min(youngest), u64::MAX),
        Old::Below(index) => (youngest, index),
    };
    let highest = match bound {
        Bound::Acknowledged(index) => below.min(checkpoint.size).min(index),
        Bound::ByOpening => below,
    };
    let starts: Vec<u64> = segments.iter().skip(1).map(|name| name.0).collect();
    let mut claim = pruned.as_ref().map(Claim::of);
    let mut history = History::default();
    let mut known: Vec<Before> = Vec::new();
    let mut next = starts.iter().copied().peekable();
    let plan = Plan {
        checkpoint: Some(checkpoint),
        start: start.clone(),
        marks: starts.clone(),
    };
    let scanned = scan(storage, dir, plan, &mut |record| {
        if next.next_if_eq(&record.head.index).is_some() {
            known.push(Before {
                start: record.head.index,
                refusal_bytes: history.refusal_bytes,
                latest: history.latest_time,
                last: history.last_time,
            });
        }
        history.visit(record);
        if let Some(claim) = &mut claim {
            claim.visit(record);
        }
    })?;
    if let Some(claim) = claim {
        claim.check(checkpoint.size)?;
    }
    let mut marked = scanned.marked;
    if matches!(bound, Bound::ByOpening) {
        // No record younger than `KEEP_MIN` goes, so if all may, the last segment is old.
        known.push(Before {
            start: scanned.tree.size(),
            refusal_bytes: history.refusal_bytes,
            latest: history.latest_time,
            last: history.last_time,
        });
        marked.push(Place {
            tree: scanned.tree,
            ..Place::default()
        });
    }
    let chosen = known
        .iter()
        .rev()
        .find(|it| it.start <= highest && it.latest.is_some_and(|latest| latest < before));
    let (Some(chosen), Some(created)) = (chosen, history.created) else {
        return Ok(None);
    };
    let mut places = marked.into_iter();
    let place = places.find(|place| place.tree.size() == chosen.start);
    let (Some(place), Some(last)) = (place, chosen.last) else {
        return Ok(None);
    };
    let gone = segments.iter().filter(|name| name.0 < chosen.start);
    let mut prunable = Prunable {
        record: Pruned {
            below: chosen.start,
            root: Digest::from_bytes(place.tree.root()),
            created,
            last,
        },
        records: chosen.start.saturating_sub(start.tree.size()),
        segments: 0,
        bytes: 0,
    };
    for name in gone {
        let file = storage.inspect(&name.path(dir)).map_err(io_error(dir))?;
        prunable.segments = prunable.segments.saturating_add(1);
        prunable.bytes = prunable.bytes.saturating_add(file.bytes);
    }
    Ok(Some(Planned {
        prunable,
        file: PrunedFile { tree: place.tree },
        refusal_bytes: chosen.refusal_bytes,
    }))
}

/// The segments that count, in order.
fn listed(
    storage: &dyn Storage,
    dir: &Path,
    first: SegmentName,
) -> Result<Vec<SegmentName>, PruneError> {
    let mut segments = directory::segments(storage, dir).map_err(|error| match error {
        ListError::Io(source) => io_error(dir)(source),
        ListError::Name { name } => Damage::SegmentName { file: name }.into(),
    })?;
    segments.retain(|name| *name >= first);
    Ok(segments)
}

/// Where the oldest segment ends.
pub(super) struct End {
    /// The first record after it.
    pub(super) index: u64,
    /// When that was written.
    pub(super) time: Timestamp,
}

/// Where the oldest segment ends, if there is a record after it.
pub(super) fn oldest_segment_end(storage: &dyn Storage, dir: &Path) -> Option<End> {
    let first = PrunedFile::load(storage, dir)
        .ok()?
        .map_or(SegmentName(0), |file| SegmentName(file.tree.size()));
    let second = *listed(storage, dir, first).ok()?.get(1)?;
    let mut reader = BufReader::new(storage.reader(&second.path(dir)).ok()?);
    let mut line = Vec::new();
    next_line(&mut reader, &mut line).ok()?;
    let time = Head::of_record(line.strip_suffix(b"\n")?)?.timestamp()?;
    Some(End {
        index: second.0,
        time,
    })
}
