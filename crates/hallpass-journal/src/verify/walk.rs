//! One verification: what is believed, from where it is read, and what must be there.

use std::path::Path;

use hallpass_keys::VerifyingKey;
use hallpass_keys::note::{KeyName, NoteVerifier, SignedNote};

use super::{Progress, Reached, Report, Verification, Verified, VerifyError};
use crate::directory::{self, CHECKPOINT, PRUNED, VERIFIER_KEY};
use crate::merkle::Tree;
use crate::pruned::{Claim, PrunedFile};
use crate::scan::{Plan, Scan, Start, Visited, scan};
use crate::{Checkpoint, CheckpointError, OsStorage};

/// Records between two reports of progress.
const PROGRESS_RECORDS: u64 = 1_024;
/// How often it is begun anew because the journal was pruned meanwhile. A writer prunes once an hour.
pub(crate) const TRIES: u32 = 3;

/// What was found, and what proofs need besides.
pub(crate) struct Walked {
    pub(crate) verified: Verified,
    /// The signed note it was verified with.
    pub(crate) note: Vec<u8>,
    /// The records before the first that was read.
    pub(crate) before: Tree,
}

/// Verifies, and shows every whole record on the way.
///
/// What was shown is to be believed only up to the report's `signed`, and only once there is one. When it fails with
/// [`VerifyError::PrunedMeanwhile`], it may be begun anew.
pub(crate) fn walk(
    dir: &Path,
    wanted: &mut Verification<'_>,
    visit: &mut dyn FnMut(&Visited<'_>),
) -> Result<Walked, VerifyError> {
    let before = read(dir, PRUNED)?;
    let walked = walk_once(dir, wanted, visit);
    if walked.is_err() && read(dir, PRUNED)? != before {
        return Err(VerifyError::PrunedMeanwhile);
    }
    walked
}

fn read(dir: &Path, name: &str) -> Result<Option<Vec<u8>>, VerifyError> {
    let path = dir.join(name);
    directory::read_small(&OsStorage, &path).map_err(|source| VerifyError::Io { path, source })
}

fn walk_once(
    dir: &Path,
    wanted: &mut Verification<'_>,
    visit: &mut dyn FnMut(&Visited<'_>),
) -> Result<Walked, VerifyError> {
    let published = read(dir, VERIFIER_KEY)?
        .as_deref()
        .and_then(directory::parse_verifier_key);
    // Before the segments: a live journal only grows past its checkpoint.
    let note = read(dir, CHECKPOINT)?.ok_or_else(|| VerifyError::CheckpointMissing {
        dir: dir.to_owned(),
    })?;
    let verifier = verifier(dir, wanted.key, published, &note)?;
    let checkpoint = Checkpoint::verify(&note, &verifier)?;
    let earlier = wanted
        .earlier
        .map(|note| earlier_checkpoint(note, &verifier, &checkpoint))
        .transpose()?;
    let pruned = PrunedFile::load(&OsStorage, dir)?;
    let below = pruned.as_ref().map(|file| file.tree.size());
    let resumed = match wanted.resume {
        // Comparing with an earlier checkpoint needs every record.
        Some(reached) if earlier.is_none() => resume(dir, reached, &verifier, &checkpoint, below)?,
        _ => None,
    };
    if let (Some(earlier), Some(below)) = (&earlier, below)
        && earlier.size < below
    {
        return Err(VerifyError::EarlierPruned {
            earlier: earlier.size,
            below,
        });
    }
    let mut claim = pruned
        .as_ref()
        .filter(|_| resumed.is_none() || wanted.resume.and_then(|it| it.pruned_below) != below)
        .map(Claim::of);
    let start = resumed
        .or_else(|| pruned.as_ref().map(PrunedFile::start))
        .unwrap_or_default();
    let before = start.tree.clone();
    let marks = earlier.iter().map(|earlier| earlier.size);
    let plan = Plan {
        checkpoint: Some(&checkpoint),
        start,
        marks: marks.chain([checkpoint.size]).collect(),
    };
    let mut foreign = None;
    let mut progress = Progress::default();
    let scanned = scan(&OsStorage, dir, plan, &mut |record| {
        if foreign.is_none() && !belongs(record, &verifier) {
            foreign = Some(record.head.index);
        }
        if let Some(claim) = &mut claim {
            claim.visit(record);
        }
        progress.add(record.line);
        if progress.records.is_multiple_of(PROGRESS_RECORDS)
            && let Some(show) = &mut wanted.progress
        {
            show(progress);
        }
        visit(record);
    })?;
    if let Some(index) = foreign {
        return Err(VerifyError::OtherJournal {
            index,
            origin: checkpoint.origin,
        });
    }
    if let Some(claim) = claim {
        claim.check(checkpoint.size)?;
    }
    if let Some(earlier) = &earlier {
        contains(&scanned, earlier)?;
    }
    let verified = Verified {
        reached: reached(&scanned, &checkpoint, &verifier, below),
        report: Report {
            key: verifier.key().id(),
            key_was_given: wanted.key.is_some(),
            records: scanned.tree.size(),
            records_read: progress.records,
            signed: checkpoint.size,
            root: scanned.tree.root(),
            pruned_below: below,
            origin: checkpoint.origin,
            torn: scanned.torn,
        },
    };
    Ok(Walked {
        verified,
        note,
        before,
    })
}

fn verifier(
    dir: &Path,
    given: Option<VerifyingKey>,
    published: Option<NoteVerifier>,
    note: &[u8],
) -> Result<NoteVerifier, VerifyError> {
    match (given, published) {
        (Some(given), Some(published)) if *published.key() != given => Err(VerifyError::OtherKey {
            given: given.id(),
            published: published.key().id(),
        }),
        (_, Some(published)) => Ok(published),
        (Some(given), None) => Ok(NoteVerifier::new(name_in(note)?, given)),
        (None, None) => Err(VerifyError::VerifierKeyMissing {
            dir: dir.to_owned(),
        }),
    }
}

/// A checkpoint from elsewhere, which the present one must not be older than.
fn earlier_checkpoint(
    note: &[u8],
    verifier: &NoteVerifier,
    present: &Checkpoint,
) -> Result<Checkpoint, VerifyError> {
    let earlier = Checkpoint::verify(note, verifier).map_err(VerifyError::Earlier)?;
    if earlier.size > present.size {
        return Err(VerifyError::CheckpointOlder {
            earlier: earlier.size,
            signed: present.size,
        });
    }
    Ok(earlier)
}

/// Whether the first records are those of the earlier checkpoint.
fn contains(scanned: &Scan, earlier: &Checkpoint) -> Result<(), VerifyError> {
    let marked = scanned
        .marked
        .iter()
        .any(|place| place.tree.size() == earlier.size && place.tree.root() == earlier.root);
    if marked || (earlier.size == 0 && earlier.root == Tree::new().root()) {
        Ok(())
    } else {
        Err(VerifyError::NotContained {
            earlier: earlier.size,
        })
    }
}

/// Where to read on; none when that was pruned, and everything there is must be read.
fn resume(
    dir: &Path,
    reached: &Reached,
    verifier: &NoteVerifier,
    checkpoint: &Checkpoint,
    below: Option<u64>,
) -> Result<Option<Start>, VerifyError> {
    let same = reached.origin == verifier.name().as_str()
        && reached.key == verifier.key().id().to_string();
    if !same {
        return Err(VerifyError::OtherReached {
            origin: reached.origin.clone(),
        });
    }
    if reached.size > checkpoint.size {
        return Err(VerifyError::CheckpointOlder {
            earlier: reached.size,
            signed: checkpoint.size,
        });
    }
    if below.is_some_and(|below| reached.segment < below) {
        return Ok(None);
    }
    let start = reached.start();
    if start.ends_a_record(&OsStorage, dir) {
        Ok(Some(start))
    } else {
        Err(VerifyError::NotContained {
            earlier: reached.size,
        })
    }
}

/// The place of the checkpoint, which is passed whenever there is no error.
fn reached(
    scanned: &Scan,
    checkpoint: &Checkpoint,
    verifier: &NoteVerifier,
    pruned_below: Option<u64>,
) -> Option<Reached> {
    let mut marked = scanned.marked.iter();
    let place = marked.find(|place| place.tree.size() == checkpoint.size && place.offset > 0)?;
    Some(Reached {
        origin: checkpoint.origin.clone(),
        key: verifier.key().id().to_string(),
        pruned_below,
        size: checkpoint.size,
        segment: place.segment.0,
        offset: place.offset,
        tree: place.tree.clone(),
    })
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
