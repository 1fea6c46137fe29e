//! Reading a journal, also while it is written. Nothing here writes, locks or believes.
//!
//! Records come in order. What was altered is found by [`verify`](crate::verify), not here.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hallpass_vocabulary::Timestamp;

use crate::directory::{self, ListError, SegmentName};
use crate::line::Head;
use crate::pruned::PrunedFile;
use crate::scan::next_line;
use crate::storage::open_regular;
use crate::{Event, LineDefect, OsStorage};

mod filter;
mod lines;

pub use filter::Filter;
pub use lines::{Lines, LinesError};

/// One record: what every record has, and its line. `Debug` hides the line: it may show arguments.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    index: u64,
    time: Timestamp,
    kind: String,
    line: String,
}

impl Record {
    pub(crate) fn parse(line: &[u8]) -> Result<Self, LineDefect> {
        let head = Head::parse(line)?;
        Ok(Self {
            index: head.index,
            time: head.timestamp().ok_or(LineDefect::Head)?,
            kind: head.kind.to_owned(),
            line: std::str::from_utf8(line)
                .map_err(|_| LineDefect::Json)?
                .to_owned(),
        })
    }

    /// Its place in the journal, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// When it was written, by the writer's clock.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// What kind of record it is, also when this version does not know it.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The line as it stands in the file, without its end.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Its content, typed.
    ///
    /// # Errors
    /// When this version does not know its kind or form; the line is there all the same.
    pub fn event(&self) -> Result<Event, UnknownEvent> {
        serde_json::from_str(&self.line).map_err(|source| UnknownEvent {
            kind: self.kind.clone(),
            source,
        })
    }

