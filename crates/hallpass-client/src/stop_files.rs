//! Files that stop a service from beside it: `STOP`, and stops that operators have signed.
//!
//! For when the authority cannot be asked. A thread of its own looks every [`LOOK_EVERY`], whatever the runtime is busy
//! with. What cannot be looked at counts as a stop: unknown means deny.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hallpass_bundle::{
    LocalStops, SIGNED_STOP_BYTES_MAX, SignedStop, SignedStopError, Snapshots, Stop,
};
use hallpass_keys::Digest;

/// The name of the file that stops everything, whatever it holds.
pub const STOP_FILE_NAME: &str = "STOP";
/// How names of files with a signed stop end.
pub const SIGNED_STOP_SUFFIX: &str = ".stop";
/// The most such files; with more, everything is denied, for nobody has looked at the others.
pub const SIGNED_STOPS_MAX: usize = 256;
/// What is put after the name of a file when a bundle lists its stop.
const SUPERSEDED: &str = ".superseded";
/// How long between two looks: a stop is in force well within a second.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Why everything is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Halt {
    /// There is a file `STOP`.
    StopFile,
    /// There are more signed stops than are looked at.
    TooMany,
    /// The directory, or a file in it that may hold a stop, cannot be read.
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why not.
        why: ErrorKind,
    },
}

/// What the files beside a service say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopFiles {
    /// Why everything is denied, if it is.
    pub halt: Option<Halt>,
    /// Stops in force, by the names of their files.
    pub in_force: BTreeMap<String, SignedStop>,
    /// Stops that the bundle in force lists as well: it has taken over from their files. They are renamed, so that they do not
    /// come back when the authority lifts them; here are those that could not be.
    pub superseded: BTreeMap<String, SignedStop>,
    /// Files that are not obeyed, and why not.
    pub refused: BTreeMap<String, SignedStopError>,
}

/// Looks at a directory until it is dropped.
#[derive(Debug)]
pub(crate) struct StopWatch {
    look: Arc<Mutex<Look>>,
    seen: Arc<Mutex<StopFiles>>,
    /// Dropped with the watch, which ends the thread.
    _end: mpsc::Sender<()>,
}

impl StopWatch {
    /// Looks once, so that nothing is allowed before, and goes on in a thread.
    pub(crate) fn start(directory: PathBuf, snapshots: Arc<Snapshots>) -> io::Result<Self> {
        let seen = Arc::<Mutex<StopFiles>>::default();
        let look = Look::new(directory, snapshots, Arc::clone(&seen));
        let look = Arc::new(Mutex::new(look));
        lock(&look).look();
        let (end, ended) = mpsc::channel();
        let looks = Arc::clone(&look);
        std::thread::Builder::new()
            .name("hallpass-stop-files".to_owned())
            .spawn(move || {
                while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK_EVERY) {
                    lock(&looks).look();
                }
            })?;
        Ok(Self {
            look,
            seen,
            _end: end,
        })
    }

    /// Looks now: signed stops are believed under a bundle that may just have come.
    pub(crate) fn look(&self) {
        lock(&self.look).look();
    }

    /// What was seen at the last look.
    pub(crate) fn seen(&self) -> StopFiles {
        lock(&self.seen).clone()
    }
}

/// What is compared from one look to the next.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    halt: Option<Halt>,
    signed: BTreeMap<String, Vec<u8>>,
}

#[derive(Debug)]
struct Look {
    directory: PathBuf,
    snapshots: Arc<Snapshots>,
    seen: Arc<Mutex<StopFiles>>,
    found: Found,
    bundle: Option<Digest>,
}

impl Look {
    fn new(directory: PathBuf, snapshots: Arc<Snapshots>, seen: Arc<Mutex<StopFiles>>) -> Self {
        Self {
            directory,
            snapshots,
            seen,
            found: Found::default(),
            bundle: None,
        }
    }

    fn look(&mut self) {
        let found = match find(&self.directory) {
            Ok(found) => found,
            // No descriptor is free for a moment: no file says anything new for so long, and no flood stops valid calls.
            Err(Unseen::Busy) => return,
            Err(Unseen::Halted(halt)) => Found {
                halt: Some(halt),
                // What was signed stays in force beside it.
                signed: self.found.signed.clone(),
            },
        };
        let bundle = self.snapshots.with(|held| held.map(|held| *held.digest()));
        if found == self.found && bundle == self.bundle {
            return;
        }
        (self.found, self.bundle) = (found, bundle);
        let files = self.judge();
        let stops: Vec<Stop> = files
            .in_force
            .values()
            .map(|signed| signed.stop.clone())
            .collect();
        let nothing = stops.is_empty() && files.halt.is_none();
        let mut local = LocalStops::signed(stops);
        if files.halt.is_some() {
            local = local.halted();
        }
        let before = std::mem::replace(&mut *lock(&self.seen), files.clone());
        if (&before.halt, &before.in_force) != (&files.halt, &files.in_force) {
            self.snapshots.set_local((!nothing).then_some(local));
        }
        tell(&before, &files);
    }

