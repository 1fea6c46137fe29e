//! The records of a verifier's journal, as they were shipped: a directory that reads and verifies as the journal itself does.
//!
//! What arrives is written behind what is kept, and is kept once the tree over all of it has the root of a checkpoint that was
//! witnessed. What is not kept when the authority stops, or turns out to be something else, is cut off again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_journal::SEGMENT_BYTES_DEFAULT;
use hallpass_journal::merkle::{Hash, Tree};
use hallpass_journal::shipping::{self, ShipmentError};

use super::witness::Signed;
use crate::file::{self, FileError, failed};

/// The most bytes of lines in one shipment.
pub(crate) const SHIPMENT_LINES_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How far the journal is kept.
const STATE_FILE: &str = "shipped.json";
const STATE_BYTES_MAX: usize = 16 * 1024;
const FORMAT: &str = "hallpass-shipped/1";

/// A shipment that was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unshipped {
    #[error("it goes beyond the checkpoint that is to be reached")]
    Beyond,
    /// All that was not kept is gone again.
    #[error("the records are not those that were signed")]
    Differs { size: u64, root: Hash },
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Lines(#[from] ShipmentError),
    #[error("record {expected} is next, and not {found}")]
    OutOfOrder { expected: u64, found: u64 },
    #[error("what is kept of the journal cannot be read")]
    State,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Records that arrived: the next one's index.
    pub(crate) held: u64,
    /// Records that are kept.
    pub(crate) acknowledged: u64,
}

/// The copy of one journal.
#[derive(Debug)]
pub(crate) struct Shipped {
    directory: PathBuf,
    kept: Place,
    held: Place,
    /// The last segment, once something was written to it.
    file: Option<File>,
}

/// A size of the copy, and where it ends.
#[derive(Debug, Clone, Default)]
struct Place {
    tree: Tree,
    segment: u64,
    offset: u64,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: String,
    size: u64,
    segment: u64,
    offset: u64,
    hashes: Vec<String>,
}

