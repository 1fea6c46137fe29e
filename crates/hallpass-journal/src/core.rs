//! What the handles of a journal and its background thread share: the queue and who writes next.
//!
//! Whoever takes the [`Writer`] out of the state is the leader: it writes what is queued without holding the lock and
//! puts the writer back. An append that finds the writer free writes itself, so that an uncontended one does not change
//! threads. The background thread syncs, signs, repairs, and writes what leaders leave behind.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hallpass_vocabulary::Clock;

use crate::append::Slot;
use crate::line::Body;
use crate::not_recorded::NotRecorded;
use crate::presence::Gone;
use crate::prune::Orders;
use crate::queued::{Queued, Whose};
use crate::refusals::Refusals;
use crate::reserve::Reserve;
use crate::writer::{Chunk, WriteFailed, Writer};
use crate::{Append, AppendError, Durability, Event, Recorded, RefusalRecord, Refused};

/// The most bytes waiting to be written: a quarter of a minute of a busy service. More is refused, not buffered.
pub(crate) const QUEUED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The most bytes written but not synced: they are kept in memory until a sync has succeeded. Beyond it, appends wait.
pub(crate) const UNSYNCED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The largest batch of one `write`, in bytes.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// How many batches of others an appending thread writes before it leaves the rest to the background thread.
const FOREIGN_BATCHES_MAX: u32 = 8;

pub(crate) struct Core {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) state: Mutex<State>,
    pub(crate) refusals: Mutex<Refusals>,
    /// Wakes the background thread.
    pub(crate) work: Condvar,
    pub(crate) not_recorded: Mutex<NotRecorded>,
    pub(crate) reserve: Arc<Reserve>,
    /// A pruning to be carried out by the background thread.
    pub(crate) prunings: Orders,
}

pub(crate) struct State {
    /// None while somebody writes.
    pub(crate) writer: Option<Writer>,
    pub(crate) queue: VecDeque<Queued>,
    pub(crate) queued_bytes: usize,
    /// Written and not yet taken by the background thread for syncing, oldest first.
    pub(crate) unsynced: Vec<Chunk>,
    /// All bytes in memory for that reason, including those the background thread has taken.
    pub(crate) unsynced_bytes: usize,
    pub(crate) unsynced_since: Option<Instant>,
    /// Written, answered once synced.
    pub(crate) awaiting_sync: Vec<(Arc<Slot>, u64)>,
    /// Why nothing can be written at the moment.
    pub(crate) broken: Option<AppendError>,
    pub(crate) closed: bool,
    /// The turn of the record that closes the journal has come.
    ended: bool,
    /// Records written and signed, for [`Status`](crate::Status).
    pub(crate) written: u64,
    pub(crate) signed: u64,
    /// When the newest checkpoint was written.
    pub(crate) signed_at: Instant,
}

impl Core {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock_refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts records whose callers have been told that there are none.
    pub(crate) fn count_refused(&self, count: u64) {
        self.lock_not_recorded().refused(count, self.clock.now());
    }

    /// Counts a record whose caller went ahead without.
    pub(crate) fn count_allowed(&self) {
        self.lock_not_recorded().allowed(self.clock.now());
    }

    pub(crate) fn lock_not_recorded(&self) -> MutexGuard<'_, NotRecorded> {
        self.not_recorded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a record, and writes it if nobody else is writing.
    pub(crate) fn append(&self, body: Body, durability: Durability) -> Append {
        if durability == Durability::DangerOpen {
            return Append::answered(self.append_open(body));
        }
        let mut state = self.lock();
        let full = durability == Durability::Durable && self.reserve.is_low();
        let refused = state.refuses().or(full.then_some(AppendError::Full));
        if let Some(error) = refused {
            drop(state);
            self.count_refused(1);
            return Append::answered(Err(error));
        }
        let alone = state.queue.is_empty() && state.may_write();
        if alone
            && durability == Durability::Relaxed
            && let Some(writer) = state.writer.take()
        {
            return Append::answered(self.append_alone(state, writer, &body));
        }
        let slot = Arc::new(Slot::default());
        state.enqueue(Queued {
            body,
            whose: Whose::Caller(Arc::clone(&slot), durability),
        });
        self.lead(state, FOREIGN_BATCHES_MAX);
        Append::waiting(slot)
    }

    /// Queues a record for the background thread if that is possible, and counts it if not: the caller waits for nothing.
    fn append_open(&self, body: Body) -> Result<Recorded, AppendError> {
        let mut state = self.lock();
        match state.refuses() {
            // Nothing would ever say that there was a record to write.
            Some(AppendError::Closed) => {
                drop(state);
                self.count_refused(1);
                return Err(AppendError::Closed);
            }
            None if !self.reserve.is_low() => {
                state.enqueue(Queued {
                    body,
                    whose: Whose::Open,
                });
                drop(state);
                self.work.notify_one();
            }
            _ => {
                drop(state);
                self.count_allowed();
            }
        }
        Ok(Recorded::without_record())
    }

