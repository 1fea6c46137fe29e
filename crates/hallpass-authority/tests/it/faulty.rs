//! A disk under the journal that is full, or slow, when told to be.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use hallpass_journal::{FileId, OsStorage, Storage, StoredFile};

use crate::fixture::SOON;

#[derive(Debug, Default)]
struct State {
    full: bool,
    no_room_for: Option<&'static str>,
    held: bool,
    waiting: usize,
}

/// What the disk does; shared with the test.
#[derive(Debug, Default)]
pub struct Disk {
    state: Mutex<State>,
    changed: Condvar,
}

impl Disk {
    pub fn fill(&self, full: bool) {
        self.state.lock().unwrap().full = full;
    }

    /// From the next write with this text on, the disk is full.
    pub fn fill_at(&self, text: &'static str) {
        self.state.lock().unwrap().no_room_for = Some(text);
    }

    fn is_full_for(&self, bytes: &[u8]) -> bool {
        let mut state = self.state.lock().unwrap();
        let written = String::from_utf8_lossy(bytes);
        state.full |= state.no_room_for.is_some_and(|text| written.contains(text));
        state.full
    }

    /// Until the answer is dropped, no sync returns. A test that fails drops it too, so its authority can end.
    pub fn hold(self: &Arc<Self>) -> Hold {
        self.state.lock().unwrap().held = true;
        Hold(Arc::clone(self))
    }

    /// Blocks until a sync waits.
    pub fn until_a_sync_waits(&self) {
        let state = self.state.lock().unwrap();
        let (_state, timeout) = self
            .changed
            .wait_timeout_while(state, SOON, |state| state.waiting == 0)
            .unwrap();
        assert!(!timeout.timed_out(), "nothing was synced");
    }

    fn sync(&self) {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        self.changed.notify_all();
        let mut state = self.changed.wait_while(state, |state| state.held).unwrap();
        state.waiting -= 1;
    }
}

/// Syncs wait while this lives.
pub struct Hold(Arc<Disk>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.state.lock().unwrap().held = false;
        self.0.changed.notify_all();
    }
}

/// The operating system's files, on that disk.
#[derive(Debug)]
pub struct FaultyStorage(pub Arc<Disk>);

struct FaultyFile {
    file: Box<dyn StoredFile>,
    disk: Arc<Disk>,
}

impl FaultyStorage {
    /// Only segments are faulty: checkpoints are written in the background and nobody waits for one.
    fn wrap(&self, path: &Path, file: Box<dyn StoredFile>) -> Box<dyn StoredFile> {
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            let disk = Arc::clone(&self.0);
            Box::new(FaultyFile { file, disk })
        } else {
            file
        }
    }
}

impl StoredFile for FaultyFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        if self.disk.is_full_for(bytes) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_at(bytes, offset)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync();
        self.file.sync_data()
    }

    fn inspect(&self) -> io::Result<FileId> {
        self.file.inspect()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
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
        Ok(self.wrap(path, OsStorage.open(path)?))
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        Ok(self.wrap(path, OsStorage.create_new(path)?))
    }

    fn inspect(&self, path: &Path) -> io::Result<FileId> {
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
