//! The file `snapshot`: what the writer knew at one size, signed, so that the next start reads only what came after.
//!
//! It is never needed. One that does not fit is ignored and every record is read, so a wrong one costs time and nothing
//! else.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_keys::note::{NoteSigner, NoteVerifier, SignedNote};
use hallpass_vocabulary::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::directory::{self, SNAPSHOT, SegmentName, temporary};
use crate::history::{History, Pruning};
use crate::line::Head;
use crate::memory::Memory;
use crate::merkle::Tree;
use crate::pruned::{PrunedFile, decode_hashes, encode_hashes};
use crate::scan::{Start, Visited};
use crate::storage::replace_file;
use crate::writer::Chunk;
use crate::{Pruned, Storage, Text};

/// The first line of the signed text, and the member `format`. No origin is so, thus no checkpoint begins so.
const FORMAT: &str = "hallpass-snapshot/1";
/// A snapshot is due after this many records: a restart reads at most that many and those of one second more, which takes
/// a third of a second.
pub(crate) const SNAPSHOT_RECORDS: u64 = 100_000;
/// The longest line, in bytes: the first one, with a frontier of 64 hashes and some 20,000 segments. A journal of more is read
/// whole at every start.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// The first line.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    origin: String,
    size: u64,
    /// The segments before that of the last record: the first index and the bytes of each.
    before: Vec<(u64, u64)>,
    segment: u64,
    offset: u64,
    hashes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    segment_started: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latest_time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boot: Option<Text>,
    closed: bool,
    refusal_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pruned: Option<Pruned>,
}

/// The last line.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Footer {
    note: String,
}

/// A snapshot that the journal's key has signed and that fits its files as far as was looked.
pub(crate) struct Snapshot {
    /// Where to read on.
    pub(crate) start: Start,
    pub(crate) history: History,
    pub(crate) memory: Memory,
}

impl Snapshot {
    /// Reads the snapshot of a directory; none if there is none to be believed.
    ///
    /// `signed` is the size of the checkpoint: a snapshot of more is not of this directory. `below` is the first record that
    /// is kept.
    pub(crate) fn load(
        storage: &dyn Storage,
        dir: &Path,
        verifier: &NoteVerifier,
        signed: u64,
        below: u64,
    ) -> Option<Self> {
        let memory = Memory::default();
        let mut header = read(storage, dir, verifier, &memory)?;
        header.before.retain(|(first, _)| *first >= below);
        // What is missing or cut there is found by reading all of it.
        if header.before != before(storage, dir, below, SegmentName(header.segment))? {
            return None;
        }
        let (start, history) = header.parts()?;
        let fits = start.tree.size() <= signed && start.ends_a_record(storage, dir);
        fits.then_some(Self {
            start,
            history,
            memory,
        })
    }

    /// Whether the last pruning it knows of is the one that left this file. Anybody could write such a file.
    pub(crate) fn knows(&self, file: &PrunedFile) -> bool {
        let recorded = self.history.pruned.as_ref().map(|it| &it.record);
        recorded.is_some_and(|it| {
            it.below == file.tree.size() && *it.root.as_bytes() == file.tree.root()
        })
    }
}

/// Reads the file once, line by line; what is remembered on the way is worth something only if this gives a header.
fn read(
    storage: &dyn Storage,
    dir: &Path,
    verifier: &NoteVerifier,
    memory: &Memory,
) -> Option<Header> {
    let mut reader = BufReader::new(storage.reader(&dir.join(SNAPSHOT)).ok()?);
    let mut hasher = Sha256::new();
    let mut header: Option<Header> = None;
    // The line in hand may be the last, which is not hashed.
    let mut line = next_line(&mut reader)?;
    while let Some(next) = next_line(&mut reader) {
        hasher.update(&line);
        let content = line.strip_suffix(b"\n")?;
        if header.is_none() {
            header = Some(serde_json::from_slice(content).ok()?);
        } else {
            memory.recall_entry(content).ok()?;
        }
        line = next;
    }
    let header = header?;
    let footer: Footer = serde_json::from_slice(&line).ok()?;
    let note = SignedNote::parse(footer.note.as_bytes()).ok()?;
    let text = note.verify(std::slice::from_ref(verifier)).ok()?;
    let expected = signed_text(&header.origin, header.size, hasher);
    let believed = header.format == FORMAT
        && header.origin == verifier.name().as_str()
        && text == expected
        && line.ends_with(b"\n");
    believed.then_some(header)
}

fn next_line(reader: &mut impl std::io::BufRead) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    reader
        .by_ref()
        .take(LINE_BYTES_MAX)
        .read_until(b'\n', &mut line)
        .ok()?;
    (!line.is_empty()).then_some(line)
}

fn signed_text(origin: &str, size: u64, hasher: Sha256) -> String {
    let digest = STANDARD.encode(hasher.finalize());
    format!("{FORMAT}\n{origin}\n{size}\n{digest}\n")
}

impl Header {
    fn parts(self) -> Option<(Start, History)> {
        let start = Start {
            tree: Tree::of_frontier(self.size, decode_hashes(&self.hashes)?)?,
            segment: SegmentName(self.segment),
            offset: self.offset,
            segment_started: self.segment_started,
        };
        let history = History {
            first: None,
            created: self.created,
            last_boot: self.boot,
            last_time: self.last_time,
            latest_time: self.latest_time,
            closed: self.closed,
            refusal_bytes: self.refusal_bytes,
            // Whatever a snapshot knows is signed, wherever it stands.
            pruned: self.pruned.map(|record| Pruning { index: 0, record }),
        };
        Some((start, history))
    }
}

