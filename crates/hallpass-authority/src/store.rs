//! The embedded store: what the authority must look up, in SQLite.
//!
//! It is an index of the journal, not a second truth. Rows are written after their record, by one thread and in
//! groups; the store remembers up to which record it is complete, and what is missing is read from the journal when
//! the authority starts ([`Store::catch_up`]). Only the clients are here alone.

mod rows;
mod schema;
mod writer;

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use hallpass_vocabulary::RunId;
use rusqlite::{Connection, OpenFlags};

pub(crate) use rows::{MintedRow, RunRow, RunTools};
pub(crate) use writer::Writer;

use crate::client::Client;

/// How long SQLite waits for another process's lock, in milliseconds. Only a backup tool ever holds one.
const BUSY_TIMEOUT_MS: u64 = 2_000;

/// Idle connections kept for reading. Reads are single lookups by key, so two serve more than two cores can ask.
const READERS_IDLE_MAX: usize = 2;

/// The store cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store knows of records the journal does not have: one of the two was replaced.
    #[error(
        "the store is complete up to record {floor}, but the journal has only {size}; restore both from one backup"
    )]
    AheadOfJournal {
        /// The first record the store does not claim.
        floor: u64,
        /// How many records there are.
        size: u64,
    },
    /// Its file cannot be made.
    #[error("cannot create the store")]
    Create(#[source] std::io::Error),
    /// A value in it is not of its kind.
    #[error("the store holds a malformed `{column}`")]
    Malformed {
        /// Where.
        column: &'static str,
    },
    /// Written by a newer release.
    #[error(
        "the store has schema version {found}, and this release knows {known}; run the newer release"
    )]
    Newer {
        /// Its version.
        found: i64,
        /// The newest known.
        known: i64,
    },
    /// SQLite refused.
    #[error("cannot {action} the store")]
    Sqlite {
        /// What was tried.
        action: &'static str,
        /// Why not.
        #[source]
        source: rusqlite::Error,
    },
    /// A read was interrupted because the process is stopping.
    #[error("the store is shutting down")]
    Stopping,
    /// There is no store at the place where it should be.
    #[error("there is no store at `{}`", path.display())]
    Missing {
        /// Where.
        path: PathBuf,
    },
}

pub(crate) fn failed(action: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError {
    move |source| StoreError::Sqlite { action, source }
}

/// The open store.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    /// Held for start-up work, then handed to the writer thread.
    first: Mutex<Option<Connection>>,
    readers: Mutex<Vec<Connection>>,
}

impl Store {
    /// Creates an empty store at a path where there is none.
    pub(crate) fn create(path: &Path, clients: &[Client]) -> Result<(), StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut connection = connect(path, flags)?;
        schema::migrate(&mut connection)?;
        rows::insert_clients(&mut connection, clients)?;
        // Closing the last connection folds the write-ahead log into the file.
        connection
            .close()
            .map_err(|(_, source)| StoreError::Sqlite {
                action: "close",
                source,
            })
    }

    /// Opens an existing store, migrating it if it is older.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.is_file() {
            return Err(StoreError::Missing {
                path: path.to_owned(),
            });
        }
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        schema::migrate(&mut connection)?;
        Ok(Self {
            path: path.to_owned(),
            first: Mutex::new(Some(connection)),
            readers: Mutex::new(Vec::new()),
        })
    }

    /// Every registered client.
    pub(crate) fn clients(&self) -> Result<Vec<Client>, StoreError> {
        self.with_reader(rows::clients)
    }

    /// Every record before this one is in the store.
    pub(crate) fn floor(&self) -> Result<u64, StoreError> {
        self.with_reader(rows::floor)
    }

    /// Every record before this one is in the store, and still is after a power cut: what was committed before is folded
    /// from the write-ahead log into the file, which syncs both. 0 when that could not be done just now. Blocks on the disk.
    pub(crate) fn durable_floor(&self) -> Result<u64, StoreError> {
        let connection = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        rows::durable_floor(&connection)
    }

    /// Writes the rows of records the store may have missed; rows that are there already stay.
    pub(crate) fn catch_up(&self, minted: &[MintedRow], floor: u64) -> Result<(), StoreError> {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        match first.as_mut() {
            Some(connection) => rows::insert_minted(connection, minted.iter(), floor),
            None => Err(StoreError::Stopping),
        }
    }

    /// Starts the writer thread. Once.
    pub(crate) fn start_writer(&self) -> Result<Writer, StoreError> {
        let connection = self
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .ok_or(StoreError::Stopping)?;
        Ok(Writer::start(connection))
    }

    /// A run as it was started, and the tools of its first token. Blocks on the disk: call it where that is allowed.
    pub(crate) fn run(&self, run: RunId) -> Result<Option<(RunRow, RunTools)>, StoreError> {
        self.with_reader(|connection| rows::run(connection, run))
    }

    fn with_reader<T>(
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
        if idle.len() < READERS_IDLE_MAX {
            idle.push(connection);
        }
        answer
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // A panic while the list was held cannot have left it half-changed: it is pushed to and popped from only.
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
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

#[cfg(test)]
mod tests;
