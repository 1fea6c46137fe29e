//! The end of the file: the only code that writes records. Owned by one thread at a time, locked by none.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hallpass_vocabulary::Timestamp;

use crate::background::{RELAXED_SYNC, RETRY};
use crate::core::is_full;
use crate::directory::SegmentName;
use crate::line::{Body, TimeText};
use crate::presence::{Gone, Length, Presence};
use crate::reserve::Reserve;
use crate::sensitive::SensitiveKeys;
use crate::storage::{holds_at, write_all_at};
use crate::{FileId, Settings, Storage, StoredFile};

/// An open segment. Once a sync has failed no later one can succeed: the kernel reports an error once, and what it
/// dropped then looks clean.
pub(crate) struct SegmentFile {
    name: SegmentName,
    id: FileId,
    file: Box<dyn StoredFile>,
    failed: Mutex<bool>,
}

impl SegmentFile {
    pub(crate) fn new(name: SegmentName, file: Box<dyn StoredFile>) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            name,
            id: file.inspect()?,
            file,
            failed: Mutex::new(false),
        }))
    }

    pub(crate) fn name(&self) -> SegmentName {
        self.name
    }

    /// Which file it is. The descriptor is kept open, so that the device does not give its number to another.
    pub(crate) fn id(&self) -> &FileId {
        &self.id
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
    pub(crate) offset: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Chunk {
    /// Where it ends in its segment.
    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(self.bytes.len() as u64)
    }
}

/// Where the next record goes.
#[derive(Debug)]
pub(crate) struct Writer {
    storage: Arc<dyn Storage>,
    dir: PathBuf,
    presence: Arc<Presence>,
    reserve: Arc<Reserve>,
    segment_bytes: u64,
    keys: Arc<SensitiveKeys>,
    segment_age: Duration,
    file: Arc<SegmentFile>,
    /// Where the last good record of the segment ends.
    offset: u64,
    /// The furthest that anything was written, while a failed write has not been taken back.
    reached: u64,
    next_index: u64,
    /// The time of the segment's first record; none while it has none.
    started: Option<Timestamp>,
    /// After the device was too full for a new segment.
    rotate_not_before: Option<Instant>,
    /// When the length of the file was last looked at.
    looked_at: Option<Instant>,
}