    fn judge(&self) -> StopFiles {
        let mut files = StopFiles {
            halt: self.found.halt.clone(),
            ..StopFiles::default()
        };
        // Without a bundle nothing is allowed, and nobody is known who could have signed.
        let Some(bundle) = self.snapshots.load() else {
            return files;
        };
        for (name, text) in &self.found.signed {
            match SignedStop::read(text, &bundle) {
                Err(error) => drop(files.refused.insert(name.clone(), error)),
                Ok(signed) => {
                    let listed = bundle.stops().iter().any(|stop| stop.id == signed.stop.id);
                    if !listed {
                        files.in_force.insert(name.clone(), signed);
                    } else if let Err(error) = self.supersede(name) {
                        tracing::warn!(file = %name, %error, "cannot rename a stop file");
                        files.superseded.insert(name.clone(), signed);
                    }
                }
            }
        }
        files
    }
}

impl Look {
    /// Gives a file a name under which it is not looked at.
    fn supersede(&self, name: &str) -> io::Result<()> {
        let path = self.directory.join(name);
        fs::rename(&path, self.directory.join(format!("{name}{SUPERSEDED}")))
    }
}

/// Why a look showed nothing.
enum Unseen {
    Busy,
    Halted(Halt),
}

fn find(directory: &Path) -> Result<Found, Unseen> {
    let unseen = |path: &Path, error: &io::Error| {
        // EMFILE and ENFILE.
        if matches!(error.raw_os_error(), Some(23 | 24)) {
            return Unseen::Busy;
        }
        Unseen::Halted(Halt::Unreadable {
            path: path.to_owned(),
            why: error.kind(),
        })
    };
    let stop = directory.join(STOP_FILE_NAME);
    // Needs no descriptor, so it is seen also when none is free.
    match fs::symlink_metadata(&stop) {
        Ok(_) => return Err(Unseen::Halted(Halt::StopFile)),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(unseen(&stop, &error)),
    }
    let mut found = Found::default();
    let entries = fs::read_dir(directory).map_err(|error| unseen(directory, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| unseen(directory, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(SIGNED_STOP_SUFFIX) {
            continue;
        }
        if found.signed.len() == SIGNED_STOPS_MAX {
            return Err(Unseen::Halted(Halt::TooMany));
        }
        let path = entry.path();
        match read(&path) {
            Ok(text) => drop(found.signed.insert(name, text)),
            // Removed a moment ago.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unseen(&path, &error)),
        }
    }
    Ok(found)
}

/// A file, up to a little more than a signed stop may have.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Opening something else may wait for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(ErrorKind::InvalidInput.into());
    }
    let mut text = Vec::new();
    File::open(path)?
        .take(SIGNED_STOP_BYTES_MAX as u64 + 1)
        .read_to_end(&mut text)?;
    Ok(text)
}

/// Says loudly what has changed.
fn tell(before: &StopFiles, now: &StopFiles) {
    match (&before.halt, &now.halt) {
        (before, Some(halt)) if before.as_ref() != Some(halt) => {
            tracing::error!(?halt, "everything is denied");
        }
        (Some(_), None) => tracing::warn!("no file stops everything any more"),
        _ => {}
    }
    for (file, signed) in &now.in_force {
        if before.in_force.get(file) != Some(signed) {
            let (id, selector) = (signed.stop.id, &signed.stop.selector);
            let operator = &signed.operator;
            tracing::error!(%file, %id, %selector, %operator, "a signed stop is in force");
        }
    }
    for (file, signed) in &before.in_force {
        if now.in_force.get(file) != Some(signed) {
            tracing::warn!(%file, id = %signed.stop.id, "a signed stop is no longer in force");
        }
    }
    for (file, error) in &now.refused {
        if before.refused.get(file) != Some(error) {
            tracing::error!(%file, %error, "a stop file is not obeyed");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in there is replaced as a whole, or looked at anew.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
