//! A copy of a store that is in use.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::failed;
use crate::store::StoreError;

/// Every page in one step: a write in between two steps would begin the copy anew, and under load there is always one. The
/// writer goes on meanwhile, in its log.
const ALL_PAGES: i32 = -1;

/// How often a store that is just being written is tried again, and after how long.
const TRIES_MAX: usize = 100;
const WAIT: Duration = Duration::from_millis(20);

/// Copies an open store, whole, as one file. What was there before is replaced at the end.
pub(super) fn copy(from: &Connection, to: &Path) -> Result<(), StoreError> {
    let refused = |source| StoreError::Copy {
        path: to.to_owned(),
        source,
    };
    let mut building = to.as_os_str().to_owned();
    building.push(".new");
    let building = PathBuf::from(building);
    // SQLite would make the file readable by everybody.
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&building)
        .map_err(refused)?;
    let mut copy = Connection::open_with_flags(&building, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(failed("copy"))?;
    let done = every_page(from, &mut copy).map_err(failed("copy"))?;
    copy.close().map_err(|(_, source)| failed("copy")(source))?;
    if !done {
        return Err(StoreError::Unwritten);
    }
    file.sync_all().map_err(refused)?;
    std::fs::rename(&building, to).map_err(refused)
}

/// Whether all of it was copied.
fn every_page(from: &Connection, to: &mut Connection) -> rusqlite::Result<bool> {
    let backup = Backup::new(from, to)?;
    for _ in 0..TRIES_MAX {
        if matches!(backup.step(ALL_PAGES)?, StepResult::Done) {
            return Ok(true);
        }
        std::thread::sleep(WAIT);
    }
    Ok(false)
}
