//! Whether the files that are written still are the files of the journal: nobody has deleted, replaced, cut or continued
//! them. A record in a file that has lost its name is in no journal.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::directory::{CHECKPOINT, LOCK};
use crate::open::WriterLock;
use crate::writer::SegmentFile;
use crate::{FileId, Storage};

/// The files of a journal are not the ones that were opened, or somebody else writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the files of the journal were deleted, replaced or changed by somebody else")]
pub(crate) struct Gone;

impl Gone {
    /// Whether this failure is that.
    pub(crate) fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}

impl From<Gone> for io::Error {
    fn from(gone: Gone) -> Self {
        Self::other(gone)
    }
}

/// Between which lengths a segment must be, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Length {
    pub(crate) least: u64,
    pub(crate) most: u64,
}

/// The directory and the lock, as they were when the journal was opened.
#[derive(Debug)]
pub(crate) struct Presence {
    storage: Arc<dyn Storage>,
    dir: PathBuf,
    dir_id: FileId,
    lock_id: FileId,
}

impl Presence {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        dir: &Path,
        lock: &WriterLock,
    ) -> io::Result<Arc<Self>> {
        let dir_id = storage.inspect(dir)?;
        Ok(Arc::new(Self {
            storage,
            dir: dir.to_owned(),
            dir_id,
            lock_id: lock.id()?,
        }))
    }

    /// The directory is the one that was opened, and its lock the one that is held: without it a second writer would be
    /// let in.
    ///
    /// # Errors
    /// [`Gone`], or that it cannot be known.
    pub(crate) fn check_directory(&self) -> io::Result<()> {
        self.check_is(&self.dir, &self.dir_id)?;
        self.check_is(&self.dir.join(LOCK), &self.lock_id)?;
        Ok(())
    }

    /// A segment has its name, and the length it was given.
    ///
    /// # Errors
    /// [`Gone`], or that it cannot be known.
    pub(crate) fn check_segment(&self, segment: &SegmentFile, length: Length) -> io::Result<()> {
        let found = self.check_is(&segment.name().path(&self.dir), segment.id())?;
        if (length.least..=length.most).contains(&found.bytes) {
            Ok(())
        } else {
            Err(Gone.into())
        }
    }

    /// Which file the checkpoint is; none when there is none.
    ///
    /// # Errors
    /// As the operating system says.
    pub(crate) fn checkpoint(&self) -> io::Result<Option<FileId>> {
        match self.storage.inspect(&self.dir.join(CHECKPOINT)) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn check_is(&self, path: &Path, expected: &FileId) -> io::Result<FileId> {
        match self.storage.inspect(path) {
            Ok(found) if found.is_file(expected) => Ok(found),
            Ok(_) => Err(Gone.into()),
            Err(error) => Err(match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Gone.into(),
                _ => error,
            }),
        }
    }
}
