//! Opening a directory: lock it, read all of it, cut what a crash left unfinished, say so in the journal.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_vocabulary::Timestamp;

use crate::background::{CheckpointNotWritten, RELAXED_SYNC, write_checkpoint};
use crate::directory::{self, CHECKPOINT, LOCK, SegmentName};
use crate::event::{KeysErased, Opened, PossibleLoss};
use crate::identity::{Identity, IdentityError};
use crate::line::{Body, TimeText};
use crate::memory::Memory;
use crate::merkle::{Tree, leaf_hash};
use crate::scan::{Scan, Visited, scan};
use crate::sensitive::SensitiveKeys;
use crate::storage::FILE_MODE;
use crate::writer::{SegmentFile, Writer, create_segment};
use crate::{Checkpoint, CheckpointError, Damage, Event, Settings, Text};

/// A journal that cannot be opened. Nothing has been changed in it, except that an unfinished tail may be cut.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The checkpoint is there and cannot be believed.
    #[error(
        "the checkpoint cannot be believed; verify the journal, then restore it from a copy or start a new one in an empty directory"
    )]
    Checkpoint(#[from] CheckpointError),
    /// There are records, and no checkpoint.
    #[error(
        "there are {records} records and no checkpoint; restore the file `{CHECKPOINT}` from a copy, or start a new journal in an empty directory"
    )]
    CheckpointMissing {
        /// How many.
        records: u64,
    },
    /// Records were altered.
    #[error(
        "the journal is damaged, and not by a crash; keep it as it is and start a new one in an empty directory"
    )]
    Damaged(#[from] Damage),
    /// Another origin or key than the directory's own stands in its first record.
    #[error("the first record is not the opening of the journal `{origin}`")]
    FirstRecord {
        /// The directory's origin.
        origin: String,
    },
    /// The identity files do not fit.
    #[error("the directory is not the journal it is opened as")]
    Identity(#[from] IdentityError),
    /// The operating system refused.
    #[error("cannot {action} in `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another process, or another handle of this one, writes the journal.
    #[error("`{}` is written by another process", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// Fewer records than were signed.
    #[error(
        "{signed} records were signed and {found} are there; restore the directory from a copy that has them, or keep it and start a new journal in an empty directory"
    )]
    SignedTailMissing {
        /// The size of the checkpoint.
        signed: u64,
        /// The records there are.
        found: u64,
    },
}

/// A journal ready to be written.
pub(crate) struct Ready {
    pub(crate) identity: Identity,
    pub(crate) writer: Writer,
    /// All of it synced and signed.
    pub(crate) tree: Tree,
    pub(crate) refusal_bytes: u64,
    /// The latest time in any record that was there before.
    pub(crate) latest_time: Option<Timestamp>,
    /// What those records say that must be remembered.
    pub(crate) memory: Memory,
    pub(crate) sensitive: Arc<SensitiveKeys>,
    pub(crate) lock: WriterLock,
}

