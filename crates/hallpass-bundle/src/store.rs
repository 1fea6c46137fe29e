//! The last good publication on disk, so that a restart knows what was known, and believes nothing older.
//!
//! One file, replaced as a whole: after a crash it is the old one or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use hallpass_vocabulary::Timestamp;

use crate::accept::accept_published;
use crate::document::FORMAT_VERSION;
use crate::{BundleError, HighWater, PUBLISHED_BYTES_MAX, Published, Snapshot, TrustRoot};

/// The name of the file in a state directory.
pub const FILE_NAME: &str = "bundle.json";
/// What a replacement is called until it is whole.
const TEMPORARY_NAME: &str = "bundle.json.new";
/// The largest file read, in bytes: a publication, and a little around it.
const FILE_BYTES_MAX: usize = PUBLISHED_BYTES_MAX + 4096;

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

#[derive(serde::Serialize)]
struct FileRef<'a> {
    format: u32,
    high_water: &'a HighWater,
    published: &'a Published,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FileOwned {
    format: u32,
    high_water: HighWater,
    published: Published,
}

/// Saves a snapshot in a state directory, and waits until it is on disk.
///
/// # Errors
/// When the directory cannot be written; the file saved before is then still there.
pub fn save(directory: &Path, snapshot: &Snapshot) -> Result<(), StoreError> {
    let json = crate::document::write(&FileRef {
        format: FORMAT_VERSION,
        high_water: snapshot.high_water(),
        published: snapshot.published(),
    });
    let temporary = directory.join(TEMPORARY_NAME);
    let target = directory.join(FILE_NAME);
    write_synced(&temporary, &json).map_err(|source| io_error("write", &temporary, source))?;
    fs::rename(&temporary, &target).map_err(|source| io_error("replace", &target, source))?;
    // The new name is on disk only once its directory is.
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|source| io_error("sync", directory, source))
}

/// Loads what was saved last, and believes it by the same rules as anything else; `None` when nothing was saved.
///
/// # Errors
/// When the file cannot be read, or is damaged.
pub fn load(
    directory: &Path,
    pinned: &TrustRoot,
    now: Timestamp,
) -> Result<Option<Saved>, StoreError> {
    let path = directory.join(FILE_NAME);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(io_error("open", &path, source)),
    };
    let mut json = Vec::new();
    file.take(FILE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut json)
        .map_err(|source| io_error("read", &path, source))?;
    let file = Some(json)
        .filter(|json| json.len() <= FILE_BYTES_MAX)
        .and_then(|json| serde_json::from_slice::<FileOwned>(&json).ok())
        .filter(|file| file.format == FORMAT_VERSION)
        .ok_or(StoreError::Damaged { path })?;
    let snapshot = accept_published(file.published, pinned, Some(&file.high_water), now);
    Ok(Some(Saved {
        high_water: file.high_water,
        snapshot,
    }))
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
