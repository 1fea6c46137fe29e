//! The files of a journal directory and their names.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use hallpass_keys::note::NoteVerifier;

use crate::Storage;

/// Held locked by the one writer.
pub(crate) const LOCK: &str = "lock";
/// The key that signs checkpoints.
pub(crate) const SIGNING_KEY: &str = "journal.key";
/// The secret of keyed digests, in hex.
pub(crate) const DIGEST_KEY: &str = "digest.key";
/// The verifier key of the checkpoints: C2SP vkey text. Its name is the origin.
pub(crate) const VERIFIER_KEY: &str = "journal.vkey";
/// The newest checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// From which record on the journal is kept.
pub(crate) const PRUNED: &str = "pruned";
/// What the writer knew at one size, so that the next start reads on from there.
pub(crate) const SNAPSHOT: &str = "snapshot";

/// Space given up to relaxed records when the device is full.
pub(crate) const RESERVE: &str = "reserve";

/// Up to where keys of sensitive digests are being erased; there only while they are.
pub(crate) const ERASING: &str = "erasing";

const SENSITIVE_KEY_SUFFIX: &str = ".key";
const SEGMENT_SUFFIX: &str = ".jsonl";
/// Digits in a segment's name: as many as the largest index has.
const SEGMENT_DIGITS: usize = 20;
/// The largest small file read, in bytes: far above any checkpoint or key.
const SMALL_FILE_BYTES_MAX: u64 = 64 * 1024;

/// What a file is called while it is being written.
pub(crate) fn temporary(name: &str) -> String {
    format!("{name}.tmp")
}

/// A segment by the index of its first record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct SegmentName(pub(crate) u64);

impl SegmentName {
    fn parse(name: &str) -> Option<Self> {
        index(name.strip_suffix(SEGMENT_SUFFIX)?).map(Self)
    }

    pub(crate) fn file_name(self) -> String {
        format!("{:020}{SEGMENT_SUFFIX}", self.0)
    }

    pub(crate) fn path(self, dir: &Path) -> PathBuf {
        dir.join(self.file_name())
    }
}

/// A key of sensitive digests by the index of the first record that may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SensitiveKeyName(pub(crate) u64);

impl SensitiveKeyName {
    pub(crate) fn file_name(self) -> String {
        format!("{:020}{SENSITIVE_KEY_SUFFIX}", self.0)
    }

    pub(crate) fn path(self, dir: &Path) -> PathBuf {
        dir.join(self.file_name())
    }
}

/// The numbers of the keys of sensitive digests in a directory, in order.
pub(crate) fn sensitive_keys(storage: &dyn Storage, dir: &Path) -> io::Result<Vec<u64>> {
    let names = storage.list(dir)?;
    let numbers = names
        .iter()
        .filter_map(|name| index(name.strip_suffix(SENSITIVE_KEY_SUFFIX)?));
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The index in the name of a file that belongs to a segment.
fn index(digits: &str) -> Option<u64> {
    let well_formed = digits.len() == SEGMENT_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| well_formed)
}

/// The segments of a directory in order. A file that is named almost like one is an error: it may be a hidden one.
pub(crate) fn segments(storage: &dyn Storage, dir: &Path) -> Result<Vec<SegmentName>, ListError> {
    let mut segments = Vec::new();
    for name in storage.list(dir)? {
        if name.ends_with(SEGMENT_SUFFIX) {
            let segment = SegmentName::parse(&name).ok_or(ListError::Name { name })?;
            segments.push(segment);
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

/// A directory whose segments cannot be listed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("`{name}` is not named as a segment is")]
    Name { name: String },
}

/// A small file whole; none if it is not there.
pub(crate) fn read_small(storage: &dyn Storage, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let reader = match storage.reader(path) {
        Ok(reader) => reader,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    reader
        .take(SMALL_FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SMALL_FILE_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Some(bytes))
}

/// The verifier key from the text of its file.
pub(crate) fn parse_verifier_key(bytes: &[u8]) -> Option<NoteVerifier> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.strip_suffix('\n').unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segment_names_have_one_spelling() {
        let name = SegmentName(42);
        assert_eq!(name.file_name(), "00000000000000000042.jsonl");
        assert_eq!(SegmentName::parse(&name.file_name()), Some(name));
        for bad in [
            "42.jsonl",
            "00000000000000000042.json",
            "+0000000000000000042.jsonl",
            "99999999999999999999.jsonl",
        ] {
            assert_eq!(SegmentName::parse(bad), None, "{bad}");
        }
    }
}
