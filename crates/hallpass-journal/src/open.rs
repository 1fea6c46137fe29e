//! Opening a directory: lock it, read all of it, cut what a crash left unfinished, say so in the journal.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_vocabulary::Timestamp;

use crate::ancestors;
use crate::background::{CheckpointNotWritten, RELAXED_SYNC, write_checkpoint};
use crate::directory::{self, CHECKPOINT, LOCK, SegmentName};
use crate::event::{KeysErased, Opened, PossibleLoss};
use crate::history::History;
use crate::identity::{Identity, IdentityError};
use crate::line::{Body, Head};
use crate::memory::Memory;
use crate::merkle::{Tree, leaf_hash};
use crate::presence::Presence;
use crate::prune;
use crate::reserve::Reserve;
use crate::resume::{self, Known, Started};
use crate::scan::{Scan, Start as Place, Visited};
use crate::sensitive::SensitiveKeys;
use crate::snapshot;
use crate::storage::FILE_MODE;
use crate::writer::{Position, SegmentFile, Writer, create_segment};
use crate::{Checkpoint, CheckpointError, Damage, Event, FileId, Settings};

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
    /// Where its last record ends. Without the tree.
    pub(crate) place: Place,
    /// What all of it says.
    pub(crate) history: History,
    /// What it says that must be remembered.
    pub(crate) memory: Memory,
    /// The latest time in any record that was there before.
    pub(crate) latest_time: Option<Timestamp>,
    pub(crate) started: Started,
    pub(crate) sensitive: Arc<SensitiveKeys>,
    pub(crate) lock: WriterLock,
    pub(crate) presence: Arc<Presence>,
    pub(crate) reserve: Arc<Reserve>,
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
    if !has_segments {
        // Also where the directory was there: whoever began to create the journal may not have come this far.
        ancestors::sync(storage, dir).map_err(io("make the directory durable"))?;
    }
    let signed =
        directory::read_small(storage, &dir.join(CHECKPOINT)).map_err(io("read the checkpoint"))?;
    let identity = Identity::load_or_create(dir, settings, has_segments || signed.is_some())?;
    let checkpoint = signed
        .map(|bytes| Checkpoint::verify(&bytes, &identity.verifier))
        .transpose()?;
    let Known {
        scanned,
        history,
        memory,
        started,
        pruned,
    } = resume::read(storage, dir, &identity.verifier, checkpoint.as_ref()).map_err(|damage| {
        match damage {
            Damage::SignedTailMissing { signed, found } => {
                OpenError::SignedTailMissing { signed, found }
            }
            other => OpenError::Damaged(other),
        }
    })?;
    let size = scanned.tree.size();
    // The first checkpoint is signed before the second record is written.
    if checkpoint.is_none() && size > 1 {
        return Err(OpenError::CheckpointMissing { records: size });
    }
    let fits = history.first.as_ref().is_none_or(|first| {
        first.origin == identity.origin() && first.public_key == *identity.verifier.key()
    });
    // A snapshot that was believed names the same origin and is signed by the same key; so is a record of pruning.
    let vouched_for = started.snapshot.is_some() || pruned.is_some();
    if !fits || (size > 0 && history.first.is_none() && !vouched_for) {
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
    let position = Position {
        file,
        offset,
        next_index: size,
        started: scanned.last.and_then(|last| last.started),
    };
    let presence = Presence::new(Arc::clone(&settings.storage), dir, &lock)
        .map_err(io("look at the directory"))?;
    let reserve = Reserve::new(Arc::clone(&settings.storage), dir, settings.reserve_bytes);
    let writer = Writer::new(
        dir,
        settings,
        Arc::clone(&presence),
        Arc::clone(&reserve),
        Arc::clone(&sensitive),
        position,
    );
    let latest_time = history.latest_time;
    let last = scanned.last;
    let mut start = Start {
        dir,
        settings,
        identity: &identity,
        reserve: &reserve,
        writer,
        tree: scanned.tree,
        history,
        place: Place {
            segment: last.map(|last| last.name).unwrap_or_default(),
            segment_started: last.and_then(|last| last.started),
            offset,
            ..Place::default()
        },
        memory: &memory,
    };
    let written = start.write_first_records(checkpoint.is_some(), scanned.torn, erasing);
    written.map_err(io("write the first records"))?;
    if let Some(below) = erasing {
        let finished = sensitive.finish_erasing(below);
        finished.map_err(io("erase the rest of the keys"))?;
    }
    let Start {
        writer,
        tree,
        history,
        place,
        ..
    } = start;
    memory.records_end();
    let recorded = history.pruned.as_ref();
    prune::finish(storage, dir, pruned.as_ref(), recorded, checkpoint.as_ref());
    Ok(Ready {
        writer,
        tree,
        place,
        history,
        memory,
        latest_time,
        started,
        sensitive,
        lock,
        presence,
        reserve,
        identity,
    })
}