    /// Queues a refusal, and writes it if nobody else is writing: whoever was refused can look it up at once. Never
    /// waits for anybody else's write.
    pub(crate) fn enqueue_refusal(&self, body: Body) -> RefusalRecord {
        let mut state = self.lock();
        if state.refuses().is_some() || self.reserve.is_low() {
            return RefusalRecord::Counted;
        }
        state.enqueue(Queued {
            body,
            whose: Whose::Nobody,
        });
        self.lead(state, 1);
        RefusalRecord::Single
    }

    /// Takes no more records; the background thread finishes what is queued and ends.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if let Ok(body) = Body::of(&Event::Closed {}) {
            state.enqueue(Queued {
                body,
                whose: Whose::Journal,
            });
        }
        state.closed = true;
        drop(state);
        self.work.notify_one();
    }

    /// Queues counts of refusals, whatever else is queued: they are few.
    pub(crate) fn enqueue_counts(&self, counts: Vec<Refused>) {
        let mut state = self.lock();
        for refused in counts {
            if let Ok(body) = Body::of(&Event::Refused(refused.clone())) {
                state.enqueue_before_the_end(Queued {
                    body,
                    whose: Whose::Count(refused),
                });
            }
        }
    }

    /// Queues the number of records that there are not, if there is one.
    pub(crate) fn enqueue_unrecorded(&self) {
        let Some(unrecorded) = self.lock_not_recorded().take() else {
            return;
        };
        if let Ok(body) = Body::of(&Event::Unrecorded(unrecorded.clone())) {
            self.lock().enqueue(Queued {
                body,
                whose: Whose::Unrecorded(unrecorded),
            });
        }
    }

    /// The short way: one record, no queue, no slot.
    fn append_alone<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        mut writer: Writer,
        body: &Body,
    ) -> Result<Recorded, AppendError> {
        drop(state);
        let index = writer.next_index();
        let written = writer.write_at_all_costs(&[body], self.clock.now());
        let mut state = self.lock();
        let outcome = match written {
            Ok(chunk) => {
                self.keep(&mut state, chunk, writer.next_index());
                Ok(Recorded::new(index))
            }
            Err(failed) => {
                self.count_refused(1);
                Err(state.fail(&failed, &writer))
            }
        };
        state.writer = Some(writer);
        self.lead(state, FOREIGN_BATCHES_MAX);
        outcome
    }

    /// Writes what is queued, if nobody else does, in at most this many batches.
    pub(crate) fn lead<'a>(&'a self, mut state: MutexGuard<'a, State>, batches: u32) {
        for _ in 0..batches {
            if state.queue.is_empty() || !state.may_write() {
                break;
            }
            let Some(mut writer) = state.writer.take() else {
                return;
            };
            let (batch, cancelled) = state.take_batch();
            drop(state);
            if cancelled > 0 {
                self.count_refused(cancelled);
            }
            let first = writer.next_index();
            let (batch, written) = self.write_batch(&mut writer, batch);
            state = self.lock();
            match written {
                None => state.writer = Some(writer),
                Some(Ok(chunk)) => {
                    self.keep(&mut state, chunk, writer.next_index());
                    state.writer = Some(writer);
                    state = self.answer_written(state, batch, first);
                }
                Some(Err(failed)) => {
                    let error = state.fail(&failed, &writer);
                    state.writer = Some(writer);
                    drop(state);
                    self.answer_failed(batch, error);
                    state = self.lock();
                }
            }
        }
        // The background thread looks after what is left, and after whatever broke.
        let wake = !state.queue.is_empty() || state.broken.is_some();
        drop(state);
        if wake {
            self.work.notify_one();
        }
    }

    /// Writes a batch; where the device is full, only what the reserve is there for. Gives what was not answered yet, and
    /// what came of it: nothing, if it is empty.
    fn write_batch(
        &self,
        writer: &mut Writer,
        batch: Vec<Queued>,
    ) -> (Vec<Queued>, Option<Result<Chunk, WriteFailed>>) {
        if batch.is_empty() {
            return (batch, None);
        }
        let now = self.clock.now();
        let bodies: Vec<_> = batch.iter().map(|queued| &queued.body).collect();
        let failed = match writer.write(&bodies, now) {
            Err(failed) if failed.intact && is_full(&failed.error) => failed,
            done => return (batch, Some(done)),
        };
        let (reserved, others): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(Queued::may_use_reserve);
        self.answer_failed(others, reason(&failed.error));
        if reserved.is_empty() {
            return (reserved, None);
        }
        let bodies: Vec<_> = reserved.iter().map(|queued| &queued.body).collect();
        let written = writer.write_at_all_costs(&bodies, now);
        (reserved, Some(written))
    }

    fn keep(&self, state: &mut State, chunk: Chunk, written: u64) {
        state.unsynced_bytes = state.unsynced_bytes.saturating_add(chunk.bytes.len());
        state.unsynced.push(chunk);
        state.written = written;
        if state.unsynced_since.is_none() {
            state.unsynced_since = Some(Instant::now());
            self.work.notify_one();
        }
    }

    /// Answers relaxed callers; durable ones go on to wait for the sync.
    fn answer_written<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        batch: Vec<Queued>,
        first: u64,
    ) -> MutexGuard<'a, State> {
        let mut relaxed = Vec::new();
        let mut durable = false;
        for (queued, index) in batch.into_iter().zip(first..) {
            match queued.whose {
                Whose::Caller(slot, Durability::Durable | Durability::Outcome) => {
                    state.awaiting_sync.push((slot, index));
                    durable = true;
                }
                Whose::Caller(slot, Durability::Relaxed) => relaxed.push((slot, index)),
                _ => {}
            }
        }
        if durable {
            self.work.notify_one();
        }
        if relaxed.is_empty() {
            return state;
        }
        drop(state);
        for (slot, index) in relaxed {
            slot.answer(Ok(Recorded::new(index)));
        }
        self.lock()
    }

    pub(crate) fn answer_failed(&self, batch: Vec<Queued>, error: AppendError) {
        for queued in batch {
            match queued.whose {
                Whose::Caller(slot, _) => {
                    self.count_refused(1);
                    slot.answer(Err(error));
                }
                Whose::Count(refused) => self.lock_refusals().put_back(&refused),
                Whose::Journal => {}
                Whose::Nobody => self.count_refused(1),
                Whose::Open => self.count_allowed(),
                Whose::Unrecorded(unrecorded) => self.lock_not_recorded().put_back(&unrecorded),
            }
        }
    }
}