/// Where a writer stands when it is opened.
#[derive(Debug)]
pub(crate) struct Position {
    pub(crate) file: Arc<SegmentFile>,
    /// Where the last good record of the segment ends.
    pub(crate) offset: u64,
    pub(crate) next_index: u64,
    /// The time of the segment's first record; none while it has none.
    pub(crate) started: Option<Timestamp>,
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
        dir: &Path,
        settings: &Settings,
        presence: Arc<Presence>,
        reserve: Arc<Reserve>,
        keys: Arc<SensitiveKeys>,
        position: Position,
    ) -> Self {
        Self {
            storage: Arc::clone(&settings.storage),
            dir: dir.to_owned(),
            presence,
            reserve,
            segment_bytes: settings.segment_bytes,
            keys,
            segment_age: settings.segment_age,
            started: position.started,
            file: position.file,
            offset: position.offset,
            reached: position.offset,
            next_index: position.next_index,
            rotate_not_before: None,
            looked_at: None,
        }
    }

    /// The index the next record will have.
    pub(crate) fn next_index(&self) -> u64 {
        self.next_index
    }

    /// Writes these records as [`Writer::write`] does, and where the device is full gives up the reserve for them.
    pub(crate) fn write_at_all_costs(
        &mut self,
        bodies: &[&Body],
        now: Timestamp,
    ) -> Result<Chunk, WriteFailed> {
        let reserve = Arc::clone(&self.reserve);
        let may_go_on = |failed: &WriteFailed| failed.intact && is_full(&failed.error);
        reserve.retry(may_go_on, || self.write(bodies, now))
    }

    /// Writes these records, all or none; the first has the index [`Writer::next_index`] had before.
    pub(crate) fn write(&mut self, bodies: &[&Body], now: Timestamp) -> Result<Chunk, WriteFailed> {
        if self.offset >= self.segment_bytes || self.is_old(now) {
            self.rotate()?;
        }
        let time = TimeText::of(now);
        let mut bytes = Vec::new();
        let mut index = self.next_index;
        for body in bodies {
            bytes.reserve(body.line_bytes_max());
            body.write_line(index, &time, &mut bytes);
            index = index.saturating_add(1);
        }
        self.check_length_if_due()?;
        let end = self.offset.saturating_add(bytes.len() as u64);
        self.reached = self.reached.max(end);
        match write_all_at(&*self.file.file, &bytes, self.offset) {
            Ok(()) => {
                let offset = self.offset;
                self.offset = end;
                self.next_index = index;
                self.started.get_or_insert(now);
                Ok(Chunk {
                    file: Arc::clone(&self.file),
                    offset,
                    bytes,
                })
            }
            Err(error) => {
                if is_full(&error) {
                    self.reserve.device_is_full();
                }
                Err(self.take_back(error))
            }
        }
    }

    /// Whether there may be more in the file than its last good record: a part of what could not be taken back.
    pub(crate) fn may_hold_more(&self) -> bool {
        let found = self.file.file.inspect();
        found.map_or(true, |found| found.bytes > self.offset)
    }

    /// Whether the segment began long enough ago. Where the clock has stepped back behind its beginning, the age is counted
    /// from there, so that one step of the clock starts one segment at most.
    fn is_old(&mut self, now: Timestamp) -> bool {
        let Some(started) = self.started else {
            return false;
        };
        if now < started {
            self.started = Some(now);
            return false;
        }
        now >= started.after(self.segment_age)
    }

    /// Looks at the length as often as records are synced: it costs half of what a small write does.
    fn check_length_if_due(&mut self) -> Result<(), WriteFailed> {
        let now = Instant::now();
        if self.looked_at.is_some_and(|at| now < at + RELAXED_SYNC) {
            return Ok(());
        }
        self.check_length()?;
        self.looked_at = Some(now);
        Ok(())
    }

    /// The file ends where we ended it: nobody else's record is written over, and none of ours is missing.
    fn check_length(&self) -> Result<(), WriteFailed> {
        let found = self.file.file.inspect();
        let as_left = found.and_then(|found| {
            if found.bytes == self.offset {
                Ok(())
            } else {
                Err(Gone.into())
            }
        });
        as_left.map_err(|error| WriteFailed {
            error,
            intact: false,
        })
    }

    /// Starts the next segment. The full one is synced first, so that a defect outside the last is never a crash. Where
    /// there is no space for another, the old one goes on.
    fn rotate(&mut self) -> Result<(), WriteFailed> {
        let now = Instant::now();
        if self.rotate_not_before.is_some_and(|at| now < at) {
            return Ok(());
        }
        self.file.sync().map_err(|error| WriteFailed {
            error,
            intact: false,
        })?;
        let failed = |error| WriteFailed {
            intact: !Gone::is(&error),
            error,
        };
        // Not in a directory that has taken the place of ours.
        self.presence.check_directory().map_err(failed)?;
        let name = SegmentName(self.next_index);
        // The key first: the segment is not there before the key that its records use.
        let key = self.keys.renew(name.0);
        match key.and_then(|()| create_segment(&*self.storage, &self.dir, name)) {
            Ok(file) => {
                self.file = file;
                self.offset = 0;
                self.reached = 0;
                self.started = None;
                self.rotate_not_before = None;
                Ok(())
            }
            Err(error) if is_full(&error) => {
                self.remove_unused(name).map_err(failed)?;
                self.rotate_not_before = Some(now + RETRY);
                Ok(())
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// What is left of a segment that could not be created: with the old one going on, its name would be wrong.
    fn remove_unused(&self, name: SegmentName) -> io::Result<()> {
        match self.storage.remove(&name.path(&self.dir)) {
            Ok(()) => self.storage.sync_dir(&self.dir),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes back a half-written batch, through a new descriptor.
    fn take_back(&mut self, error: io::Error) -> WriteFailed {
        match self.cut() {
            Ok(()) => WriteFailed {
                error,
                intact: true,
            },
            Err(cut) => WriteFailed {
                error: if Gone::is(&cut) { cut } else { error },
                intact: false,
            },
        }
    }

    fn cut(&mut self) -> io::Result<()> {
        let file = self.reopen(&self.file)?;
        file.set_len(self.offset)?;
        self.file = SegmentFile::new(self.file.name, file)?;
        self.reached = self.offset;
        Ok(())
    }

    /// A new descriptor of the same file, never of one that has taken its name.
    fn reopen(&self, segment: &SegmentFile) -> io::Result<Box<dyn StoredFile>> {
        let opened = self.storage.open(&segment.name.path(&self.dir));
        let file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Gone.into(),
            _ => error,
        })?;
        if file.inspect()?.is_file(&segment.id) {
            Ok(file)
        } else {
            Err(Gone.into())
        }
    }

    /// Whether the files of these chunks and the one that is written now are the journal's own, and as long as they were
    /// written. Nobody writes meanwhile: that would be by this.
    ///
    /// # Errors
    /// [`Gone`], or that it cannot be known.
    pub(crate) fn check_presence(&self, chunks: &[Chunk]) -> io::Result<()> {
        let others = chunks
            .iter()
            .filter(|chunk| chunk.file.name != self.file.name);
        check_presence(&self.presence, others)?;
        let length = Length {
            least: self.offset,
            most: self.reached,
        };
        self.presence.check_segment(&self.file, length)
    }

    /// After a failed sync or cut: opens every file anew, puts what was not synced there once more and syncs it.
    ///
    /// Writing the same bytes again makes the kernel write them out again, which it does not do by itself for what it
    /// has once failed to write.
    pub(crate) fn repair(&mut self, unsynced: &[Chunk]) -> io::Result<()> {
        self.check_presence(unsynced)?;
        let mut current = None;
        let segments = unsynced.iter().map(|chunk| &chunk.file);
        for segment in segments.chain([&self.file]) {
            let name = segment.name;
            if current.as_ref().is_some_and(|(open, _)| *open == name) {
                continue;
            }
            let file = self.reopen(segment)?;
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
            self.file = SegmentFile::new(name, file)?;
            self.reached = self.offset;
        }
        Ok(())
    }
}

/// Whether the directory and the segments of these chunks are there, and hold the chunks. Somebody may be writing
/// meanwhile.
///
/// # Errors
/// [`Gone`], or that it cannot be known.
pub(crate) fn check_presence<'a>(
    presence: &Presence,
    chunks: impl DoubleEndedIterator<Item = &'a Chunk>,
) -> io::Result<()> {
    presence.check_directory()?;
    let mut checked = None;
    for chunk in chunks.rev() {
        if checked != Some(chunk.file.name) {
            let length = Length {
                least: chunk.end(),
                most: u64::MAX,
            };
            presence.check_segment(&chunk.file, length)?;
            checked = Some(chunk.file.name);
        }
    }
    Ok(())
}

/// The files hold what was written, and the line end before it: somebody may have cut one between two writes, and the second
/// has made it as long as it was.
///
/// # Errors
/// [`Gone`], or that it cannot be known.
pub(crate) fn check_content(chunks: &[Chunk]) -> io::Result<()> {
    let mut end: Option<(SegmentName, u64)> = None;
    for chunk in chunks {
        let file = &*chunk.file.file;
        let follows = chunk.offset == 0 || end == Some((chunk.file.name, chunk.offset));
        let whole = (follows || holds_at(file, b"\n", chunk.offset.saturating_sub(1))?)
            && holds_at(file, &chunk.bytes, chunk.offset)?;
        if !whole {
            return Err(Gone.into());
        }
        end = Some((chunk.file.name, chunk.end()));
    }
    Ok(())
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
            // We have written nothing under this name: whoever has is not us.
            if file.inspect()?.bytes > 0 {
                return Err(Gone.into());
            }
            file
        }
        created => created?,
    };
    storage.sync_dir(dir)?;
    SegmentFile::new(name, file)
}
