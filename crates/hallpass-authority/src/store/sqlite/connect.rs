//! Connections to the file: how they are set up, and those kept for reading.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

use super::failed;
use crate::store::StoreError;

/// How long SQLite waits for another process's lock, in milliseconds. Only a backup tool ever holds one.
const BUSY_TIMEOUT_MS: u64 = 2_000;

/// Connections for reading, all of them kept. Reads are short, so a few serve more than a machine's cores can ask; opening
/// one takes longer than most reads.
pub(super) const READERS_MAX: usize = 8;

/// Statements each connection keeps ready: those of the mint, and a page's filters.
const STATEMENTS_MAX: usize = 64;

/// Connections for reading.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            idle: Mutex::default(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads on an idle connection, or a new one. Blocks on the disk.
    pub(super) fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        let answer = read(&connection);
        let mut idle = self.idle();
        if idle.len() < READERS_MAX {
            idle.push(connection);
        }
        answer
    }

    /// Closes those that are idle.
    pub(super) fn close(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // A panic while the list was held cannot have left it half-changed: it is pushed to and popped from only.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    if flags.contains(OpenFlags::SQLITE_OPEN_CREATE) {
        // SQLite would make the file readable by everybody; its companions (`-wal`, `-shm`) take after it.
        std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(StoreError::Create)?;
    }
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(failed("open"))?;
    connection
        .busy_timeout(std::time::Duration::from_millis(BUSY_TIMEOUT_MS))
        .map_err(failed("set up"))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    if flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        // NORMAL: a power cut may lose the last groups, which the journal has and the next start brings back.
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .and_then(|()| connection.pragma_update(None, "synchronous", "NORMAL"))
            .and_then(|()| connection.pragma_update(None, "foreign_keys", true))
            .map_err(failed("set up"))?;
    }
    Ok(connection)
}