impl State {
    pub(crate) fn new(writer: Writer, size: u64) -> Self {
        Self {
            writer: Some(writer),
            queue: VecDeque::new(),
            queued_bytes: 0,
            unsynced: Vec::new(),
            unsynced_bytes: 0,
            unsynced_since: None,
            awaiting_sync: Vec::new(),
            broken: None,
            closed: false,
            ended: false,
            written: size,
            signed: size,
            signed_at: Instant::now(),
        }
    }

    /// Why nothing may be queued now.
    fn refuses(&self) -> Option<AppendError> {
        if self.closed {
            Some(AppendError::Closed)
        } else if self.broken.is_some() {
            self.broken
        } else if self.queued_bytes >= QUEUED_BYTES_MAX {
            Some(AppendError::Backlog)
        } else {
            None
        }
    }

    pub(crate) fn may_write(&self) -> bool {
        self.broken.is_none() && self.unsynced_bytes < UNSYNCED_BYTES_MAX
    }

    fn enqueue(&mut self, queued: Queued) {
        self.queued_bytes = self
            .queued_bytes
            .saturating_add(queued.body.line_bytes_max());
        self.queue.push_back(queued);
    }

    /// Puts a record that nobody waits for before the one that closes the journal, which nothing may follow: when the turn
    /// of that has come, it is too late.
    fn enqueue_before_the_end(&mut self, queued: Queued) {
        let end = self
            .queue
            .pop_back_if(|last| matches!(last.whose, Whose::Journal));
        if !self.ended {
            self.enqueue(queued);
        }
        self.queue.extend(end);
    }

    /// The next batch, without those whose caller has given up, and how many they are.
    fn take_batch(&mut self) -> (Vec<Queued>, u64) {
        let mut batch = Vec::new();
        let mut cancelled = 0_u64;
        let mut bytes = 0_usize;
        while bytes < BATCH_BYTES_MAX
            && let Some(queued) = self.queue.pop_front()
        {
            let line_bytes = queued.body.line_bytes_max();
            self.queued_bytes = self.queued_bytes.saturating_sub(line_bytes);
            let wanted = match &queued.whose {
                Whose::Caller(slot, _) => slot.begin(),
                _ => true,
            };
            self.ended |= matches!(queued.whose, Whose::Journal);
            if wanted {
                bytes = bytes.saturating_add(line_bytes);
                batch.push(queued);
            } else {
                cancelled = cancelled.saturating_add(1);
            }
        }
        (batch, cancelled)
    }

    /// Everything that is queued, to be answered with an error.
    pub(crate) fn take_queue(&mut self) -> Vec<Queued> {
        self.queued_bytes = 0;
        self.queue.drain(..).collect()
    }

    fn fail(&mut self, failed: &WriteFailed, writer: &Writer) -> AppendError {
        let error = reason(&failed.error);
        if failed.intact {
            return error;
        }
        self.broken = Some(error);
        // Of a batch that is half there, whole records stay if the process ends before they are taken back.
        if writer.may_hold_more() {
            AppendError::Uncertain
        } else {
            error
        }
    }
}

/// Whether a failure means that there is no space.
pub(crate) fn is_full(error: &io::Error) -> bool {
    reason(error) == AppendError::Full
}

/// What callers are told about a failure of the device.
pub(crate) fn reason(error: &io::Error) -> AppendError {
    match error.kind() {
        io::ErrorKind::StorageFull
        | io::ErrorKind::QuotaExceeded
        | io::ErrorKind::FileTooLarge
        | io::ErrorKind::WriteZero => AppendError::Full,
        _ if Gone::is(error) => AppendError::Gone,
        _ => AppendError::Unavailable,
    }
}
