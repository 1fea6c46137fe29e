//! The background thread: syncs for those who wait, signs checkpoints, writes what was counted, repairs the file.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use hallpass_keys::note::NoteSigner;

use crate::append::Slot;
use crate::core::{Core, State, is_full, reason};
use crate::merkle::{Tree, leaf_hash};
use crate::open::WriterLock;
use crate::presence::Presence;
use crate::snapshot::Snapshots;
use crate::writer::{Chunk, SegmentFile, check_content, check_presence};
use crate::{AppendError, FileId, Recorded, Storage};

mod signing;

pub(crate) use signing::{CheckpointNotWritten, write_checkpoint};

/// A relaxed record is synced this long after it was written (DESIGN section 6: a power cut may lose 50 ms of reads).
pub(crate) const RELAXED_SYNC: Duration = Duration::from_millis(50);
/// A checkpoint covers every record after at most this long.
pub(crate) const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// A checkpoint is due after this many records, if it is not by time.
pub(crate) const CHECKPOINT_RECORDS: u64 = 1_000;
/// How long to wait before another try, after a repair or a checkpoint has failed.
pub(crate) const RETRY: Duration = Duration::from_millis(100);
/// How often the files are looked at while nothing is written.
const PRESENCE_EVERY: Duration = Duration::from_secs(1);
/// How often the reserve is tried to be made whole, after the device was full.
const RESERVE_EVERY: Duration = Duration::from_millis(500);
/// How often what was only counted is looked at.
const COUNTS_EVERY: Duration = Duration::from_secs(1);
/// How long to wait for a writer to come back when closing.
const WRITER_BACK: Duration = Duration::from_millis(1);
/// Batches written in a row before the thread looks at its other duties.
const BATCHES_MAX: u32 = 64;

/// What the thread owns.
pub(crate) struct Background {
    pub(crate) core: Arc<Core>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) dir: std::path::PathBuf,
    pub(crate) signer: NoteSigner,
    pub(crate) origin: String,
    /// Every synced record, and no other.
    pub(crate) tree: Tree,
    pub(crate) snapshots: Snapshots,
    pub(crate) sign_not_before: Instant,
    pub(crate) counts_at: Instant,
    /// Taken for syncing, and kept until a sync has succeeded.
    pub(crate) in_doubt: Vec<Chunk>,
    pub(crate) repair_at: Option<Instant>,
    pub(crate) presence: Arc<Presence>,
    pub(crate) presence_at: Instant,
    /// Which file the checkpoint is, once it was looked at.
    pub(crate) checkpoint: Option<FileId>,
    pub(crate) reserve_at: Instant,
    /// Held for as long as this thread may write.
    pub(crate) _lock: WriterLock,
}

/// Why the thread woke up.
struct Duty {
    chunks: Vec<Chunk>,
    waiters: Vec<(Arc<Slot>, u64)>,
    closing: bool,
}

/// How the last records of a closing journal ended.
pub(crate) type Ended = Result<(), AppendError>;

impl Background {
    /// Runs until the journal is closed.
    pub(crate) fn run(mut self) -> Ended {
        let ended = self.run_until_closed();
        self.core.prunings.close();
        ended
    }

    fn run_until_closed(&mut self) -> Ended {
        loop {
            let duty = self.wait_for_duty();
            self.sync(duty.chunks, duty.waiters);
            self.repair_if_due();
            self.write_counts(duty.closing);
            self.core.lead(self.core.lock(), BATCHES_MAX);
            self.check_if_due();
            self.sign_if_due();
            if !duty.closing {
                self.fill_reserve();
            }
            self.snapshot_if_due(false);
            self.prune_if_asked();
            if duty.closing
                && let Some(ended) = self.ended()
            {
                return ended;
            }
        }
    }