/// Opens or creates the journal of a directory.
pub(crate) fn open(dir: &Path, settings: &Settings) -> Result<Ready, OpenError> {
    let storage = &*settings.storage;
    let io = |action| {
        move |source| OpenError::Io {
            action,
            path: dir.to_owned(),
            source,
        }
    };
    storage
        .create_dir(dir)
        .map_err(io("create the directory"))?;
    let lock = lock(dir)?;
    let has_segments = match directory::segments(storage, dir) {
        Ok(segments) => !segments.is_empty(),
        Err(directory::ListError::Name { name }) => {
            return Err(Damage::SegmentName { file: name }.into());
        }
        Err(directory::ListError::Io(source)) => return Err(io("list the files")(source)),
    };
    let signed =
        directory::read_small(storage, &dir.join(CHECKPOINT)).map_err(io("read the checkpoint"))?;
    let identity = Identity::load_or_create(dir, settings, has_segments || signed.is_some())?;
    let checkpoint = signed
        .map(|bytes| Checkpoint::verify(&bytes, &identity.verifier))
        .transpose()?;
    let mut history = History::default();
    let memory = Memory::default();
    let scanned = scan(storage, dir, checkpoint.as_ref(), &mut |record| {
        history.visit(record);
        memory.recall(record);
    })
    .map_err(|damage| match damage {
        Damage::SignedTailMissing { signed, found } => {
            OpenError::SignedTailMissing { signed, found }
        }
        other => OpenError::Damaged(other),
    })?;
    let size = scanned.tree.size();
    // The first checkpoint is signed before the second record is written.
    if checkpoint.is_none() && size > 1 {
        return Err(OpenError::CheckpointMissing { records: size });
    }
    let fits = history.first.as_ref().is_none_or(|first| {
        first.origin == identity.origin() && first.public_key == *identity.verifier.key()
    });
    if !fits || (size > 0 && history.first.is_none()) {
        return Err(OpenError::FirstRecord {
            origin: identity.origin().to_owned(),
        });
    }
    let sensitive = SensitiveKeys::open(&settings.storage, dir, size)?;
    let erasing = sensitive.unfinished_erasure();
    let erasing = erasing.map_err(io("read how far keys are erased"))?;
    let sensitive = Arc::new(sensitive);
    let (file, offset) =
        last_segment(dir, settings, &scanned).map_err(io("cut the unfinished tail"))?;
    let writer = Writer::new(
        Arc::clone(&settings.storage),
        dir,
        settings.segment_bytes,
        Arc::clone(&sensitive),
        file,
        offset,
        size,
    );
    let mut start = Start {
        dir,
        settings,
        identity: &identity,
        writer,
        tree: scanned.tree,
    };
    let written = start.write_first_records(checkpoint.is_some(), &history, scanned.torn, erasing);
    written.map_err(io("write the first records"))?;
    if let Some(below) = erasing {
        let finished = sensitive.finish_erasing(below);
        finished.map_err(io("erase the rest of the keys"))?;
    }
    let (writer, tree) = (start.writer, start.tree);
    Ok(Ready {
        writer,
        tree,
        refusal_bytes: history.refusal_bytes,
        latest_time: history.latest_time,
        memory,
        sensitive,
        lock,
        identity,
    })
}

/// The right to write a directory, for as long as this lives.
#[derive(Debug)]
pub(crate) struct WriterLock(File);

impl Drop for WriterLock {
    fn drop(&mut self) {
        // Closing alone is not enough: a child process that is just being started shares the lock until it has become
        // another program. An unlock that fails leaves it to the close.
        let _ = self.0.unlock();
    }
}

