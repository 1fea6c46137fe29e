//! The last good publication on disk, so that a restart knows what was known, and believes nothing older.
//!
//! One file, replaced as a whole: after a crash it is the old one or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use hallpass_keys::dsse::Envelope;
use hallpass_vocabulary::Timestamp;

use crate::accept::{accept_heartbeat_envelope, accept_published};
use crate::document::FORMAT_VERSION;
use crate::{
    BundleError, HEARTBEAT_BYTES_MAX, HighWater, PUBLISHED_BYTES_MAX, Published, Snapshot,
    TrustRoot,
};

/// The name of the file with the documents in a state directory.
pub const FILE_NAME: &str = "bundle.json";
/// The name of the file with a heartbeat that is later than those documents.
pub const HEARTBEAT_FILE_NAME: &str = "heartbeat.json";
/// What a replacement is called until it is whole: the name of the file and this.
const TEMPORARY_SUFFIX: &str = ".new";
/// The largest file read, in bytes: a publication, and a little around it.
const FILE_BYTES_MAX: usize = PUBLISHED_BYTES_MAX + 16 * 1024;
/// The largest file with a heartbeat, in bytes.
const HEARTBEAT_FILE_BYTES_MAX: usize = HEARTBEAT_BYTES_MAX + 16 * 1024;

/// The state directory cannot be used. Also when the file in it is damaged: starting as if nothing had ever been seen
/// would open the door to everything older.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Which file or directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is not one of ours, or damaged.
    #[error("`{}` is not a saved bundle of format {FORMAT_VERSION}; remove it to start without one", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
}

/// What was on disk.
#[derive(Debug)]
pub struct Saved {
    /// The marks below which nothing is believed.
    pub high_water: HighWater,
    /// The snapshot, or why the saved publication is not believed any more (it expired, or another root is pinned).
    pub snapshot: Result<Snapshot, BundleError>,
}

/// A file as it is written; as it is read, `D` is owned.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Documents<M, D> {
    format: u32,
    high_water: M,
    published: D,
}

/// A heartbeat as it is written.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Beat<M, E> {
    format: u32,
    high_water: M,
    heartbeat: E,
}

/// Saves a snapshot in a state directory, and waits until it is on disk. `published` is what it was made from.
///
/// # Errors
/// When the directory cannot be written; the file saved before is then still there.
pub fn save(
    directory: &Path,
    snapshot: &Snapshot,
    published: &Published,
) -> Result<(), StoreError> {
    let json = crate::document::write(&Documents {
        format: FORMAT_VERSION,
        high_water: snapshot.high_water(),
        published,
    });
    replace(directory, FILE_NAME, &json)
}

/// Saves only that a snapshot has a later heartbeat than what was saved of it, and waits until that is on disk.
///
/// # Errors
/// As [`save`].
pub fn save_heartbeat(directory: &Path, snapshot: &Snapshot) -> Result<(), StoreError> {
    let json = crate::document::write(&Beat {
        format: FORMAT_VERSION,
        high_water: snapshot.high_water(),
        heartbeat: snapshot.heartbeat_envelope(),
    });
    replace(directory, HEARTBEAT_FILE_NAME, &json)
}

/// Loads what was saved last, and believes it by the same rules as anything else; `None` when nothing was saved.
///
/// # Errors
/// When a file cannot be read, or is damaged.
pub fn load(
    directory: &Path,
    pinned: &TrustRoot,
    now: Timestamp,
) -> Result<Option<Saved>, StoreError> {
    let beat: Option<Beat<HighWater, Envelope>> = read(
        directory,
        HEARTBEAT_FILE_NAME,
        HEARTBEAT_FILE_BYTES_MAX,
        |it: &Beat<_, _>| it.format,
    )?;
    let saved: Option<Documents<HighWater, Published>> = read(
        directory,
        FILE_NAME,
        FILE_BYTES_MAX,
        |it: &Documents<_, _>| it.format,
    )?;
    let Some(saved) = saved else {
        // The marks of a heartbeat alone would be lost with it; there is none without documents, unless somebody took them.
        return match beat {
            None => Ok(None),
            Some(_) => Err(StoreError::Damaged {
                path: directory.join(HEARTBEAT_FILE_NAME),
            }),
        };
    };
    let snapshot = accept_published(&saved.published, pinned, Some(&saved.high_water), now);
    let mut high_water = saved.high_water;
    let Some(beat) = beat.filter(|beat| beat.high_water.bundle == high_water.bundle) else {
        return Ok(Some(Saved {
            high_water,
            snapshot,
        }));
    };
    high_water.heartbeat = high_water.heartbeat.max(beat.high_water.heartbeat);
    let snapshot = snapshot.and_then(|it| accept_heartbeat_envelope(&it, beat.heartbeat, now));
    Ok(Some(Saved {
        high_water,
        snapshot,
    }))
}

/// A file, if it is there; damaged when it is not of its form.
fn read<T: serde::de::DeserializeOwned>(
    directory: &Path,
    name: &str,
    bytes_max: usize,
    format: impl FnOnce(&T) -> u32,
) -> Result<Option<T>, StoreError> {
    let path = directory.join(name);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(io_error("open", &path, source)),
    };
    let mut json = Vec::new();
    file.take(bytes_max as u64 + 1)
        .read_to_end(&mut json)
        .map_err(|source| io_error("read", &path, source))?;
    let parsed = Some(json)
        .filter(|json| json.len() <= bytes_max)
        .and_then(|json| serde_json::from_slice::<T>(&json).ok());
    match parsed {
        Some(parsed) if format(&parsed) == FORMAT_VERSION => Ok(Some(parsed)),
        _ => Err(StoreError::Damaged { path }),
    }
}

/// Puts a file in the place of the one of this name, whole or not at all.
fn replace(directory: &Path, name: &str, json: &[u8]) -> Result<(), StoreError> {
    let temporary = directory.join(format!("{name}{TEMPORARY_SUFFIX}"));
    let target = directory.join(name);
    write_synced(&temporary, json).map_err(|source| io_error("write", &temporary, source))?;
    fs::rename(&temporary, &target).map_err(|source| io_error("replace", &target, source))?;
    // The new name is on disk only once its directory is.
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|source| io_error("sync", directory, source))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