/// Keeps what a snapshot is made of, and writes one when it is due. Owned by the background thread.
pub(crate) struct Snapshots {
    memory: Memory,
    history: History,
    /// The last synced record is in it.
    segment: SegmentName,
    segment_started: Option<Timestamp>,
    /// Where that record ends.
    offset: u64,
    /// The size and segment of the last snapshot, or of the last try.
    last_size: u64,
    last_segment: SegmentName,
}

impl Snapshots {
    /// `last_size` is the size of the snapshot the journal was opened from; 0 without one.
    pub(crate) fn new(memory: Memory, history: History, place: &Start, last_size: u64) -> Self {
        Self {
            memory,
            history,
            segment: place.segment,
            segment_started: place.segment_started,
            offset: place.offset,
            last_size,
            last_segment: place.segment,
        }
    }

    /// Takes in what is synced, in order.
    pub(crate) fn synced(&mut self, chunk: &Chunk) {
        let place = advance(&mut self.history, chunk);
        if chunk.file.name() != self.segment {
            self.segment = chunk.file.name();
            self.segment_started = place.first_time;
        }
        self.offset = place.offset;
    }

    /// These bytes of refusals were pruned.
    pub(crate) fn refusals_are_gone(&mut self, bytes: u64) {
        let left = self.history.refusal_bytes.saturating_sub(bytes);
        self.history.refusal_bytes = left;
    }

    /// Whether one should be written once everything synced is signed.
    pub(crate) fn due(&self, size: u64, closing: bool) -> bool {
        let records = size.saturating_sub(self.last_size);
        let rotated = self.segment != self.last_segment;
        records >= SNAPSHOT_RECORDS || (records > 0 && (rotated || closing))
    }

    /// Writes a snapshot of a tree that is synced and signed. A failure costs nothing but time at the next start, so
    /// the next try comes when the next one is due.
    pub(crate) fn write(
        &mut self,
        storage: &dyn Storage,
        dir: &Path,
        signer: &NoteSigner,
        tree: &Tree,
    ) -> bool {
        self.last_size = tree.size();
        self.last_segment = self.segment;
        let before = before(storage, dir, self.history.kept_from(), self.segment);
        let Some(bytes) = before.and_then(|before| self.bytes(before, signer, tree)) else {
            return false;
        };
        let temporary = temporary(SNAPSHOT);
        let written = replace_file(storage, dir, SNAPSHOT, &temporary, &bytes);
        if written.is_err() {
            // It must not hold what the records need on a full disk. If it cannot be removed, the next try does.
            let _ = storage.remove(&dir.join(temporary));
        }
        written.is_ok()
    }

    fn bytes(&self, before: Vec<(u64, u64)>, signer: &NoteSigner, tree: &Tree) -> Option<Vec<u8>> {
        let verifier = signer.verifier();
        let header = Header {
            format: FORMAT.to_owned(),
            origin: verifier.name().as_str().to_owned(),
            size: tree.size(),
            before,
            segment: self.segment.0,
            offset: self.offset,
            hashes: encode_hashes(tree.frontier()),
            created: self.history.created,
            segment_started: self.segment_started,
            latest_time: self.history.latest_time,
            last_time: self.history.last_time,
            boot: self.history.last_boot.clone(),
            closed: self.history.closed,
            refusal_bytes: self.history.refusal_bytes,
            pruned: self.history.pruned.as_ref().map(|it| it.record.clone()),
        };
        let mut bytes = serde_json::to_vec(&header).ok()?;
        bytes.push(b'\n');
        self.memory.write_entries(&mut bytes);
        let text = signed_text(&header.origin, header.size, Sha256::new_with_prefix(&bytes));
        let note = signer.sign(&text).ok()?.to_string();
        serde_json::to_writer(&mut bytes, &Footer { note }).ok()?;
        bytes.push(b'\n');
        Some(bytes)
    }
}

/// The segments from one record on and before a segment: the first index and the bytes of each. None where they cannot be
/// looked at.
fn before(
    storage: &dyn Storage,
    dir: &Path,
    below: u64,
    segment: SegmentName,
) -> Option<Vec<(u64, u64)>> {
    let names = directory::segments(storage, dir).ok()?;
    let names = names
        .into_iter()
        .filter(|name| (below..segment.0).contains(&name.0));
    let found = names.map(|name| Some((name.0, storage.inspect(&name.path(dir)).ok()?.bytes)));
    found.collect()
}

/// Where a chunk ends, and when its first record was written.
pub(crate) struct Advanced {
    pub(crate) first_time: Option<Timestamp>,
    pub(crate) offset: u64,
}

/// Takes the records of a chunk into the history.
pub(crate) fn advance(history: &mut History, chunk: &Chunk) -> Advanced {
    let mut first_time = None;
    for line in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if let Some(head) = Head::of_record(line) {
            history.visit(&Visited { head, line });
            first_time = first_time.or(history.last_time);
        }
    }
    Advanced {
        first_time,
        offset: chunk.offset.saturating_add(chunk.bytes.len() as u64),
    }
}
