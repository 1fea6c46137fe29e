//! Files that fail when told to.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use hallpass_journal::{FileId, OsStorage, Storage, StoredFile};

/// What the next operations on segments do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    #[default]
    Works,
    /// Writes fail at once.
    FailWrites(io::ErrorKind),
    /// Each write takes this many bytes, then the device fails: a short write.
    ShortWrites(usize, io::ErrorKind),
    /// Writes work, syncs fail.
    FailSyncs,
    /// Nothing can be written or opened.
    FailAll,
}

#[derive(Debug, Default)]
pub struct Faults {
    mode: Mutex<Mode>,
    /// While true, syncs wait.
    held: Mutex<bool>,
    released: Condvar,
    pub syncs: AtomicU64,
    pub opens: AtomicU64,
    pub waiting_syncs: AtomicU64,
    /// How often it was asked which file has a name.
    pub looks: AtomicU64,
    /// While true, keys of sensitive digests are gone when somebody opens them.
    pub keys_vanish: AtomicBool,
    /// Uses of a descriptor after a failed sync of it.
    pub reused: AtomicU64,
}

impl Faults {
    pub fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    fn mode(&self) -> Mode {
        *self.mode.lock().unwrap()
    }

    pub fn hold_syncs(&self) {
        *self.held.lock().unwrap() = true;
    }

    pub fn release_syncs(&self) {
        *self.held.lock().unwrap() = false;
        self.released.notify_all();
    }
}

#[derive(Debug, Clone, Default)]
pub struct FaultyStorage(pub Arc<Faults>);

struct FaultyFile {
    file: Box<dyn StoredFile>,
    faults: Arc<Faults>,
    is_segment: bool,
    /// A sync of this descriptor has failed: like the kernel's, it would claim success from now on.
    failed: AtomicBool,
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "jsonl")
}

impl FaultyStorage {
    fn wrap(&self, path: &Path, file: Box<dyn StoredFile>) -> Box<dyn StoredFile> {
        if is_segment(path) {
            self.0.opens.fetch_add(1, Ordering::SeqCst);
        }
        Box::new(FaultyFile {
            file,
            faults: Arc::clone(&self.0),
            is_segment: is_segment(path),
            failed: AtomicBool::new(false),
        })
    }

    fn may_open(&self, path: &Path) -> io::Result<()> {
        if is_segment(path) && self.0.mode() == Mode::FailAll {
            return Err(io::Error::other("injected"));
        }
        Ok(())
    }
}

impl Storage for FaultyStorage {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        OsStorage.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        OsStorage.sync_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        OsStorage.list(dir)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        self.may_open(path)?;
        let is_key = path.extension().is_some_and(|ending| ending == "key");
        if is_key && self.0.keys_vanish.load(Ordering::SeqCst) {
            std::fs::remove_file(path)?;
        }
        Ok(self.wrap(path, OsStorage.open(path)?))
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        self.may_open(path)?;
        Ok(self.wrap(path, OsStorage.create_new(path)?))
    }

    fn inspect(&self, path: &Path) -> io::Result<FileId> {
        self.0.looks.fetch_add(1, Ordering::SeqCst);
        OsStorage.inspect(path)
    }

    fn reader(&self, path: &Path) -> io::Result<Box<dyn io::Read>> {
        OsStorage.reader(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsStorage.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        OsStorage.remove(path)
    }
}

impl FaultyFile {
    fn used(&self) {
        if self.failed.load(Ordering::SeqCst) {
            self.faults.reused.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl StoredFile for FaultyFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.used();
        if !self.is_segment {
            return self.file.write_at(bytes, offset);
        }
        match self.faults.mode() {
            Mode::FailWrites(kind) => Err(kind.into()),
            Mode::ShortWrites(at_most, kind) => {
                let part = &bytes[..at_most.min(bytes.len())];
                self.file.write_at(part, offset)?;
                // The part is in the file; the rest meets the failure.
                Err(kind.into())
            }
            Mode::FailAll => Err(io::Error::other("injected")),
            Mode::Works | Mode::FailSyncs => self.file.write_at(bytes, offset),
        }
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        if !self.is_segment {
            return self.file.sync_data();
        }
        let mut held = self.faults.held.lock().unwrap();
        self.faults.waiting_syncs.fetch_add(1, Ordering::SeqCst);
        while *held {
            held = self.faults.released.wait(held).unwrap();
        }
        drop(held);
        self.faults.syncs.fetch_add(1, Ordering::SeqCst);
        self.used();
        match self.faults.mode() {
            Mode::FailSyncs | Mode::FailAll => {
                self.failed.store(true, Ordering::SeqCst);
                Err(io::Error::other("injected"))
            }
            _ => self.file.sync_data(),
        }
    }

    fn inspect(&self) -> io::Result<FileId> {
        self.file.inspect()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.used();
        self.file.set_len(bytes)
    }
}
