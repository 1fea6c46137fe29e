//! One pass over every record of a directory: what opening, reading and verifying have in common.
//!
//! The rule that separates a crash from tampering stands here. The writer syncs a segment before it starts the next
//! and signs only what is synced, so a crash can leave a defect only in the last segment and only above the signed
//! size. There it is a torn tail; anywhere else it is damage.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use hallpass_keys::Digest;
use hallpass_vocabulary::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::directory::{self, ListError, PRUNED, SegmentName};
use crate::line::{Head, LineDefect, RECORD_BYTES_MAX};
use crate::merkle::{Tree, leaf_hash};
use crate::{Checkpoint, Recovery, Storage, TornBecause};

/// Bytes read from a segment at a time.
const READ_BYTES: usize = 256 * 1024;

/// What is wrong with a journal that no crash explains.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// A line below the signed size, or not in the last segment, is not the record it must be.
    #[error("record {index}, line {line} of `{file}`: {defect}")]
    BadLine {
        /// The segment's file name.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The index of the record that should stand there.
        index: u64,
        /// What is wrong.
        defect: LineDefect,
    },
    /// A file cannot be read.
    #[error("cannot read `{file}`")]
    Io {
        /// Its name.
        file: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The signed records are not the ones in the files: at least one was altered, removed or put in.
    #[error(
        "the records up to {size} are not the ones that were signed; the first altered record may be any of them, from file `{first_file}` on"
    )]
    RootMismatch {
        /// The signed size.
        size: u64,
        /// The first segment.
        first_file: String,
    },
    /// A segment does not continue the one before it.
    #[error("segment `{found}` stands where the one starting at record {expected} must be")]
    SegmentMissing {
        /// The first index that has no file.
        expected: u64,
        /// The next segment there is.
        found: String,
    },
    /// A file is named almost like a segment.
    #[error("`{file}` is not named as a segment is")]
    SegmentName {
        /// Its name.
        file: String,
    },
    /// The file `pruned` is not of its form.
    #[error("`{PRUNED}` is not of its form")]
    PrunedFile,
    /// Records are gone, and nothing signed says that they were pruned.
    #[error("no signed record says that the records below {below} were pruned")]
    PruningNotRecorded {
        /// The first record that is there.
        below: u64,
    },
    /// Fewer records than were signed.
    #[error("{signed} records were signed, {found} are there: the signed tail is missing")]
    SignedTailMissing {
        /// The size of the checkpoint.
        signed: u64,
        /// The records there are.
        found: u64,
    },
}

/// Where a pass begins: everything before is known already.
#[derive(Debug, Clone, Default)]
pub(crate) struct Start {
    /// The records before it.
    pub(crate) tree: Tree,
    /// The segment it is in.
    pub(crate) segment: SegmentName,
    /// Where in that segment, in bytes: the end of a record, or 0.
    pub(crate) offset: u64,
    /// The time of the segment's first record, if that lies before.
    pub(crate) segment_started: Option<Timestamp>,
}

impl Start {
    /// Whether a record with the index before this place ends here. Without this, bytes put in before the place would
    /// read as a torn tail after it, and be cut.
    pub(crate) fn ends_a_record(&self, storage: &dyn Storage, dir: &Path) -> bool {
        let last = || {
            let path = self.segment.path(dir);
            let long_enough = storage.inspect(&path).ok()?.bytes >= self.offset;
            let from = self.offset.saturating_sub(RECORD_BYTES_MAX as u64 + 2);
            let mut bytes = Vec::new();
            storage
                .reader_at(&path, from)
                .ok()?
                .take(self.offset.checked_sub(from)?)
                .read_to_end(&mut bytes)
                .ok()?;
            let whole = bytes.strip_suffix(b"\n").filter(|_| long_enough)?;
            let line = whole.rsplit(|byte| *byte == b'\n').next()?;
            Head::parse(line).ok().map(|head| head.index)
        };
        last().is_some_and(|index| index.checked_add(1) == Some(self.tree.size()))
    }
}

/// What a pass is to do.
#[derive(Debug, Default)]
pub(crate) struct Plan<'a> {
    /// What must be there.
    pub(crate) checkpoint: Option<&'a Checkpoint>,
    pub(crate) start: Start,
    /// Sizes at which the place is wanted, in any order.
    pub(crate) marks: Vec<u64>,
}

