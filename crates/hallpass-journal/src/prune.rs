//! Removing old records: whole segments, from the oldest on, so that what is left still verifies.
//!
//! In this order, so that a crash at any moment leaves a journal that verifies and is finished at the next start: a
//! durable `pruned` record with the root of what goes, a checkpoint and a snapshot over it, the file `pruned` with the
//! frontier, and only then the files, lowest first.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use hallpass_keys::note::NoteVerifier;
use hallpass_vocabulary::Timestamp;

use crate::core::Core;
use crate::directory::{self, CHECKPOINT, PRUNED, SegmentName, temporary};
use crate::line::Body;
use crate::pruned::PrunedFile;
use crate::storage::replace_file;
use crate::{AppendError, Checkpoint, CheckpointError, Damage, Durability, Event, Storage};

mod plan;
mod sweep;

pub use plan::{KEEP_MIN, Old, Prunable, prunable};
use plan::{Planned, oldest_segment_end};
pub(crate) use sweep::{finish, remove_below};

/// How long the record of a pruning may take. Nobody waits for it but who prunes.
const APPEND_MAX: Duration = Duration::from_secs(30);
/// How long the background thread may take to sign, to write two small files and to remove the segments.
const CARRY_OUT_MAX: Duration = Duration::from_secs(60);
/// How often a journal with [`Settings::keep`](crate::Settings::keep) is looked at. Looking reads one record.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(60);
/// How soon after a pruning that removed nothing another is tried: each reads the whole journal.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(60 * 60);

