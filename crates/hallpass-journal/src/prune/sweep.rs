//! Removing the files of pruned records, and finishing what a crash interrupted.

use std::io;
use std::path::Path;

use super::carry_out;
use crate::directory::{self, ListError, SegmentName, SensitiveKeyName};
use crate::history::Pruning;
use crate::pruned::PrunedFile;
use crate::scan::{Plan, scan};
use crate::{Checkpoint, Storage};

/// Removes the segments before this one, lowest first, and the keys of sensitive digests that none of the others use.
pub(crate) fn remove_below(
    storage: &dyn Storage,
    dir: &Path,
    below: SegmentName,
) -> io::Result<()> {
    let segments = directory::segments(storage, dir).map_err(|error| match error {
        ListError::Io(source) => source,
        name @ ListError::Name { .. } => io::Error::other(name.to_string()),
    })?;
    let gone: Vec<_> = segments.into_iter().filter(|name| *name < below).collect();
    let keys = unused_keys(&directory::sensitive_keys(storage, dir)?, below);
    if gone.is_empty() && keys.is_empty() {
        return Ok(());
    }
    let paths = gone.iter().map(|name| name.path(dir));
    for path in paths.chain(keys.iter().map(|name| name.path(dir))) {
        match storage.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    storage.sync_dir(dir)
}

/// A key is used from the record it is named by until the next key; one whose successor is not above `below` by none
/// that is kept.
fn unused_keys(numbers: &[u64], below: SegmentName) -> Vec<SensitiveKeyName> {
    let next = numbers.iter().skip(1);
    let pairs = numbers.iter().zip(next);
    pairs
        .filter(|(_, next)| **next <= below.0)
        .map(|(number, _)| SensitiveKeyName(*number))
        .collect()
}

/// At opening: carries out what is recorded under the checkpoint and not carried out, and removes what was left over.
///
/// Failures are for the next start: nothing depends on it being done.
pub(crate) fn finish(
    storage: &dyn Storage,
    dir: &Path,
    file: Option<&PrunedFile>,
    recorded: Option<&Pruning>,
    checkpoint: Option<&Checkpoint>,
) {
    let below = file.map_or(0, |file| file.tree.size());
    let signed = checkpoint.map_or(0, |checkpoint| checkpoint.size);
    let pending = recorded.filter(|it| it.index < signed && it.record.below > below);
    if let Some(pending) = pending
        && let Some(tree) = tree_below(storage, dir, file, pending)
    {
        // As above.
        let _ = carry_out(storage, dir, &tree);
    } else if let Some(file) = file {
        let _ = remove_below(storage, dir, SegmentName(file.tree.size()));
    }
}

/// The frontier of what is to go, if it is what was recorded.
fn tree_below(
    storage: &dyn Storage,
    dir: &Path,
    file: Option<&PrunedFile>,
    pending: &Pruning,
) -> Option<PrunedFile> {
    let plan = Plan {
        checkpoint: None,
        start: file.map(PrunedFile::start).unwrap_or_default(),
        marks: vec![pending.record.below],
    };
    let scanned = scan(storage, dir, plan, &mut |_| ()).ok()?;
    let place = scanned.marked.into_iter().next()?;
    let segment = SegmentName(place.tree.size());
    let fits = *pending.record.root.as_bytes() == place.tree.root()
        && storage.inspect(&segment.path(dir)).is_ok();
    fits.then_some(PrunedFile { tree: place.tree })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_with_the_last_record_that_used_it() {
        let unused = |below| {
            let unused = unused_keys(&[0, 10, 15, 20], SegmentName(below));
            unused.iter().map(|name| name.0).collect::<Vec<_>>()
        };
        assert!(unused(9).is_empty());
        assert_eq!(unused(10), [0]);
        assert_eq!(unused(16), [0, 10]);
        assert_eq!(unused(u64::MAX), [0, 10, 15]);
    }
}
