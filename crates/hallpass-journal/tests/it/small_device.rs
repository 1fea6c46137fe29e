//! A device of a settable size, of which a journal's directory is everything there is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hallpass_journal::{FileId, OsStorage, Storage, StoredFile};

#[derive(Debug)]
struct Device {
    dir: PathBuf,
    bytes: AtomicU64,
    no_more_segments: AtomicBool,
    half_segments: AtomicBool,
    /// A segment was made whose name does not fit the device.
    half_made: AtomicBool,
    /// One write at a time, because the space left is counted before each.
    writing: Mutex<()>,
}

/// Writes to a real directory, as far as the device is large.
#[derive(Debug, Clone)]
pub struct SmallDevice(Arc<Device>);

struct File {
    file: Box<dyn StoredFile>,
    device: Arc<Device>,
}

impl SmallDevice {
    /// Without an end as yet.
    pub fn new(dir: &Path) -> Self {
        Self(Arc::new(Device {
            dir: dir.to_owned(),
            bytes: AtomicU64::new(u64::MAX),
            no_more_segments: AtomicBool::new(false),
            half_segments: AtomicBool::new(false),
            half_made: AtomicBool::new(false),
            writing: Mutex::default(),
        }))
    }

    /// Leaves this many bytes free.
    pub fn leave(&self, bytes: u64) {
        let _writing = self.0.writing.lock().unwrap();
        let size = self.0.used().saturating_add(bytes);
        self.0.bytes.store(size, Ordering::SeqCst);
    }

    /// Whether there is no space for the name of another segment.
    pub fn no_more_segments(&self, none: bool) {
        self.0.no_more_segments.store(none, Ordering::SeqCst);
    }

    /// Whether it shows only when a segment's name is synced that there is no space for it.
    pub fn half_segments(&self, half: bool) {
        self.0.half_segments.store(half, Ordering::SeqCst);
    }

    fn wrap(&self, file: Box<dyn StoredFile>) -> Box<dyn StoredFile> {
        Box::new(File {
            file,
            device: Arc::clone(&self.0),
        })
    }
}

impl Device {
    fn used(&self) -> u64 {
        std::fs::read_dir(&self.dir)
            .unwrap()
            .filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()))
            .sum()
    }

    fn left(&self) -> u64 {
        let bytes = self.bytes.load(Ordering::SeqCst);
        bytes.saturating_sub(self.used())
    }
}

impl Storage for SmallDevice {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        OsStorage.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        if self.0.half_made.swap(false, Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        OsStorage.sync_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        OsStorage.list(dir)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        Ok(self.wrap(OsStorage.open(path)?))
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let is_segment = path.extension().is_some_and(|e| e == "jsonl");
        if is_segment && self.0.no_more_segments.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = self.wrap(OsStorage.create_new(path)?);
        let half = is_segment && self.0.half_segments.load(Ordering::SeqCst);
        self.0.half_made.store(half, Ordering::SeqCst);
        Ok(file)
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

impl StoredFile for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let _writing = self.device.writing.lock().unwrap();
        let there = self.file.inspect()?.bytes.saturating_sub(offset);
        let possible = there.saturating_add(self.device.left());
        let at_most = usize::try_from(possible).unwrap_or(usize::MAX);
        if at_most == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file
            .write_at(&bytes[..at_most.min(bytes.len())], offset)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let _writing = self.device.writing.lock().unwrap();
        self.file.set_len(bytes)
    }

    fn inspect(&self) -> io::Result<FileId> {
        self.file.inspect()
    }
}
