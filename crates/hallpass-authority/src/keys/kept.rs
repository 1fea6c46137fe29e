//! What the records say of the keys, in a small file beside the number of the last bundle. The records may be pruned and
//! the store lost; a key that was tainted must not sign again for all that.

use std::path::Path;

use crate::file::{self, FileError};
use crate::store::KeyRow;

use super::book::KeyBook;

/// The largest such file, in bytes. A key takes about 900, and the last of ten thousand was retired long ago.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// The form of the file.
const FORMAT: u32 = 1;

/// What is kept cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeptKeysError {
    /// It says something else than which keys there are. Going on without it could let a tainted key sign.
    #[error("`{}` does not say where the keys stand", path.display())]
    Damaged {
        /// Which file.
        path: std::path::PathBuf,
    },
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: u32,
    standings: Vec<KeyRow>,
}

/// What was kept; nothing where nothing was.
pub(crate) fn read(path: &Path) -> Result<Vec<KeyRow>, KeptKeysError> {
    let damaged = || KeptKeysError::Damaged {
        path: path.to_owned(),
    };
    let Some(text) = file::read(path, BYTES_MAX)? else {
        return Ok(Vec::new());
    };
    let kept: Kept = serde_json::from_str(&text).map_err(|_| damaged())?;
    if kept.format != FORMAT {
        return Err(damaged());
    }
    Ok(kept.standings)
}

/// Keeps a book, and waits until that is on disk.
pub(crate) fn write(path: &Path, book: &KeyBook) -> Result<(), KeptKeysError> {
    let kept = Kept {
        format: FORMAT,
        standings: book.rows(),
    };
    // Strings and numbers only: writing them to memory cannot fail.
    file::replace(path, &serde_json::to_vec(&kept).unwrap_or_default())?;
    Ok(())
}