/// What one pass found.
#[derive(Debug)]
pub(crate) struct Scan {
    /// Every whole record.
    pub(crate) tree: Tree,
    /// The last segment, if any.
    pub(crate) last: Option<LastSegment>,
    /// What is not a record at its end.
    pub(crate) torn: Option<TornTail>,
    /// The places of the marks that were passed, by rising size.
    pub(crate) marked: Vec<Start>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct LastSegment {
    pub(crate) name: SegmentName,
    /// Where its last whole record ends.
    pub(crate) good_bytes: u64,
    /// The time of its first record.
    pub(crate) started: Option<Timestamp>,
}

/// An unfinished end of the last segment, as a crash leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The segment's file name.
    pub file: String,
    /// The first line that is no record, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub defect: LineDefect,
    /// Everything from there on.
    pub dropped: Recovery,
}

/// One whole record, as the pass comes by.
pub(crate) struct Visited<'a> {
    pub(crate) head: Head<'a>,
    /// Without its line end.
    pub(crate) line: &'a [u8],
}

/// Reads every segment from a place on, checks every line, and compares the tree with the checkpoint.
pub(crate) fn scan(
    storage: &dyn Storage,
    dir: &Path,
    plan: Plan<'_>,
    visit: &mut dyn FnMut(&Visited<'_>),
) -> Result<Scan, Damage> {
    let mut segments = directory::segments(storage, dir).map_err(|error| match error {
        ListError::Io(source) => Damage::Io {
            file: ".".to_owned(),
            source,
        },
        ListError::Name { name } => Damage::SegmentName { file: name },
    })?;
    let Plan {
        checkpoint,
        start,
        mut marks,
    } = plan;
    segments.retain(|name| *name >= start.segment);
    if start.segment.0 > 0 && segments.is_empty() {
        return Err(Damage::SegmentMissing {
            expected: start.segment.0,
            found: "nothing".to_owned(),
        });
    }
    marks.sort_unstable_by(|a, b| b.cmp(a));
    let began = start.clone();
    let signed = checkpoint.map_or(0, |checkpoint| checkpoint.size);
    let mut pass = Pass {
        tree: start.tree,
        checkpoint,
        matched: signed == 0,
        first_file: segments
            .first()
            .map(|name| name.file_name())
            .unwrap_or_default(),
        marks,
        marked: Vec::new(),
        visit,
    };
    pass.mark(|| began);
    pass.compare()?;
    let mut last = None;
    let mut torn = None;
    for (position, name) in segments.iter().enumerate() {
        let is_first = position == 0;
        let expected = if is_first {
            start.segment.0
        } else {
            pass.tree.size()
        };
        if name.0 != expected {
            return Err(Damage::SegmentMissing {
                expected,
                found: name.file_name(),
            });
        }
        let is_last = position + 1 == segments.len();
        let mut segment = LastSegment {
            name: *name,
            good_bytes: if is_first { start.offset } else { 0 },
            started: start.segment_started.filter(|_| is_first),
        };
        torn = pass.segment(storage, dir, &mut segment, is_last)?;
        last = Some(segment);
    }
    let found = pass.tree.size();
    if !pass.matched {
        return Err(Damage::SignedTailMissing { signed, found });
    }
    Ok(Scan {
        tree: pass.tree,
        last,
        torn,
        marked: pass.marked,
    })
}

struct Pass<'a> {
    tree: Tree,
    checkpoint: Option<&'a Checkpoint>,
    /// Whether the tree has had the signed size, with the signed root.
    matched: bool,
    first_file: String,
    /// By falling size: the next one is the last.
    marks: Vec<u64>,
    marked: Vec<Start>,
    visit: &'a mut dyn FnMut(&Visited<'_>),
}