/// The right to write a directory, for as long as this lives.
#[derive(Debug)]
pub(crate) struct WriterLock(File);

impl WriterLock {
    /// Which file is locked, also when it has lost its name.
    pub(crate) fn id(&self) -> io::Result<FileId> {
        self.0.metadata().map(|metadata| FileId::of(&metadata))
    }
}

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
    // Names as well: what is written next must not outlive the first checkpoint.
    storage.sync_dir(dir)?;
    Ok((SegmentFile::new(last.name, file)?, last.good_bytes))
}

/// The first records after opening.
struct Start<'a> {
    dir: &'a Path,
    settings: &'a Settings,
    identity: &'a Identity,
    reserve: &'a Reserve,
    writer: Writer,
    tree: Tree,
    history: History,
    place: Place,
    memory: &'a Memory,
}

impl Start<'_> {
    fn write_first_records(
        &mut self,
        is_signed: bool,
        torn: Option<crate::TornTail>,
        erasing: Option<u64>,
    ) -> io::Result<()> {
        let previous_size = self.tree.size();
        let boot = self.settings.boot.as_ref();
        let loss = self.history.machine_restarted(boot).then(|| PossibleLoss {
            since: self.history.last_time,
            at_most_ms: u64::try_from(RELAXED_SYNC.as_millis()).unwrap_or(u64::MAX),
        });
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
        if let Some(loss) = loss {
            self.write(&Event::PossibleLoss(loss))?;
        }
        if let Some(below) = erasing {
            self.write(&Event::KeysErased(KeysErased { below }))?;
        }
        self.sign()
    }

    fn write(&mut self, event: &Event) -> io::Result<()> {
        let body = Body::of(event).map_err(|_| io::ErrorKind::InvalidInput)?;
        let now = self.settings.clock.now();
        let chunk = self
            .writer
            .write_at_all_costs(&[&body], now)
            .map_err(|failed| failed.error)?;
        chunk.file.sync()?;
        let line = chunk.bytes.strip_suffix(b"\n").unwrap_or(&chunk.bytes);
        self.tree.push(leaf_hash(line));
        let advanced = snapshot::advance(&mut self.history, &chunk);
        if chunk.file.name() != self.place.segment || self.place.segment_started.is_none() {
            self.place.segment = chunk.file.name();
            self.place.segment_started = advanced.first_time;
        }
        self.place.offset = advanced.offset;
        if let Ok(head) = Head::parse(line) {
            let latest = self.history.latest_time;
            self.memory.recall(&Visited { head, line }, latest);
        }
        Ok(())
    }

    fn sign(&self) -> io::Result<()> {
        let checkpoint = Checkpoint::of(self.identity.origin(), &self.tree);
        let signer = &self.identity.signer;
        write_checkpoint(
            &*self.settings.storage,
            self.dir,
            &checkpoint,
            signer,
            self.reserve,
        )
        .map(drop)
        .map_err(|error| match error {
            CheckpointNotWritten::Io(error) => error,
            CheckpointNotWritten::Note(error) => io::Error::other(error),
        })
    }
}
