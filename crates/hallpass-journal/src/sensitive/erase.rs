//! Erasing keys: the record first, then the files, and after a crash in between the rest at the next start.

use std::io;
use std::sync::PoisonError;

use super::SensitiveKeys;
use crate::AppendError;
use crate::arguments::DIGEST_KEY_BYTES;
use crate::directory::{self, ERASING, SensitiveKeyName};
use crate::identity::secret_text;
use crate::storage::{replace_file, write_all_at};

/// Keys of sensitive digests that are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// Every sensitive digest before this record is one of an erased key. Where a segment starts, so it may be less than was
    /// asked for.
    pub below: u64,
    /// How many keys were erased.
    pub keys: usize,
}

/// Keys that were not erased, or not all of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EraseError {
    /// The record that says so could not be written. Nothing was erased; where it is uncertain whether the record is there,
    /// the next start erases.
    #[error("the erasure cannot be recorded")]
    Append(#[from] AppendError),
    /// A file cannot be written or removed. Where the erasure is on record, the next start finishes it.
    #[error("the keys cannot be erased")]
    Io(#[from] io::Error),
}

impl SensitiveKeys {
    /// Erases every key that no record from `below` on can need, except the one in use; none when there is no such key.
    /// `record` must return only once the record that says so is durable.
    pub(crate) fn erase(
        &self,
        below: u64,
        record: impl FnOnce(u64) -> Result<(), AppendError>,
    ) -> Result<Option<Erased>, EraseError> {
        let _one_at_a_time = self.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = directory::sensitive_keys(&*self.storage, &self.dir)?;
        let in_use = self.current().number();
        let Some(boundary) = boundary(&numbers, below.min(in_use)) else {
            return Ok(None);
        };
        // With this mark an erasure that has begun is finished, whenever the process dies.
        let mark = format!("{boundary}\n");
        let temporary = directory::temporary(ERASING);
        replace_file(
            &*self.storage,
            &self.dir,
            ERASING,
            &temporary,
            mark.as_bytes(),
        )?;
        if let Err(error) = record(boundary) {
            if !error.is_uncertain() {
                self.unmark()?;
            }
            return Err(error.into());
        }
        let keys = self.finish_erasing(boundary)?;
        Ok(Some(Erased {
            below: boundary,
            keys,
        }))
    }

    /// Where an erasure that has begun was to end, if there is one.
    pub(crate) fn unfinished_erasure(&self) -> io::Result<Option<u64>> {
        let mark = directory::read_small(&*self.storage, &self.dir.join(ERASING))?;
        let below = mark.and_then(|mark| std::str::from_utf8(&mark).ok()?.trim_end().parse().ok());
        Ok(below.map(|below: u64| below.min(self.current().number())))
    }

    /// Removes the keys below an erasure that is on record, and the mark; how many keys.
    pub(crate) fn finish_erasing(&self, below: u64) -> io::Result<usize> {
        let numbers = directory::sensitive_keys(&*self.storage, &self.dir)?;
        let mut keys = 0;
        for number in numbers.into_iter().filter(|number| *number < below) {
            self.remove(SensitiveKeyName(number))?;
            keys += 1;
        }
        self.storage.sync_dir(&self.dir)?;
        self.unmark()?;
        Ok(keys)
    }

    /// Overwritten first, for file systems that would leave the old content where it was for anybody to find.
    fn remove(&self, name: SensitiveKeyName) -> io::Result<()> {
        let path = name.path(&self.dir);
        let removed = || {
            let file = self.storage.open(&path)?;
            write_all_at(&*file, secret_text(&[0; DIGEST_KEY_BYTES]).as_bytes(), 0)?;
            file.sync_data()?;
            self.storage.remove(&path)
        };
        match removed() {
            // A pruning was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn unmark(&self) -> io::Result<()> {
        self.storage.remove(&self.dir.join(ERASING))?;
        self.storage.sync_dir(&self.dir)
    }
}

/// The highest number at or below `below` that has another before it: every key before it is one that no record from
/// `below` on can need.
fn boundary(numbers: &[u64], below: u64) -> Option<u64> {
    let successors = numbers.get(1..).unwrap_or_default();
    successors.iter().copied().rfind(|number| *number <= below)
}
