//! The end of the file: the only code that writes records. Owned by one thread at a time, locked by none.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::directory::SegmentName;
use crate::line::{Body, TimeText};
use crate::storage::write_all_at;
use crate::{Storage, StoredFile};

/// An open segment. Once a sync has failed no later one can succeed: the kernel reports an error once, and what it
/// dropped then looks clean.
pub(crate) struct SegmentFile {
    name: SegmentName,
    file: Box<dyn StoredFile>,
    failed: Mutex<bool>,
}

impl SegmentFile {
    pub(crate) fn new(name: SegmentName, file: Box<dyn StoredFile>) -> Arc<Self> {
        Arc::new(Self {
            name,
            file,
            failed: Mutex::new(false),
        })
    }

    /// One sync at a time, so that whoever comes second learns of the first one's failure.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if *failed {
            return Err(io::Error::other("an earlier sync of this file has failed"));
        }
        self.file.sync_data().inspect_err(|_| *failed = true)
    }
}

impl fmt::Debug for SegmentFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SegmentFile({})", self.name.file_name())
    }
}

/// Bytes that were written and may not be synced yet: whole lines of one segment.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) file: Arc<SegmentFile>,
    offset: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Where the next record goes.
#[derive(Debug)]
pub(crate) struct Writer {
    storage: Arc<dyn Storage>,
    dir: PathBuf,
    segment_bytes: u64,
    file: Arc<SegmentFile>,
    /// Where the last good record of the segment ends.
    offset: u64,
    next_index: u64,
}

/// A batch that was not written.
#[derive(Debug)]
pub(crate) struct WriteFailed {
    pub(crate) error: io::Error,
    /// Whether the file still ends with its last good record. If not, [`Writer::repair`] comes first.
    pub(crate) intact: bool,
}

impl Writer {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        dir: &Path,
        segment_bytes: u64,
        file: Arc<SegmentFile>,
        offset: u64,
        next_index: u64,
    ) -> Self {
        Self {
            storage,
            dir: dir.to_owned(),
            segment_bytes,
            file,
            offset,
            next_index,
        }
    }

    /// The index the next record will have.
    pub(crate) fn next_index(&self) -> u64 {
        self.next_index
    }

    /// Writes these records, all or none; the first has the index [`Writer::next_index`] had before.
    pub(crate) fn write<'a>(
        &mut self,
        bodies: impl Iterator<Item = &'a Body>,
        time: &TimeText,
    ) -> Result<Chunk, WriteFailed> {
        if self.offset >= self.segment_bytes {
            self.rotate()?;
        }
        let mut bytes = Vec::new();
        let mut index = self.next_index;
        for body in bodies {
            bytes.reserve(body.line_bytes_max());
            body.write_line(index, time, &mut bytes);
            index = index.saturating_add(1);
        }
        match write_all_at(&*self.file.file, &bytes, self.offset) {
            Ok(()) => {
                let offset = self.offset;
                self.offset = offset.saturating_add(bytes.len() as u64);
                self.next_index = index;
                Ok(Chunk {
                    file: Arc::clone(&self.file),
                    offset,
                    bytes,
                })
            }
            Err(error) => Err(WriteFailed {
                error,
                intact: self.cut().is_ok(),
            }),
        }
    }

    /// Whether there may be more in the file than its last good record: a part of what could not be taken back.
    pub(crate) fn may_hold_more(&self) -> bool {
        let found = self.file.file.inspect();
        found.map_or(true, |found| found.bytes > self.offset)
    }

    /// Starts the next segment. The full one is synced first, so that a defect outside the last is never a crash.
    fn rotate(&mut self) -> Result<(), WriteFailed> {
        self.file.sync().map_err(|error| WriteFailed {
            error,
            intact: false,
        })?;
        let name = SegmentName(self.next_index);
        let created = create_segment(&*self.storage, &self.dir, name);
        self.file = created.map_err(|error| WriteFailed {
            error,
            intact: true,
        })?;
        self.offset = 0;
        Ok(())
    }

    /// Takes back a half-written batch, through a new descriptor.
    fn cut(&mut self) -> io::Result<()> {
        let file = self.storage.open(&self.file.name.path(&self.dir))?;
        file.set_len(self.offset)?;
        self.file = SegmentFile::new(self.file.name, file);
        Ok(())
    }

    /// After a failed sync or cut: opens every file anew, puts what was not synced there once more and syncs it.
    ///
    /// Writing the same bytes again makes the kernel write them out again, which it does not do by itself for what it
    /// has once failed to write.
    pub(crate) fn repair(&mut self, unsynced: &[Chunk]) -> io::Result<()> {
        let mut current = None;
        let names = unsynced.iter().map(|chunk| chunk.file.name);
        for name in names.chain([self.file.name]) {
            if current.as_ref().is_some_and(|(open, _)| *open == name) {
                continue;
            }
            let file = self.storage.open(&name.path(&self.dir))?;
            for chunk in unsynced.iter().filter(|chunk| chunk.file.name == name) {
                write_all_at(&*file, &chunk.bytes, chunk.offset)?;
            }
            if name == self.file.name {
                file.set_len(self.offset)?;
            }
            file.sync_data()?;
            current = Some((name, file));
        }
        if let Some((name, file)) = current {
            self.file = SegmentFile::new(name, file);
        }
        Ok(())
    }
}

/// Creates a segment; an empty one left by a creation that did not get further is taken over.
pub(crate) fn create_segment(
    storage: &dyn Storage,
    dir: &Path,
    name: SegmentName,
) -> io::Result<Arc<SegmentFile>> {
    let path = name.path(dir);
    let file = match storage.create_new(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = storage.open(&path)?;
            file.set_len(0)?;
            file
        }
        created => created?,
    };
    storage.sync_dir(dir)?;
    Ok(SegmentFile::new(name, file))
}
