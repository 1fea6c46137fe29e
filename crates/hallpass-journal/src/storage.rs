//! Every file operation of the writer, behind one small trait, so that tests can make each of them fail.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{DirBuilderExt as _, FileExt, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Permission bits of every file in a journal: its owner only.
pub(crate) const FILE_MODE: u32 = 0o600;
/// Permission bits of a journal directory: its owner only.
const DIR_MODE: u32 = 0o700;

/// Which file a name or a descriptor stands for at this moment, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    /// The device it is on.
    pub device: u64,
    /// Its number there. Two names of one number are one file.
    pub inode: u64,
    /// How long it is, in bytes.
    pub bytes: u64,
}

impl FileId {
    pub(crate) fn of(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
        }
    }

    /// Whether it is the same file, whatever its length.
    pub fn is_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// The file operations a journal is written with.
pub trait Storage: fmt::Debug + Send + Sync {
    /// Creates the directory and its parents; fine if it is there.
    ///
    /// # Errors
    /// As the operating system says.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Makes creations and renames in the directory survive a power cut.
    ///
    /// # Errors
    /// As the operating system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// The names of the files in the directory; what is not text in them is U+FFFD.
    ///
    /// # Errors
    /// As the operating system says.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Opens an existing file for writing and reading.
    ///
    /// # Errors
    /// As the operating system says, and when it is a link or no regular file.
    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>>;

    /// Creates a file that must not exist, for writing and reading, by its owner only.
    ///
    /// # Errors
    /// As the operating system says.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn StoredFile>>;

    /// Which file has this name.
    ///
    /// # Errors
    /// As the operating system says; `NotFound` when there is none.
    fn inspect(&self, path: &Path) -> io::Result<FileId>;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// As the operating system says.
    fn reader(&self, path: &Path) -> io::Result<Box<dyn io::Read>>;

    /// Opens a file for reading from this byte on. At or past its end there is nothing to read.
    ///
    /// # Errors
    /// As the operating system says.
    fn reader_at(&self, path: &Path, offset: u64) -> io::Result<Box<dyn io::Read>> {
        let mut reader = self.reader(path)?;
        io::copy(&mut reader.by_ref().take(offset), &mut io::sink())?;
        Ok(reader)
    }

    /// Renames a file, replacing what has the new name.
    ///
    /// # Errors
    /// As the operating system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the operating system says.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// An open file. A descriptor whose sync has failed is never used again.
pub trait StoredFile: Send + Sync {
    /// Writes at an offset; may write less than asked.
    ///
    /// # Errors
    /// As the operating system says.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Reads at an offset; may read less than asked, and nothing at the end.
    ///
    /// # Errors
    /// As the operating system says.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Makes what was written survive a power cut (`fdatasync`).
    ///
    /// # Errors
    /// As the operating system says; what was written before may or may not be there.
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts or extends the file.
    ///
    /// # Errors
    /// As the operating system says.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Which file this is, also when it has lost its name.
    ///
    /// # Errors
    /// As the operating system says.
    fn inspect(&self) -> io::Result<FileId>;
}

/// The operating system's files.
#[derive(Debug, Clone, Copy)]
pub struct OsStorage;

impl Storage for OsStorage {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(DIR_MODE)
            .create(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            // A name that is not text must not hide a file: it ends as it does, and is no segment's.
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        // Nothing is written through a link, which may lead out of the directory, and no pipe is waited for.
        if !fs::symlink_metadata(path)?.is_file() {
            return Err(not_a_file());
        }
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Box::new(file))
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(path)?;
        Ok(Box::new(file))
    }

    fn inspect(&self, path: &Path) -> io::Result<FileId> {
        fs::metadata(path).map(|metadata| FileId::of(&metadata))
    }

    fn reader(&self, path: &Path) -> io::Result<Box<dyn io::Read>> {
        Ok(Box::new(open_regular(path)?))
    }

    fn reader_at(&self, path: &Path, offset: u64) -> io::Result<Box<dyn io::Read>> {
        let mut file = open_regular(path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

impl StoredFile for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    fn inspect(&self) -> io::Result<FileId> {
        self.metadata().map(|metadata| FileId::of(&metadata))
    }
}

/// Opens a file for reading, if it is one: a journal from elsewhere may hold a pipe or a device, which never ends.
///
/// # Errors
/// As the operating system says, and when it is no regular file.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    // Before the opening, which waits on a pipe for somebody to write.
    if !fs::metadata(path)?.is_file() {
        return Err(not_a_file());
    }
    File::open(path)
}

fn not_a_file() -> io::Error {
    io::Error::other("it is not a regular file")
}

/// Writes everything or says why not: a write that takes nothing is an error, an interrupted one is repeated.
///
/// # Errors
/// The first failure; how much was written is then unknown.
pub(crate) fn write_all_at(
    file: &dyn StoredFile,
    mut bytes: &[u8],
    mut offset: u64,
) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = bytes.get(written..).unwrap_or_default();
                offset = offset.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes a small file so that after any crash either the old or the new content is there.
///
/// # Errors
/// The first failure; the file then has its old content.
pub(crate) fn replace_file(
    storage: &dyn Storage,
    dir: &Path,
    name: &str,
    temporary_name: &str,
    bytes: &[u8],
) -> io::Result<()> {
    put_file(storage, dir, name, temporary_name, bytes).map(drop)
}

/// Does what [`replace_file`] does, and says which file now has the name.
///
/// # Errors
/// The first failure; the file then has its old content.
pub(crate) fn put_file(
    storage: &dyn Storage,
    dir: &Path,
    name: &str,
    temporary_name: &str,
    bytes: &[u8],
) -> io::Result<FileId> {
    let temporary = dir.join(temporary_name);
    match storage.remove(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = storage.create_new(&temporary)?;
    write_all_at(&*file, bytes, 0)?;
    file.sync_data()?;
    let id = file.inspect()?;
    storage.rename(&temporary, &dir.join(name))?;
    storage.sync_dir(dir)?;
    Ok(id)
}

/// Whether the file holds these bytes here.
///
/// # Errors
/// As the operating system says.
pub(crate) fn holds_at(file: &dyn StoredFile, bytes: &[u8], offset: u64) -> io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    let (mut bytes, mut offset) = (bytes, offset);
    while !bytes.is_empty() {
        let wanted = bytes.len().min(buffer.len());
        let found = buffer.get_mut(..wanted).unwrap_or_default();
        match file.read_at(found, offset) {
            Ok(read) => {
                let found = found.get(..read).unwrap_or_default();
                let Some(rest) = bytes.strip_prefix(found).filter(|_| read > 0) else {
                    return Ok(false);
                };
                bytes = rest;
                offset = offset.saturating_add(read as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