/// Records that were not pruned. What was not removed yet is removed at the next try or the next start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// The pruning could not be recorded. Nothing was removed.
    #[error("the pruning cannot be recorded")]
    Append(#[from] AppendError),
    /// The checkpoint cannot be believed, or there is none.
    #[error("the checkpoint cannot be believed")]
    Checkpoint(#[from] CheckpointError),
    /// The journal is not what was signed. Nothing was removed.
    #[error("the journal is damaged")]
    Damaged(#[from] Damage),
    /// A file cannot be read, written or removed.
    #[error("cannot prune `{}`", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is recorded, and could not be signed yet or not in time.
    #[error("the pruning is recorded and not carried out yet")]
    NotCarriedOut,
}

/// Removes old records of an open journal. Shared by its handles and the thread that does it by the clock.
pub(crate) struct Pruner {
    core: Arc<Core>,
    storage: Arc<dyn Storage>,
    dir: PathBuf,
    verifier: NoteVerifier,
    /// The first record that is not acknowledged; `u64::MAX` when nobody has to.
    acknowledged: AtomicU64,
    /// A pruning that is recorded and not carried out. Held by who prunes.
    unfinished: Mutex<Option<Recorded>>,
    wish: Mutex<Wish>,
    wished: Condvar,
}

/// What is wished of the thread that prunes by the clock.
#[derive(Default)]
struct Wish {
    stop: bool,
    /// More may go than when it looked last.
    look: bool,
}

/// A pruning that is recorded.
#[derive(Clone)]
struct Recorded {
    file: PrunedFile,
    refusal_bytes: u64,
    index: u64,
}

/// What the background thread is asked for.
pub(crate) struct Order {
    /// The record of the pruning.
    pub(crate) index: u64,
    pub(crate) file: PrunedFile,
    /// Of what goes, the bytes of all records of refusals: others may have them.
    pub(crate) refusal_bytes: u64,
    answer: SyncSender<Result<(), PruneError>>,
}

impl Order {
    pub(crate) fn answer(self, done: Result<(), PruneError>) {
        // Who asked may have given up waiting; the next try finds it done.
        let _ = self.answer.try_send(done);
    }
}

/// Where an order waits for the background thread.
#[derive(Default)]
pub(crate) struct Orders(Mutex<Desk>);

#[derive(Default)]
struct Desk {
    order: Option<Order>,
    /// The thread has ended.
    closed: bool,
}

impl Orders {
    fn lock(&self) -> std::sync::MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves an order. When nobody will take it, it is dropped, and so is whoever could answer.
    fn put(&self, order: Order) {
        let mut desk = self.lock();
        desk.order = Some(order).filter(|_| !desk.closed);
    }

    pub(crate) fn take(&self) -> Option<Order> {
        self.lock().order.take()
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.lock().order.is_some()
    }

    /// Takes no more, and forgets what waits.
    pub(crate) fn close(&self) {
        *self.lock() = Desk {
            order: None,
            closed: true,
        };
    }
}

impl Pruner {
    pub(crate) fn new(
        core: Arc<Core>,
        storage: Arc<dyn Storage>,
        dir: &Path,
        verifier: NoteVerifier,
        acknowledged_only: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            core,
            storage,
            dir: dir.to_owned(),
            verifier,
            acknowledged: AtomicU64::new(if acknowledged_only { 0 } else { u64::MAX }),
            unfinished: Mutex::new(None),
            wish: Mutex::default(),
            wished: Condvar::new(),
        })
    }

    /// Every record up to and including this one has arrived elsewhere.
    pub(crate) fn acknowledge(&self, index: u64) {
        let next = index.saturating_add(1);
        if self.acknowledged.fetch_max(next, Ordering::SeqCst) < next {
            self.wish(|wish| wish.look = true);
        }
    }

    /// Removes what is old. One at a time; a second caller waits.
    pub(crate) fn prune(&self, old: Old) -> Result<Option<Prunable>, PruneError> {
        let mut unfinished = self
            .unfinished
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(recorded) = unfinished.clone() {
            self.carry_out(recorded)?;
            *unfinished = None;
        }
        let checkpoint = self.checkpoint()?;
        let acknowledged = self.acknowledged.load(Ordering::SeqCst);
        let now = self.core.clock.now();
        let planned = plan::plan(
            &*self.storage,
            &self.dir,
            &checkpoint,
            old,
            now,
            plan::Bound::Acknowledged(acknowledged),
        )?;
        let Some(Planned {
            prunable,
            file,
            refusal_bytes,
        }) = planned
        else {
            return Ok(None);
        };
        let body = Body::of(&Event::Pruned(prunable.record.clone())).map_err(|too_large| {
            AppendError::TooLarge {
                bytes: too_large.bytes,
            }
        })?;
        let recorded = self
            .core
            .append(body, Durability::Durable)
            .wait(APPEND_MAX)?;
        let recorded = Recorded {
            file,
            refusal_bytes,
            // Durable records have an index.
            index: recorded.index().ok_or(AppendError::Uncertain)?,
        };
        *unfinished = Some(recorded.clone());
        self.carry_out(recorded)?;
        *unfinished = None;
        Ok(Some(prunable))
    }

    fn checkpoint(&self) -> Result<Checkpoint, PruneError> {
        let signed = directory::read_small(&*self.storage, &self.dir.join(CHECKPOINT))
            .map_err(io_error(&self.dir))?
            .unwrap_or_default();
        Ok(Checkpoint::verify(&signed, &self.verifier)?)
    }

    fn carry_out(&self, recorded: Recorded) -> Result<(), PruneError> {
        let (answer, answered) = sync_channel(1);
        self.core.prunings.put(Order {
            index: recorded.index,
            file: recorded.file,
            refusal_bytes: recorded.refusal_bytes,
            answer,
        });
        self.core.work.notify_one();
        // Also when the journal was closed meanwhile: the next start carries it out.
        answered
            .recv_timeout(CARRY_OUT_MAX)
            .unwrap_or(Err(PruneError::NotCarriedOut))
    }

    /// Prunes by the clock from now on, in a thread of its own that ends when it is stopped.
    pub(crate) fn keep(self: &Arc<Self>, keep: Duration) -> io::Result<()> {
        let pruner = Arc::clone(self);
        let thread = std::thread::Builder::new().name("hallpass-journal-prune".to_owned());
        thread.spawn(move || pruner.run(keep)).map(drop)
    }

    fn run(&self, keep: Duration) {
        loop {
            let before = earlier(self.core.clock.now(), keep.max(KEEP_MIN));
            let acknowledged = self.acknowledged.load(Ordering::SeqCst);
            let oldest = oldest_segment_end(&*self.storage, &self.dir);
            let may_go = oldest.is_some_and(|end| end.time < before && end.index <= acknowledged);
            // Nobody is here to be told. What failed is tried again, and what is left shows in the directory.
            let pause = if may_go && !matches!(self.prune(Old::Before(before)), Ok(Some(_))) {
                TRIED_AGAIN_AFTER
            } else {
                LOOKED_AT_EVERY
            };
            let wish = self.wish.lock().unwrap_or_else(PoisonError::into_inner);
            let (mut wish, _) = self
                .wished
                .wait_timeout_while(wish, pause, |wish| !wish.stop && !wish.look)
                .unwrap_or_else(PoisonError::into_inner);
            if wish.stop {
                return;
            }
            wish.look = false;
        }
    }

    pub(crate) fn stop(&self) {
        self.wish(|wish| wish.stop = true);
    }

    fn wish(&self, say: impl FnOnce(&mut Wish)) {
        say(&mut self.wish.lock().unwrap_or_else(PoisonError::into_inner));
        self.wished.notify_all();
    }
}

/// A time this long before another.
pub(crate) fn earlier(now: Timestamp, by: Duration) -> Timestamp {
    let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_ms(now.unix_ms().saturating_sub(ms))
}

fn io_error(dir: &Path) -> impl Fn(io::Error) -> PruneError {
    move |source| PruneError::Io {
        path: dir.to_owned(),
        source,
    }
}

/// The last steps, for what a signed record says: by the one thread that writes the directory.
pub(crate) fn carry_out(
    storage: &dyn Storage,
    dir: &Path,
    file: &PrunedFile,
) -> Result<(), PruneError> {
    let done = || {
        replace_file(storage, dir, PRUNED, &temporary(PRUNED), &file.bytes())?;
        remove_below(storage, dir, SegmentName(file.tree.size()))
    };
    done().map_err(io_error(dir))
}