impl Shipped {
    /// The copy in a directory, which is made when there is none. What was not kept is cut off.
    pub(crate) fn open(directory: &Path, journal_key: &str) -> Result<Self, Unshipped> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
            .create(directory)
            .map_err(failed("create", directory))?;
        let state = file::read(&directory.join(STATE_FILE), STATE_BYTES_MAX)?;
        let kept = match state {
            Some(text) => Place::parse(&text).ok_or(Unshipped::State)?,
            None => {
                file::replace(
                    &directory.join("journal.vkey"),
                    format!("{journal_key}\n").as_bytes(),
                )?;
                Place::default()
            }
        };
        let mut shipped = Self {
            directory: directory.to_owned(),
            held: kept.clone(),
            kept,
            file: None,
        };
        shipped.cut()?;
        Ok(shipped)
    }

    pub(crate) fn is_at(&self) -> Kept {
        Kept {
            held: self.held.tree.size(),
            acknowledged: self.kept.tree.size(),
        }
    }

    /// Takes lines, the first of which is record `from`, on the way to a checkpoint; keeps all of it when that is reached. A copy
    /// that has nothing yet may begin behind records that the journal itself no longer has, with the tree over those.
    pub(crate) fn take(
        &mut self,
        lines: &[u8],
        from: u64,
        before: Option<Tree>,
        target: &Signed,
    ) -> Result<Kept, Unshipped> {
        if let Some(before) = before
            && self.held.tree.size() == 0
            && before.size() == from
        {
            self.begin(before)?;
        }
        let expected = self.held.tree.size();
        if from != expected {
            let found = from;
            return Err(Unshipped::OutOfOrder { expected, found });
        }
        let leaves = shipping::leaves(lines, from)?;
        let size = expected.saturating_add(leaves.len() as u64);
        if size > target.size {
            return Err(Unshipped::Beyond);
        }
        let path = self.segment();
        self.write(lines).map_err(failed("write", &path))?;
        for leaf in leaves {
            self.held.tree.push(leaf);
        }
        if size == target.size {
            self.reach(target)?;
        }
        Ok(self.is_at())
    }

    /// The first record is one of a later segment.
    fn begin(&mut self, before: Tree) -> Result<(), Unshipped> {
        let Some(pruned) = shipping::pruned_file(&before) else {
            return Ok(());
        };
        file::replace(&self.directory.join("pruned"), &pruned)?;
        self.held = Place {
            segment: before.size(),
            offset: 0,
            tree: before,
        };
        Ok(())
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.held.offset >= SEGMENT_BYTES_DEFAULT {
            if let Some(full) = self.file.take() {
                full.sync_all()?;
            }
            self.held.segment = self.held.tree.size();
            self.held.offset = 0;
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => {
                let mut options = OpenOptions::new();
                options.write(true).create(true).truncate(false).mode(0o600);
                options.open(self.segment())?
            }
        };
        // Where a write failed half-way, the next one is over it.
        file.seek(SeekFrom::Start(self.held.offset))?;
        file.write_all(lines)?;
        self.held.offset += lines.len() as u64;
        self.file = Some(file);
        Ok(())
    }

    fn reach(&mut self, target: &Signed) -> Result<(), Unshipped> {
        let (size, root) = (self.held.tree.size(), self.held.tree.root());
        if root != target.root {
            self.held = self.kept.clone();
            self.cut()?;
            return Err(Unshipped::Differs { size, root });
        }
        let path = self.segment();
        if let Some(file) = &self.file {
            // What is behind the lines was written once and failed.
            file.set_len(self.held.offset)
                .and_then(|()| file.sync_all())
                .map_err(failed("sync", &path))?;
        }
        file::sync_directory(&self.directory)?;
        file::replace(&self.directory.join("checkpoint"), target.note.as_bytes())?;
        file::replace(&self.directory.join(STATE_FILE), &self.held.bytes())?;
        self.kept = self.held.clone();
        // There may be as many copies as verifiers, and a process has only so many files.
        self.file = None;
        Ok(())
    }

    /// Takes away what is not kept.
    fn cut(&mut self) -> Result<(), Unshipped> {
        self.file = None;
        let kept = self.kept.tree.size() > 0;
        for entry in fs::read_dir(&self.directory).map_err(failed("read", &self.directory))? {
            let path = entry.map_err(failed("read", &self.directory))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(number) = name.and_then(|name| name.strip_suffix(".jsonl")) else {
                continue;
            };
            let number: u64 = number.parse().map_err(|_| Unshipped::State)?;
            if !kept || number > self.kept.segment {
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            } else if number == self.kept.segment {
                OpenOptions::new()
                    .write(true)
                    .open(&path)
                    .and_then(|file| file.set_len(self.kept.offset))
                    .map_err(failed("cut", &path))?;
            }
        }
        Ok(())
    }

    fn segment(&self) -> PathBuf {
        self.directory
            .join(format!("{:020}.jsonl", self.held.segment))
    }
}

/// How many records of a journal are kept in a directory; 0 where there are none.
pub(crate) fn kept_in(directory: &Path) -> u64 {
    let state = file::read(&directory.join(STATE_FILE), STATE_BYTES_MAX);
    let place = state.ok().flatten().and_then(|text| Place::parse(&text));
    place.map_or(0, |place| place.tree.size())
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let state: State = serde_json::from_str(text).ok()?;
        let hash = |text: &String| STANDARD.decode(text).ok()?.try_into().ok();
        let hashes: Option<Vec<Hash>> = state.hashes.iter().map(hash).collect();
        Some(Self {
            tree: Tree::of_frontier(state.size, hashes?).filter(|_| state.format == FORMAT)?,
            segment: state.segment,
            offset: state.offset,
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let state = State {
            format: FORMAT.to_owned(),
            size: self.tree.size(),
            segment: self.segment,
            offset: self.offset,
            hashes: self
                .tree
                .frontier()
                .iter()
                .map(|it| STANDARD.encode(it))
                .collect(),
        };
        let mut bytes = serde_json::to_vec(&state).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}