fn lock(dir: &Path) -> Result<WriterLock, OpenError> {
    let io = |source| OpenError::Io {
        action: "lock the journal",
        path: dir.to_owned(),
        source,
    };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(dir.join(LOCK))
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(WriterLock(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            path: dir.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// What earlier records say that matters for going on.
#[derive(Default)]
struct History {
    first: Option<Opened>,
    last_boot: Option<Text>,
    last_time: Option<Timestamp>,
    latest_time: Option<Timestamp>,
    closed: bool,
    refusal_bytes: u64,
}

impl History {
    fn visit(&mut self, record: &Visited<'_>) {
        self.closed = record.head.kind == "closed";
        self.last_time = record.head.time.parse().ok();
        self.latest_time = self.latest_time.max(self.last_time);
        match record.head.kind {
            "opened" => self.opened(record),
            "refused" => self.add_refusal(record.line),
            "decided" if is_denial(record.line) => {
                self.add_refusal(record.line);
            }
            _ => {}
        }
    }

    fn opened(&mut self, record: &Visited<'_>) {
        let Ok(opened) = serde_json::from_slice::<Opened>(record.line) else {
            return;
        };
        self.last_boot.clone_from(&opened.boot);
        if record.head.index == 0 {
            self.first = Some(opened);
        }
    }

    fn add_refusal(&mut self, line: &[u8]) {
        self.refusal_bytes = self.refusal_bytes.saturating_add(line.len() as u64);
    }

    /// Whether the machine may have stopped between the last record and now.
    fn machine_restarted(&self, boot: Option<&Text>) -> bool {
        let same_boot = boot.is_some() && self.last_boot.as_ref() == boot;
        self.first.is_some() && !self.closed && !same_boot
    }
}

/// By the first member of this name: recorded arguments, which stand behind it, may have one of their own.
fn is_denial(line: &[u8]) -> bool {
    const NAME: &[u8] = br#""verdict":"#;
    let mut places = line.windows(NAME.len());
    let at = places.position(|window| window == NAME);
    at.and_then(|at| line.get(at + NAME.len()..))
        .is_some_and(|value| value.starts_with(br#""deny""#))
}

/// Opens the last segment without its torn tail, or creates the first.
fn last_segment(
    dir: &Path,
    settings: &Settings,
    scanned: &Scan,
) -> io::Result<(Arc<SegmentFile>, u64)> {
    let storage = &*settings.storage;
    let Some(last) = scanned.last else {
        return Ok((create_segment(storage, dir, SegmentName(0))?, 0));
    };
    let file = storage.open(&last.name.path(dir))?;
    if scanned.torn.is_some() {
        file.set_len(last.good_bytes)?;
    }
    // Also without a torn tail: what a dead process left in the page cache is about to be signed.
    file.sync_data()?;
    Ok((SegmentFile::new(last.name, file), last.good_bytes))
}

/// The first records after opening.
struct Start<'a> {
    dir: &'a Path,
    settings: &'a Settings,
    identity: &'a Identity,
    writer: Writer,
    tree: Tree,
}

impl Start<'_> {
    fn write_first_records(
        &mut self,
        is_signed: bool,
        history: &History,
        torn: Option<crate::TornTail>,
        erasing: Option<u64>,
    ) -> io::Result<()> {
        let previous_size = self.tree.size();
        if !is_signed && previous_size > 0 {
            self.sign()?;
        }
        let opened = Event::Opened(Box::new(Opened {
            origin: self.identity.origin().to_owned(),
            public_key: *self.identity.verifier.key(),
            software: self.settings.software.clone(),
            previous_size,
            boot: self.settings.boot.clone(),
        }));
        self.write(&opened)?;
        if previous_size == 0 {
            self.sign()?;
        }
        if let Some(torn) = torn {
            self.write(&Event::Recovered(torn.dropped))?;
        }
        if history.machine_restarted(self.settings.boot.as_ref()) {
            self.write(&Event::PossibleLoss(PossibleLoss {
                since: history.last_time,
                at_most_ms: u64::try_from(RELAXED_SYNC.as_millis()).unwrap_or(u64::MAX),
            }))?;
        }
        if let Some(below) = erasing {
            self.write(&Event::KeysErased(KeysErased { below }))?;
        }
        self.sign()
    }

    fn write(&mut self, event: &Event) -> io::Result<()> {
        let body = Body::of(event).map_err(|_| io::ErrorKind::InvalidInput)?;
        let time = TimeText::of(self.settings.clock.now());
        let chunk = self
            .writer
            .write(std::iter::once(&body), &time)
            .map_err(|failed| failed.error)?;
        chunk.file.sync()?;
        let line = chunk.bytes.strip_suffix(b"\n").unwrap_or(&chunk.bytes);
        self.tree.push(leaf_hash(line));
        Ok(())
    }

    fn sign(&self) -> io::Result<()> {
        let checkpoint = Checkpoint::of(self.identity.origin(), &self.tree);
        let signer = &self.identity.signer;
        write_checkpoint(&*self.settings.storage, self.dir, &checkpoint, signer).map_err(|error| {
            match error {
                CheckpointNotWritten::Io(error) => error,
                CheckpointNotWritten::Note(error) => io::Error::other(error),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_that_reads_like_a_denial_is_none() {
        let line = |verdict: &str, args: &str| {
            is_denial(
                format!(r#"{{"v":1,"kind":"decided","verdict":"{verdict}","args":{args}}}"#)
                    .as_bytes(),
            )
        };
        let planted = r#"{"/x":{"verdict":"deny"}}"#;
        assert!(!line("allow", planted));
        assert!(line("deny", r#"{"/x":{"verdict":"allow"}}"#));
        assert!(!is_denial(br#"{"v":1,"kind":"decided"}"#));
    }
}
