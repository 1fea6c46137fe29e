//! The handle of a journal.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hallpass_keys::note::NoteVerifier;
use hallpass_vocabulary::Timestamp;

use crate::arguments::DigestKey;
use crate::background::{Background, Ended};
use crate::core::{Core, State, reason};
use crate::line::Body;
use crate::memory::Memory;
use crate::presence::Presence;
use crate::prune::{Orders, Pruner};
use crate::refusals::Refusals;
use crate::sensitive::SensitiveKeys;
use crate::snapshot::Snapshots;
use crate::{
    Append, AppendError, ArgumentsDigest, Decided, Durability, EraseError, Erased, Event,
    KeysErased, Old, OpenError, Prunable, PruneError, Recorded, RefusalRecord, SensitiveKey,
    Settings, Started, Verdict,
};

/// A journal that is written. Cheap to clone; all clones write the same file.
///
/// Closed by [`Journal::close`], or when the last clone is dropped; both block until everything is on the disk.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use hallpass_journal::{Abandoned, Durability, Event, Journal, JournalName, Settings};
/// use hallpass_vocabulary::{Clock, DecisionId, Environment, SystemClock};
///
/// # let dir = tempfile::tempdir()?;
/// # let dir = dir.path();
/// let settings = Settings::new(Environment::new("dev")?, JournalName::new("tickets")?, Arc::new(SystemClock));
/// let journal = Journal::open(dir, settings)?;
/// let decision = DecisionId::new(SystemClock.now(), [7; 10]);
/// let recorded = journal
///     .append(&Event::Abandoned(Abandoned { decision }), Durability::Durable)
///     .wait(Duration::from_secs(5))?;
/// assert_eq!(recorded.index(), Some(1));
/// journal.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Journal {
    handle: Arc<Handle>,
}

struct Handle {
    dir: PathBuf,
    core: Arc<Core>,
    verifier: NoteVerifier,
    digest_key: Arc<DigestKey>,
    sensitive: Arc<SensitiveKeys>,
    latest_time: Option<Timestamp>,
    started: Started,
    memory: Memory,
    thread: Mutex<Option<JoinHandle<Ended>>>,
    pruner: Arc<Pruner>,
    presence: Arc<Presence>,
}

/// How a journal is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Records written.
    pub written: u64,
    /// Records under the newest checkpoint.
    pub signed: u64,
    /// How long ago that was written. At most a second or so, while there are records that are not signed.
    pub checkpoint_age: Duration,
    /// Records that callers asked for and that were not confirmed, since it was opened; also those whose callers went ahead
    /// all the same. They are written as a number when that is possible.
    pub not_recorded: u64,
    /// Why nothing can be written at the moment.
    pub broken: Option<AppendError>,
    /// Whether the device was full and has not had space for the whole reserve since: durable records are refused,
    /// relaxed ones are written as long as the reserve lasts.
    pub low: bool,
    /// How much of the reserve is held, in bytes.
    pub reserve_bytes: u64,
}

