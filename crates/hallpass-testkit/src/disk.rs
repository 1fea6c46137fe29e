//! A disk whose power can be cut: real files, and beside them what of each would be left.
//!
//! The model is the strict one. Bytes survive once their file is synced, names once their directory is; of the rest
//! anything may be left, in any order, page by page. What a failed sync dropped does not come back with the next sync.

mod fault;
mod file_model;
mod model;

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

pub use fault::{EIO, ENOSPC, EROFS, Fault, Operation, Part};

use crate::Random;
use fault::{Plan, Verdict};
use file_model::Change;
use model::Model;

/// What is found after a process or a machine has died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Everything written: the process died, the machine did not.
    Written,
    /// What was synced, and nothing else.
    Synced,
    /// What was synced, and a part of the rest that depends on this seed.
    Some(u64),
}

/// A disk on a real temporary directory. Clones are the same disk.
///
/// Every operation that changes something is numbered from 0, also the opening of a file for writing. What others put
/// below its root is not seen; it counts as durable once it is renamed by this layer and the directory is synced.
///
/// ```
/// use hallpass_testkit::{Fault, Left, Part, SimDisk};
///
/// let disk = SimDisk::new();
/// let file = disk.create_new(&disk.path().join("log"))?;
/// disk.sync_dir(disk.path())?;
/// file.write_at(b"kept", 0)?;
/// file.sync_data()?;
/// disk.fail_at(disk.operations() + 1, Fault::Stop(Part::Nothing));
/// file.write_at(b"lost", 4)?;
/// assert!(file.sync_data().is_err());
/// let left = disk.image(Left::Synced);
/// assert_eq!(std::fs::read(left.path().join("log"))?, b"kept");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SimDisk(Arc<Inner>);

struct Inner {
    root: TempDir,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    model: Model,
    plan: Plan,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "disk at {}", self.root.path().display())
    }
}

/// A file of a [`SimDisk`], open for writing.
#[derive(Debug)]
pub struct SimFile {
    disk: SimDisk,
    number: usize,
    name: String,
    file: File,
}

impl SimDisk {
    /// An empty disk.
    ///
    /// # Panics
    /// When the operating system gives no directory.
    #[expect(clippy::new_without_default, reason = "it makes a directory")]
    pub fn new() -> Self {
        Self::on(directory())
    }

    /// A disk on which everything in this directory is durable.
    ///
    /// # Panics
    /// When the directory cannot be read.
    pub fn on(root: TempDir) -> Self {
        let state = State {
            model: Model::of(root.path()).expect("a readable directory"),
            plan: Plan::default(),
        };
        Self(Arc::new(Inner {
            root,
            state: Mutex::new(state),
        }))
    }

    /// Its root, which is always there.
    pub fn path(&self) -> &Path {
        self.0.root.path()
    }