impl Pass<'_> {
    /// Reads one segment from where its known records end; gives what follows its whole records.
    fn segment(
        &mut self,
        storage: &dyn Storage,
        dir: &Path,
        segment: &mut LastSegment,
        is_last: bool,
    ) -> Result<Option<TornTail>, Damage> {
        let name = segment.name;
        let file = name.file_name();
        let io = |source| Damage::Io {
            file: name.file_name(),
            source,
        };
        let path = name.path(dir);
        let reader = storage.reader_at(&path, segment.good_bytes).map_err(io)?;
        let mut reader = BufReader::with_capacity(READ_BYTES, reader);
        let mut line = Vec::new();
        while next_line(&mut reader, &mut line).map_err(io)? {
            match self.record(&line) {
                Ok(()) => {
                    segment.good_bytes = segment.good_bytes.saturating_add(line.len() as u64);
                    if segment.started.is_none() {
                        let head = line.strip_suffix(b"\n").and_then(Head::of_record);
                        segment.started = head.and_then(|head| head.timestamp());
                    }
                }
                Err(defect) => {
                    let index = self.tree.size();
                    // One record a line.
                    let number = index.saturating_sub(name.0).saturating_add(1);
                    if !is_last || !self.matched {
                        // A line cut short right at the end of everything is a missing tail, not a bad line.
                        let at_end = is_last
                            && defect == LineDefect::NoLineEnd
                            && reader.fill_buf().map_err(io)?.is_empty();
                        return Err(match self.checkpoint {
                            Some(checkpoint) if at_end => Damage::SignedTailMissing {
                                signed: checkpoint.size,
                                found: index,
                            },
                            _ => Damage::BadLine {
                                file,
                                line: number,
                                index,
                                defect,
                            },
                        });
                    }
                    let dropped = digest_rest(&line, &mut reader, defect).map_err(io)?;
                    let torn = TornTail {
                        file,
                        line: number,
                        defect,
                        dropped,
                    };
                    return Ok(Some(torn));
                }
            }
            let tree = &self.tree;
            if self.marks.last().is_some_and(|mark| *mark <= tree.size()) {
                let place = Start {
                    tree: tree.clone(),
                    segment: name,
                    offset: segment.good_bytes,
                    segment_started: segment.started,
                };
                self.mark(|| place);
            }
            self.compare()?;
        }
        Ok(None)
    }

    /// Keeps this place if it is marked. Marks before it lie where nothing is read.
    fn mark(&mut self, place: impl FnOnce() -> Start) {
        let size = self.tree.size();
        let mut marked = false;
        while let Some(mark) = self.marks.pop_if(|mark| *mark <= size) {
            marked |= mark == size;
        }
        if marked {
            self.marked.push(place());
        }
    }

    /// At the signed size, the root must be the signed one.
    fn compare(&mut self) -> Result<(), Damage> {
        if let Some(checkpoint) = self.checkpoint
            && self.tree.size() == checkpoint.size
        {
            if self.tree.root() != checkpoint.root {
                return Err(Damage::RootMismatch {
                    size: checkpoint.size,
                    first_file: self.first_file.clone(),
                });
            }
            self.matched = true;
        }
        Ok(())
    }

    fn record(&mut self, line: &[u8]) -> Result<(), LineDefect> {
        let line = match line.strip_suffix(b"\n") {
            Some(line) => line,
            None if line.len() > RECORD_BYTES_MAX => return Err(LineDefect::TooLong),
            None => return Err(LineDefect::NoLineEnd),
        };
        let head = Head::parse(line)?;
        if head.index != self.tree.size() {
            return Err(LineDefect::Index { found: head.index });
        }
        self.tree.push(leaf_hash(line));
        (self.visit)(&Visited { head, line });
        Ok(())
    }
}

/// Reads a line with its end, at most one byte more than a record may have; false at the end of the file.
pub(crate) fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let limit = RECORD_BYTES_MAX as u64 + 1;
    reader.by_ref().take(limit).read_until(b'\n', line)?;
    Ok(!line.is_empty())
}

fn digest_rest(
    first: &[u8],
    reader: &mut impl BufRead,
    defect: LineDefect,
) -> io::Result<Recovery> {
    let mut hasher = Sha256::new();
    let (mut bytes, mut lines) = (0_u64, 0_u64);
    let mut take = |part: &[u8]| {
        hasher.update(part);
        bytes = bytes.saturating_add(part.len() as u64);
        lines = lines.saturating_add(part.iter().filter(|byte| **byte == b'\n').count() as u64);
    };
    take(first);
    loop {
        let part = reader.fill_buf()?;
        if part.is_empty() {
            break;
        }
        take(part);
        let consumed = part.len();
        reader.consume(consumed);
    }
    let why = if defect == LineDefect::NoLineEnd {
        TornBecause::NoLineEnd
    } else {
        TornBecause::BadLine
    };
    Ok(Recovery {
        bytes,
        lines,
        digest: Digest::from_bytes(hasher.finalize().into()),
        why,
    })
}