    fn wait_for_duty(&mut self) -> Duty {
        let mut state = self.core.lock();
        loop {
            let pause = self.pause(&state);
            if pause.is_zero() {
                break;
            }
            state = self
                .core
                .work
                .wait_timeout(state, pause)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            if state.closed {
                break;
            }
        }
        state.unsynced_since = None;
        Duty {
            chunks: std::mem::take(&mut state.unsynced),
            waiters: std::mem::take(&mut state.awaiting_sync),
            closing: state.closed,
        }
    }

    /// How long there is nothing to do.
    fn pause(&self, state: &State) -> Duration {
        let now = Instant::now();
        if state.closed {
            // Somebody who still writes will be done in a moment; there is nothing to be woken by.
            let writing = state.writer.is_none();
            return if writing { WRITER_BACK } else { Duration::ZERO };
        }
        if state.broken.is_some() {
            let at = self.repair_at.unwrap_or(now);
            return at.saturating_duration_since(now);
        }
        let stuck = state.unsynced_bytes >= crate::core::UNSYNCED_BYTES_MAX;
        let can_lead = state.writer.is_some() && !state.queue.is_empty();
        let asked = self.core.prunings.is_waiting();
        if !state.awaiting_sync.is_empty() || can_lead || stuck || asked {
            return Duration::ZERO;
        }
        let sync_at = state.unsynced_since.map(|since| since + RELAXED_SYNC);
        let sign_at = (self.tree.size() > state.signed)
            .then(|| (state.signed_at + CHECKPOINT_EVERY).max(self.sign_not_before));
        let reserve_at = self.core.reserve.is_to_grow().then_some(self.reserve_at);
        let regular = self.counts_at.min(self.presence_at);
        [sync_at, sign_at, reserve_at, Some(regular)]
            .into_iter()
            .flatten()
            .min()
            .map_or(COUNTS_EVERY, |at| at.saturating_duration_since(now))
    }

    fn sync(&mut self, chunks: Vec<Chunk>, waiters: Vec<(Arc<Slot>, u64)>) {
        self.in_doubt.extend(chunks);
        if self.core.lock().broken.is_some() {
            // The repair decides about these bytes; who waits for them is told at once.
            self.answer_uncertain(waiters);
            return;
        }
        if self.in_doubt.is_empty() {
            return;
        }
        // What was synced counts only if it is in the journal's own file.
        let synced = sync_files(&self.in_doubt)
            .and_then(|()| self.check_presence())
            .and_then(|()| check_content(&self.in_doubt));
        match synced {
            Ok(()) => {
                self.advance();
                for (slot, index) in waiters {
                    slot.answer(Ok(Recorded::new(index)));
                }
            }
            Err(error) => {
                self.core.lock().broken = Some(reason(&error));
                self.repair_at = None;
                self.answer_uncertain(waiters);
            }
        }
    }

    /// Whether the files are the journal's own.
    fn check_presence(&self) -> std::io::Result<()> {
        let state = self.core.lock();
        match &state.writer {
            // Under the lock, so that nobody makes the file longer meanwhile.
            Some(writer) => writer.check_presence(&self.in_doubt),
            None => {
                drop(state);
                check_presence(&self.presence, self.in_doubt.iter())
            }
        }
    }

    /// Whether what is signed and removed now is signed and removed in the journal itself.
    fn is_present(&self) -> bool {
        self.core.lock().broken.is_none() && self.check_presence().is_ok()
    }

    fn check_if_due(&mut self) {
        let now = Instant::now();
        if now < self.presence_at {
            return;
        }
        self.presence_at = now + PRESENCE_EVERY;
        if self.core.lock().broken.is_some() {
            return;
        }
        if let Err(error) = self.check_presence() {
            self.core.lock().broken = Some(reason(&error));
            self.repair_at = None;
            return;
        }
        self.check_checkpoint();
    }

    /// Takes back what was given up of the reserve, a step at a time.
    fn fill_reserve(&mut self) {
        let now = Instant::now();
        if self.core.lock().broken.is_some() {
            // Perhaps because the directory is another one.
            return;
        }
        let reserve = &self.core.reserve;
        let was_low = reserve.is_low();
        if reserve.is_to_grow() && now >= self.reserve_at {
            self.reserve_at = match reserve.grow() {
                Ok(()) => now,
                Err(_) => now + RESERVE_EVERY,
            };
        }
        if was_low && !reserve.is_low() {
            self.counts_at = now;
        }
    }