    /// What goes wrong, at the operation with this number.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        self.lock().plan.fail_at(operation, fault);
    }

    /// Ends a fault that lasts.
    pub fn heal(&self) {
        self.lock().plan.heal();
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.lock().plan.log.len() as u64
    }

    /// The operations so far, each with the name of its file.
    pub fn log(&self) -> Vec<(Operation, String)> {
        self.lock().plan.log.clone()
    }

    /// Whether the fault has happened.
    pub fn has_failed(&self) -> bool {
        self.lock().plan.struck
    }

    /// From here on everything fails, as after [`Fault::Stop`].
    pub fn stop(&self) {
        self.lock().plan.stopped = true;
    }

    /// The process has died and another one starts on the same machine: everything works again, and what was not synced
    /// still is not. A fault that was planned and has not happened is forgotten.
    pub fn restart(&self) {
        self.lock().plan.restart();
    }

    /// Fails once the disk has stopped: for what only reads.
    ///
    /// # Errors
    /// `EIO`.
    pub fn reading(&self) -> io::Result<()> {
        if self.lock().plan.stopped {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        Ok(())
    }

    /// What is left, in a new directory.
    ///
    /// # Panics
    /// When the directory cannot be written.
    pub fn image(&self, left: Left) -> TempDir {
        let to = directory();
        let state = self.lock();
        let written = match left {
            Left::Written => copy(self.path(), to.path()),
            Left::Synced => state.model.write_survivor(to.path(), None),
            Left::Some(seed) => {
                let mut random = Random::new(seed);
                state.model.write_survivor(to.path(), Some(&mut random))
            }
        };
        written.expect("an image of the disk");
        to
    }

    /// Creates a directory in an existing one; fine if it is there.
    ///
    /// # Errors
    /// As planned, or as the operating system says.
    pub fn create_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return self.reading();
        }
        self.perform(Operation::CreateDir, dir, |model, name, _| {
            fs::create_dir(dir)?;
            model.create_dir(name);
            Ok(())
        })
    }

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// As planned.
    pub fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.perform(Operation::SyncDir, dir, |model, name, _| {
            model.sync_dir(name);
            Ok(())
        })
    }

    /// Opens an existing file for writing.
    ///
    /// # Errors
    /// As planned, or as the operating system says.
    pub fn open(&self, path: &Path) -> io::Result<SimFile> {
        self.perform(Operation::Open, path, |model, name, _| {
            let file = OpenOptions::new().read(true).write(true).open(path)?;
            let number = model.number(name, || fs::read(path).unwrap_or_default());
            Ok(self.file(name, number, file))
        })
    }

    /// Creates a file that must not exist, for writing.
    ///
    /// # Errors
    /// As planned, or as the operating system says.
    pub fn create_new(&self, path: &Path) -> io::Result<SimFile> {
        self.perform(Operation::Create, path, |model, name, _| {
            let mut options = OpenOptions::new();
            let file = options
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)?;
            let number = model.create(name);
            Ok(self.file(name, number, file))
        })
    }

    /// Renames a file within its directory, replacing what has the new name.
    ///
    /// # Errors
    /// As planned, or as the operating system says.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.perform(Operation::Rename, to, |model, name, _| {
            let content = fs::read(from).unwrap_or_default();
            fs::rename(from, to)?;
            model.rename(&self.name(from), name, || content);
            Ok(())
        })
    }

    /// Removes a file.
    ///
    /// # Errors
    /// As planned, or as the operating system says.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        // Nothing is done where nothing is: no operation.
        fs::symlink_metadata(path)?;
        self.perform(Operation::Remove, path, |model, name, _| {
            fs::remove_file(path)?;
            model.remove(name);
            Ok(())
        })
    }

    fn file(&self, name: &Path, number: usize, file: File) -> SimFile {
        SimFile {
            disk: self.clone(),
            number,
            name: name.to_string_lossy().into_owned(),
            file,
        }
    }

    fn name(&self, path: &Path) -> PathBuf {
        let name = path.strip_prefix(self.path());
        name.expect("a path on this disk").to_owned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the plan, then does what it lets be done.
    fn perform<T>(
        &self,
        operation: Operation,
        path: &Path,
        act: impl FnOnce(&mut Model, &Path, Part) -> io::Result<T>,
    ) -> io::Result<T> {
        let name = self.name(path);
        let mut state = self.lock();
        match state
            .plan
            .next(operation, name.to_string_lossy().into_owned())
        {
            Verdict::Done(part) => act(&mut state.model, &name, part),
            Verdict::Fails(part, errno) => {
                if part != Part::Nothing {
                    act(&mut state.model, &name, part)?;
                }
                Err(io::Error::from_raw_os_error(errno))
            }
        }
    }
}

impl SimFile {
    /// Writes at an offset; may write less than asked.
    ///
    /// # Errors
    /// As planned, or as the operating system says.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.perform(Operation::Write, |model, part| {
            let count = match part {
                Part::Half => bytes.len().div_ceil(2),
                Part::All => bytes.len(),
                Part::Nothing => 0,
            };
            let bytes = bytes.get(..count).unwrap_or_default();
            self.file.write_all_at(bytes, offset)?;
            let change = Change::Write {
                offset: to_usize(offset)?,
                bytes: bytes.to_vec(),
            };
            model.change(self.number, change);
            Ok(count)
        })
    }

    /// Reads at an offset; may read less than asked, and nothing at the end.
    ///
    /// # Errors
    /// Once nothing works any more, or as the operating system says.
    pub fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.reading()?;
        self.file.read_at(bytes, offset)
    }

    /// Makes what was written durable. When it fails, what was not durable is lost at a power cut, whatever comes.
    ///
    /// # Errors
    /// As planned.
    pub fn sync_data(&self) -> io::Result<()> {
        let synced = self.perform(Operation::Sync, |model, _| {
            if let Some(file) = model.file(self.number) {
                file.sync();
            }
            Ok(())
        });
        let mut state = self.disk.lock();
        if synced.is_err()
            && !state.plan.stopped
            && let Some(file) = state.model.file(self.number)
        {
            file.forget();
        }
        synced
    }

    /// Cuts or extends the file.
    ///
    /// # Errors
    /// As planned, or as the operating system says.
    pub fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.perform(Operation::SetLen, |model, _| {
            self.file.set_len(bytes)?;
            model.change(self.number, Change::SetLen(to_usize(bytes)?));
            Ok(())
        })
    }

    /// The real file.
    pub fn as_file(&self) -> &File {
        &self.file
    }

    fn perform<T>(
        &self,
        operation: Operation,
        act: impl FnOnce(&mut Model, Part) -> io::Result<T>,
    ) -> io::Result<T> {
        let path = self.disk.path().join(&self.name);
        self.disk
            .perform(operation, &path, |model, _, part| act(model, part))
    }
}

fn to_usize(number: u64) -> io::Result<usize> {
    usize::try_from(number).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// In memory where the system has such a place: nothing is synced for real, and a busy device would only hold it up.
fn directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| crate::temp_dir())
}

#[cfg(test)]
mod tests;
