//! The journal's files on a disk whose power can be cut.

use std::io;
use std::path::Path;

use hallpass_journal::{FileId, OsStorage, Storage, StoredFile};
use hallpass_testkit::{SimDisk, SimFile};

/// What the device claims and does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lie {
    #[default]
    None,
    /// Syncing a file does nothing.
    Sync,
    /// Syncing a directory does nothing.
    SyncDir,
}

/// A storage on a [`SimDisk`].
#[derive(Debug, Clone)]
pub struct SimStorage {
    pub disk: SimDisk,
    pub lie: Lie,
}

impl SimStorage {
    pub fn new(disk: &SimDisk) -> Self {
        Self {
            disk: disk.clone(),
            lie: Lie::None,
        }
    }

    fn wrap(&self, file: SimFile) -> Box<dyn StoredFile> {
        Box::new(File {
            file,
            lie: self.lie,
        })
    }
}

impl Storage for SimStorage {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        if self.lie == Lie::SyncDir {
            return self.disk.reading();
        }
        // What is above the disk is not on it.
        if !dir.starts_with(self.disk.path()) {
            return Ok(());
        }
        self.disk.sync_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.reading()?;
        OsStorage.list(dir)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        Ok(self.wrap(self.disk.open(path)?))
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        Ok(self.wrap(self.disk.create_new(path)?))
    }

    fn inspect(&self, path: &Path) -> io::Result<FileId> {
        self.disk.reading()?;
        OsStorage.inspect(path)
    }

    fn reader(&self, path: &Path) -> io::Result<Box<dyn io::Read>> {
        self.disk.reading()?;
        OsStorage.reader(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }
}

struct File {
    file: SimFile,
    lie: Lie,
}

impl StoredFile for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.lie == Lie::Sync {
            return Ok(());
        }
        self.file.sync_data()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn inspect(&self) -> io::Result<FileId> {
        StoredFile::inspect(self.file.as_file())
    }
}