    /// What was in doubt is on the device: it enters the tree, and memory is given back.
    fn advance(&mut self) {
        let mut bytes = 0_usize;
        for chunk in self.in_doubt.drain(..) {
            bytes = bytes.saturating_add(chunk.bytes.len());
            self.snapshots.synced(&chunk);
            for line in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                self.tree.push(leaf_hash(line));
            }
        }
        let mut state = self.core.lock();
        state.unsynced_bytes = state.unsynced_bytes.saturating_sub(bytes);
    }

    fn answer_uncertain(&self, waiters: Vec<(Arc<Slot>, u64)>) {
        let count = u64::try_from(waiters.len()).unwrap_or(u64::MAX);
        self.core.count_refused(count);
        for (slot, _) in waiters {
            slot.answer(Err(AppendError::Uncertain));
        }
    }

    fn repair_if_due(&mut self) {
        let now = Instant::now();
        let mut state = self.core.lock();
        let Some(error) = state.broken else {
            return;
        };
        if self.repair_at.is_some_and(|at| at > now) && !state.closed {
            return;
        }
        let queue = state.take_queue();
        // Somebody may be writing at this moment and will put the writer back; the next round finds it.
        let writer = state.writer.take();
        self.in_doubt.append(&mut state.unsynced);
        let waiters = std::mem::take(&mut state.awaiting_sync);
        drop(state);
        self.core.answer_failed(queue, error);
        self.answer_uncertain(waiters);
        self.repair_at = Some(now + RETRY);
        let Some(mut writer) = writer else {
            return;
        };
        let reserve = Arc::clone(&self.core.reserve);
        let repaired = reserve.retry(is_full, || writer.repair(&self.in_doubt));
        if repaired.is_ok() {
            self.advance();
            self.repair_at = None;
            self.counts_at = now;
        }
        let mut state = self.core.lock();
        state.broken = repaired.err().map(|error| reason(&error));
        state.writer = Some(writer);
    }

    fn write_counts(&mut self, closing: bool) {
        let now = Instant::now();
        if now < self.counts_at && !closing {
            return;
        }
        self.counts_at = now + COUNTS_EVERY;
        if !closing && (self.core.lock().broken.is_some() || self.core.reserve.is_low()) {
            return;
        }
        let counts = self
            .core
            .lock_refusals()
            .take(self.core.clock.now(), closing);
        self.core.enqueue_counts(counts);
        if !closing {
            self.core.enqueue_unrecorded();
        }
    }

    /// At the end: whether everything is written, synced and signed, or will not be.
    fn ended(&mut self) -> Option<Ended> {
        let mut state = self.core.lock();
        if let Some(error) = state.broken.filter(|_| state.writer.is_some()) {
            // One repair was tried since the close; what is queued gets its answer, then the thread ends.
            let queue = state.take_queue();
            let waiters = std::mem::take(&mut state.awaiting_sync);
            drop(state);
            self.core.answer_failed(queue, error);
            self.answer_uncertain(waiters);
            return Some(Err(error));
        }
        let idle = state.queue.is_empty() && state.unsynced.is_empty() && state.writer.is_some();
        let all_signed = state.signed == self.tree.size();
        drop(state);
        if !idle || !self.in_doubt.is_empty() {
            return None;
        }
        if all_signed || self.sign() {
            self.snapshot_if_due(true);
            return Some(Ok(()));
        }
        Some(Err(AppendError::Unavailable))
    }
}

fn sync_files(chunks: &[Chunk]) -> std::io::Result<()> {
    let mut synced: Option<&Arc<SegmentFile>> = None;
    for chunk in chunks {
        if !synced.is_some_and(|file| Arc::ptr_eq(file, &chunk.file)) {
            chunk.file.sync()?;
            synced = Some(&chunk.file);
        }
    }
    Ok(())
}