impl Journal {
    /// Opens the journal of a directory, or creates it there.
    ///
    /// An unfinished tail that a crash left is cut off and reported in a `recovered` record. Reads on from the snapshot,
    /// or every record once when there is none to be believed. Damage below a snapshot is not found here but by
    /// [`verify`](crate::verify::verify).
    ///
    /// # Errors
    /// [`OpenError`]: it is open elsewhere, it was tampered with, or the directory cannot be used.
    pub fn open(dir: &Path, settings: Settings) -> Result<Self, OpenError> {
        let ready = crate::open::open(dir, &settings)?;
        let now = Instant::now();
        let size = ready.tree.size();
        let core = Arc::new(Core {
            clock: Arc::clone(&settings.clock),
            state: Mutex::new(State::new(ready.writer, size)),
            refusals: Mutex::new(Refusals::new(
                settings.disk_budget_bytes,
                ready.history.refusal_bytes,
            )),
            work: Condvar::new(),
            not_recorded: Mutex::default(),
            reserve: ready.reserve,
            prunings: Orders::default(),
        });
        let verifier = ready.identity.verifier;
        let memory = ready.memory;
        let last_snapshot = ready.started.snapshot.unwrap_or(0);
        let pruner = Pruner::new(
            Arc::clone(&core),
            Arc::clone(&settings.storage),
            dir,
            verifier.clone(),
            settings.prune_acknowledged_only,
        );
        let background = Background {
            core: Arc::clone(&core),
            storage: settings.storage,
            dir: dir.to_owned(),
            origin: verifier.name().as_str().to_owned(),
            signer: ready.identity.signer,
            tree: ready.tree,
            snapshots: Snapshots::new(memory.clone(), ready.history, &ready.place, last_snapshot),
            sign_not_before: now,
            counts_at: now,
            in_doubt: Vec::new(),
            repair_at: None,
            presence: Arc::clone(&ready.presence),
            presence_at: now,
            checkpoint: None,
            reserve_at: now,
            _lock: ready.lock,
        };
        let thread = std::thread::Builder::new()
            .name("hallpass-journal".to_owned())
            .spawn(move || background.run())
            .map_err(|source| OpenError::Io {
                action: "start the background thread",
                path: dir.to_owned(),
                source,
            })?;
        let journal = Self {
            handle: Arc::new(Handle {
                dir: dir.to_owned(),
                core,
                verifier,
                digest_key: ready.identity.digest_key,
                sensitive: ready.sensitive,
                latest_time: ready.latest_time,
                started: ready.started,
                memory,
                thread: Mutex::new(Some(thread)),
                pruner,
                presence: ready.presence,
            }),
        };
        if let Some(keep) = settings.keep {
            let started = journal.handle.pruner.keep(keep);
            started.map_err(|source| OpenError::Io {
                action: "start the pruning thread",
                path: dir.to_owned(),
                source,
            })?;
        }
        Ok(journal)
    }

    /// Records an event. The record is on its way when this returns; the answer says when it has arrived.
    ///
    /// An uncontended relaxed append is written by the calling thread and answered at once. Nothing here waits for a
    /// sync. Failures, also of size, are in the answer.
    pub fn append(&self, event: &Event, durability: Durability) -> Append {
        match Body::of(event) {
            Ok(body) => self.handle.core.append(body, durability),
            Err(_) if durability == Durability::DangerOpen => {
                self.handle.core.count_allowed();
                Append::answered(Ok(Recorded::without_record()))
            }
            Err(too_large) => {
                self.handle.core.count_refused(1);
                Append::answered(Err(AppendError::TooLarge {
                    bytes: too_large.bytes,
                }))
            }
        }
    }

    /// Records a denial without waiting: singly while there are few in this second, else as a number.
    ///
    /// Denials of one token have a quota of their own; those without a token were refused before a valid signature and
    /// share one. All together use at most a tenth of the disk budget, so no flood of them can stop valid calls. When
    /// the answer is [`RefusalRecord::Counted`], no record has this decision id.
    pub fn refuse(&self, decided: Decided) -> RefusalRecord {
        let core = &self.handle.core;
        let (Verdict::Deny, Some(code)) = (decided.verdict, decided.code) else {
            // Not a refusal: recorded as what it is, and nobody asked to know whether it arrived.
            drop(self.append(&Event::Decided(Box::new(decided)), Durability::Relaxed));
            return RefusalRecord::Single;
        };
        let token = decided.token;
        let now = core.clock.now();
        let bytes = crate::RECORD_BYTES_MAX as u64;
        let admitted = core.lock_refusals().admit(code, token, now, bytes);
        if admitted == RefusalRecord::Counted {
            return admitted;
        }
        let queued = match Body::of(&Event::Decided(Box::new(decided))) {
            Ok(body) => {
                let unused = bytes.saturating_sub(body.line_bytes_max() as u64);
                core.lock_refusals().give_back(unused);
                core.enqueue_refusal(body)
            }
            Err(_) => RefusalRecord::Counted,
        };
        if queued == RefusalRecord::Counted {
            core.lock_refusals().count(code, token, now);
        }
        queued
    }

    /// The keyed digest of canonical bytes: what stands in records instead of arguments and results.
    pub fn digest(&self, canonical: &[u8]) -> ArgumentsDigest {
        self.handle.digest_key.digest(canonical)
    }

    /// The key for the sensitive arguments of a record that is made now. One for each segment.
    pub fn sensitive_key(&self) -> SensitiveKey {
        self.handle.sensitive.current()
    }