    /// Its content as plain JSON.
    pub fn json(&self) -> serde_json::Value {
        // A record has been parsed strictly before, so this does not fail; a null would say that it did.
        serde_json::from_str(&self.line).unwrap_or_default()
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("index", &self.index)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A record of a kind or form this version does not know.
#[derive(Debug, thiserror::Error)]
#[error("a record of kind `{kind}` is not in a form this version knows")]
pub struct UnknownEvent {
    kind: String,
    #[source]
    source: serde_json::Error,
}

/// A journal that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A line is no record.
    #[error("line {line} of `{file}`: {defect}")]
    BadLine {
        /// The segment's file name.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        defect: LineDefect,
    },
    /// The directory has no segment.
    #[error("`{}` is not a journal directory", dir.display())]
    NoJournal {
        /// Which.
        dir: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The record is no longer there.
    #[error("record {index} was pruned: the first one that is there is {first}")]
    Pruned {
        /// The record asked for.
        index: u64,
        /// The first one there is.
        first: u64,
    },
    /// A file is named almost like a segment.
    #[error("`{name}` is not named as a segment is")]
    SegmentName {
        /// Its name.
        name: String,
    },
}

/// The records of a journal from its first segment on.
///
/// # Errors
/// When the directory is no journal or cannot be read.
pub fn records(dir: &Path) -> Result<Records, ReadError> {
    let first = *segments(dir)?.first();
    Records::starting_at(dir, first, first.0)
}

/// The records from this index on, also those written later. Reads no segment before the one it is in.
///
/// # Errors
/// As [`records`], and [`ReadError::Pruned`] when the record is no longer there.
pub fn records_from(dir: &Path, index: u64) -> Result<Records, ReadError> {
    let segments = segments(dir)?;
    let segment = segments.before(index).ok_or_else(|| ReadError::Pruned {
        index,
        first: segments.first().0,
    })?;
    Records::starting_at(dir, segment, index)
}

/// At least this many of the newest records, if there are so many, in order. Reads the last segment, and as much before
/// it as is needed.
///
/// # Errors
/// As [`records`].
pub fn newest(dir: &Path, count: u64) -> Result<Records, ReadError> {
    let segments = segments(dir)?;
    let from = segments.last().0.saturating_sub(count);
    let segment = segments.before(from).unwrap_or(*segments.first());
    Records::starting_at(dir, segment, from)
}

/// The segments of a journal, in order, and the last of them.
struct Segments(Vec<SegmentName>, SegmentName);

impl Segments {
    fn first(&self) -> &SegmentName {
        self.0.first().unwrap_or(&self.1)
    }

    fn last(&self) -> &SegmentName {
        &self.1
    }

    /// The one with the record of this index, if any has it or will have it.
    fn before(&self, index: u64) -> Option<SegmentName> {
        self.0.iter().rev().find(|name| name.0 <= index).copied()
    }
}

fn segments(dir: &Path) -> Result<Segments, ReadError> {
    let mut segments = directory::segments(&OsStorage, dir).map_err(|error| match error {
        ListError::Io(source) => ReadError::Io {
            path: dir.to_owned(),
            source,
        },
        ListError::Name { name } => ReadError::SegmentName { name },
    })?;
    // What an interrupted pruning left over is no longer part of the journal.
    if let Ok(Some(pruned)) = PrunedFile::load(&OsStorage, dir)
        && segments.contains(&pruned.start().segment)
    {
        segments.retain(|name| *name >= pruned.start().segment);
    }
    let last = segments
        .last()
        .copied()
        .ok_or_else(|| ReadError::NoJournal {
            dir: dir.to_owned(),
        })?;
    Ok(Segments(segments, last))
}

/// Calls `on_record` with every record from `from` on, and with new ones as they are written, until it breaks.
///
/// Looks for new ones every `pause`.
///
/// # Errors
/// As [`records_from`].
pub fn follow(
    dir: &Path,
    from: u64,
    pause: Duration,
    mut on_record: impl FnMut(Record) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    let mut records = records_from(dir, from)?;
    loop {
        while let Some(record) = records.next_written()? {
            if on_record(record).is_break() {
                return Ok(());
            }
        }
        std::thread::sleep(pause);
    }
}

/// A place in a journal. As an iterator it ends where the journal ends at that moment; after an error it has ended.
#[derive(Debug)]
pub struct Records {
    dir: PathBuf,
    segment: SegmentName,
    reader: BufReader<File>,
    /// Where the next line starts.
    offset: u64,
    line: u64,
    next_index: u64,
    /// Records before it are passed over.
    from: u64,
    failed: bool,
}

impl Records {
    fn starting_at(dir: &Path, segment: SegmentName, from: u64) -> Result<Self, ReadError> {
        let path = segment.path(dir);
        let file = open_regular(&path).map_err(|source| ReadError::Io { path, source })?;
        Ok(Self {
            dir: dir.to_owned(),
            segment,
            reader: BufReader::new(file),
            offset: 0,
            line: 1,
            next_index: segment.0,
            from,
            failed: false,
        })
    }

    /// The next record, if it is written already. May be called again later.
    ///
    /// A line without its end is a record being written, or a torn tail: there is no record yet.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn next_written(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            let io = |source| ReadError::Io {
                path: self.segment.path(&self.dir),
                source,
            };
            let mut line = Vec::new();
            next_line(&mut self.reader, &mut line).map_err(io)?;
            if let Some(whole) = line.strip_suffix(b"\n") {
                match self.take(whole, line.len())? {
                    Some(record) => return Ok(Some(record)),
                    None => continue,
                }
            }
            if line.len() > crate::RECORD_BYTES_MAX {
                return Err(self.bad_line(LineDefect::TooLong));
            }
            // The writer may take back what it could not write whole: read it anew the next time.
            self.reader.seek(SeekFrom::Start(self.offset)).map_err(io)?;
            let next = SegmentName(self.next_index);
            // Named by exactly the next index, so nothing can have been added to the old segment in between.
            let rotated = line.is_empty() && next != self.segment && next.path(&self.dir).exists();
            if !rotated {
                return Ok(None);
            }
            *self = Self::starting_at(&self.dir, next, self.from)?;
        }
    }

    /// The record of a line, if it is wanted. One that is passed over is looked at only as far as its index.
    fn take(&mut self, line: &[u8], bytes: usize) -> Result<Option<Record>, ReadError> {
        let (found, record) = if self.next_index < self.from {
            let head = Head::of_record(line).ok_or_else(|| self.bad_line(LineDefect::Head))?;
            (head.index, None)
        } else {
            let record = Record::parse(line).map_err(|defect| self.bad_line(defect))?;
            (record.index, Some(record))
        };
        if found != self.next_index {
            return Err(self.bad_line(LineDefect::Index { found }));
        }
        self.offset = self.offset.saturating_add(bytes as u64);
        self.line = self.line.saturating_add(1);
        self.next_index = self.next_index.saturating_add(1);
        Ok(record)
    }

    fn bad_line(&self, defect: LineDefect) -> ReadError {
        ReadError::BadLine {
            file: self.segment.file_name(),
            line: self.line,
            defect,
        }
    }
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.next_written().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}
