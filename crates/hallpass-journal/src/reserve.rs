//! Space kept for the records of reads, for when the device is full.
//!
//! A file of zeros in the journal's directory. They are really written and synced, so that the device has given their
//! blocks away already; cutting the file gives them back to whoever writes next, which is us.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::core::is_full;
use crate::directory::RESERVE;
use crate::storage::write_all_at;
use crate::{Storage, StoredFile};

/// How much of the reserve is written at a time, in bytes: a few milliseconds, between which syncs are not kept waiting.
const GROW_BYTES: usize = 256 * 1024;
/// How much is given up at first, in bytes. Each further try for the same records gives up twice as much, because a
/// device that is full answers slowly.
const RELEASE_BYTES: u64 = 64 * 1024;

/// What of the reserve is for checkpoints alone, in bytes, but at most an eighth of it: what is recorded shall be signed.
const CHECKPOINT_BYTES: u64 = 64 * 1024;
/// What there must be beyond the reserve before a device that was full counts as having space again, in bytes.
const PROBE_BYTES: u64 = 64 * 1024;

/// The reserve of one journal, shared by whoever writes (gives it up) and the background thread (takes it back).
pub(crate) struct Reserve {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    bytes_wanted: u64,
    file: Mutex<Option<Box<dyn StoredFile>>>,
    /// How long the file is. Changed under its lock, and read without, by those who must not wait for a device.
    bytes: AtomicU64,
    /// The device was full, and has not been known to have space since.
    low: AtomicBool,
}

impl Reserve {
    /// What there is of it from before. It is not made here, which would hold up the opening.
    pub(crate) fn new(storage: Arc<dyn Storage>, dir: &Path, bytes_wanted: u64) -> Arc<Self> {
        let reserve = Self {
            storage,
            path: dir.join(RESERVE),
            bytes_wanted,
            file: Mutex::default(),
            bytes: AtomicU64::new(0),
            low: AtomicBool::new(false),
        };
        // What cannot be opened now is opened, or made, when it is filled.
        if let Ok(file) = reserve.open() {
            *reserve.lock() = Some(file);
        }
        Arc::new(reserve)
    }

    /// How much is held, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// Whether there is anything to be done for it.
    pub(crate) fn is_to_grow(&self) -> bool {
        self.is_low() || self.bytes() < self.bytes_wanted
    }

    /// Whether the device was full and has not been known to have space since.
    pub(crate) fn is_low(&self) -> bool {
        self.low.load(Ordering::Acquire)
    }

    /// A write has met a full device.
    pub(crate) fn device_is_full(&self) {
        self.low.store(true, Ordering::Release);
    }

    /// Tries to write records, and while the device is full gives up more and more of the reserve and tries again.
    pub(crate) fn retry<T, E>(
        &self,
        is_full: impl Fn(&E) -> bool,
        attempt: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let for_checkpoints = CHECKPOINT_BYTES.min(self.bytes_wanted / 8);
        self.retry_down_to(for_checkpoints, is_full, attempt)
    }

    /// The same for a checkpoint.
    pub(crate) fn retry_checkpoint<T>(
        &self,
        attempt: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        self.retry_down_to(0, is_full, attempt)
    }

    fn retry_down_to<T, E>(
        &self,
        least: u64,
        is_full: impl Fn(&E) -> bool,
        mut attempt: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let mut step = RELEASE_BYTES;
        loop {
            match attempt() {
                Err(error) if is_full(&error) => {
                    self.device_is_full();
                    if !self.release(step, least) {
                        return Err(error);
                    }
                    step = step.saturating_mul(2);
                }
                done => return done,
            }
        }
    }

    /// Gives up to this many bytes back to the device, and keeps the least; false when there is nothing left to give.
    fn release(&self, bytes: u64, least: u64) -> bool {
        let file = self.lock();
        let held = self.bytes();
        let left = held.saturating_sub(bytes).max(least);
        let Some(file) = file.as_ref().filter(|_| left < held) else {
            return false;
        };
        let cut = file.set_len(left).is_ok();
        if cut {
            self.bytes.store(left, Ordering::Release);
        }
        cut
    }

    /// Takes a step towards being whole. After the device was full, being whole is not enough: only when there is space
    /// for more are records taken again that the reserve is not there for.
    ///
    /// # Errors
    /// As the operating system says. What was taken is kept.
    pub(crate) fn grow(&self) -> io::Result<()> {
        let grown = self.grow_towards_whole();
        if self.lock().is_none() {
            self.bytes.store(0, Ordering::Release);
        }
        match &grown {
            Err(error) if is_full(error) => self.device_is_full(),
            // That a reserve cannot be had for another reason says nothing about space for records.
            Err(_) => self.low.store(false, Ordering::Release),
            Ok(()) => {}
        }
        grown
    }

    fn grow_towards_whole(&self) -> io::Result<()> {
        let mut opened = self.lock();
        let file = match opened.take() {
            Some(file) => file,
            None => self.open_or_create()?,
        };
        let beyond = if self.is_low() { PROBE_BYTES } else { 0 };
        let goal = self.bytes_wanted.saturating_add(beyond);
        let held = self.bytes();
        let missing = goal.saturating_sub(held);
        let step = usize::try_from(missing).map_or(GROW_BYTES, |missing| missing.min(GROW_BYTES));
        let written = write_all_at(&*file, &vec![0; step], held);
        // Also after a failure: what was written before it is taken. A descriptor whose sync has failed is not used
        // again; the next try opens the file anew and looks at what there is.
        file.sync_data()?;
        let mut grown = file.inspect()?.bytes;
        let there_is_space = beyond > 0 && grown >= goal;
        if grown > self.bytes_wanted {
            file.set_len(self.bytes_wanted)?;
            grown = self.bytes_wanted;
        }
        self.bytes.store(grown, Ordering::Release);
        if there_is_space {
            self.low.store(false, Ordering::Release);
        }
        *opened = Some(file);
        written
    }

    fn open(&self) -> io::Result<Box<dyn StoredFile>> {
        let file = self.storage.open(&self.path)?;
        let bytes = file.inspect()?.bytes;
        if bytes > self.bytes_wanted {
            file.set_len(self.bytes_wanted)?;
        }
        self.bytes
            .store(bytes.min(self.bytes_wanted), Ordering::Release);
        Ok(file)
    }

    fn open_or_create(&self) -> io::Result<Box<dyn StoredFile>> {
        match self.open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.bytes.store(0, Ordering::Release);
                self.storage.create_new(&self.path)
            }
            opened => opened,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn StoredFile>>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Reserve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserve")
            .field("bytes_wanted", &self.bytes_wanted)
            .field("bytes", &self.bytes())
            .field("low", &self.is_low())
            .finish_non_exhaustive()
    }
}