    /// Erases the keys of sensitive digests in the segments before this record, so that nothing can be compared with those
    /// digests any more; none when there is no such key. Whole segments only, and never the last. Blocks until a `keys_erased`
    /// record is durable and the files are gone, at most for `deadline` until it is.
    ///
    /// # Errors
    /// [`EraseError`].
    pub fn erase_sensitive(
        &self,
        below: u64,
        deadline: Duration,
    ) -> Result<Option<Erased>, EraseError> {
        // The directory may be another writer's by now.
        if self.handle.core.lock().closed {
            return Err(AppendError::Closed.into());
        }
        let present = self.handle.presence.check_directory();
        present.map_err(|error| reason(&error))?;
        self.handle.sensitive.erase(below, |below| {
            let event = Event::KeysErased(KeysErased { below });
            self.append(&event, Durability::Durable)
                .wait(deadline)
                .map(|_| ())
        })
    }

    /// The unique name of this journal.
    pub fn origin(&self) -> &str {
        self.handle.verifier.name().as_str()
    }

    /// What verifies its checkpoints.
    pub fn verifier(&self) -> &NoteVerifier {
        &self.handle.verifier
    }

    /// The latest time in any record that was there when it was opened: whoever keeps time by a clock that must not run
    /// backwards starts from it.
    pub fn latest_time(&self) -> Option<Timestamp> {
        self.handle.latest_time
    }

    /// Removes old records for good: whole segments of signed records, never the last one and none younger than
    /// [`KEEP_MIN`](crate::KEEP_MIN). Says what was removed; `None` when nothing is old enough.
    ///
    /// Reads and verifies the whole journal first, and waits for its record to be written and signed. Appends go on
    /// meanwhile.
    ///
    /// # Errors
    /// [`PruneError`]. Nothing is removed before the pruning is recorded and signed.
    pub fn prune(&self, old: Old) -> Result<Option<Prunable>, PruneError> {
        self.handle.pruner.prune(old)
    }

    /// Every record up to and including this index has arrived elsewhere, and may be pruned when only such may.
    pub fn acknowledge(&self, index: u64) {
        self.handle.pruner.acknowledge(index);
    }

    /// How much was read to open it: all of it, or what came after its snapshot.
    pub fn started(&self) -> Started {
        self.handle.started
    }

    /// What it remembers of its own records: what was used, and what runs have spent.
    pub fn memory(&self) -> &Memory {
        &self.handle.memory
    }

    /// Where it lies.
    pub fn dir(&self) -> &Path {
        &self.handle.dir
    }

    /// How it is doing.
    pub fn status(&self) -> Status {
        let core = &self.handle.core;
        let state = core.lock();
        Status {
            written: state.written,
            signed: state.signed,
            checkpoint_age: state.signed_at.elapsed(),
            not_recorded: core.lock_not_recorded().total(),
            broken: state.broken,
            low: core.reserve.is_low(),
            reserve_bytes: core.reserve.bytes(),
        }
    }

    /// Writes what is queued, syncs and signs it, and gives up the directory. Later appends fail; closing twice is fine.
    ///
    /// # Errors
    /// When something could not be written, synced or signed. What was acknowledged as durable is there all the same.
    pub fn close(&self) -> Result<(), AppendError> {
        self.handle.close()
    }
}

impl Handle {
    fn close(&self) -> Result<(), AppendError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = thread.take() else {
            return Ok(());
        };
        self.pruner.stop();
        let core = &self.core;
        let counts = core.lock_refusals().take(core.clock.now(), true);
        core.enqueue_counts(counts);
        core.enqueue_unrecorded();
        core.close();
        if running.thread().id() == std::thread::current().id() {
            // It wakes those who wait for an answer, and one of them had the last handle: it ends by itself.
            return Err(AppendError::Uncertain);
        }
        // The thread does not panic; if it did, nothing it held back is confirmed.
        running.join().unwrap_or(Err(AppendError::Uncertain))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Nobody is left to tell: what was acknowledged is on its way to the disk in any case.
        let _ = self.close();
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("origin", &self.origin())
            .field("dir", &self.handle.dir)
            .finish_non_exhaustive()
    }
}
