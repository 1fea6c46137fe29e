//! Why the store cannot be used.

use std::path::PathBuf;

use hallpass_vocabulary::Environment;

use crate::file::FileError;

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
    /// The copy that is made before an older store is migrated cannot be made.
    #[error("cannot copy the store to `{}`", path.display())]
    Copy {
        /// Where to.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
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
    /// A file it needs cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no store at the place where it should be.
    #[error("there is no store at `{}`", path.display())]
    Missing {
        /// Where.
        path: PathBuf,
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
    /// It belongs to another environment's authority.
    #[error(
        "the store is of environment `{found}`, not of `{expected}`; every environment has its own"
    )]
    OtherEnvironment {
        /// Whose it is.
        found: Environment,
        /// Whose it should be.
        expected: Environment,
    },
    /// PostgreSQL refused.
    #[cfg(feature = "postgres")]
    #[error("cannot {action} the store")]
    Postgres {
        /// What was tried.
        action: &'static str,
        /// Why not.
        #[source]
        source: tokio_postgres::Error,
    },
    /// PostgreSQL cannot be reached.
    #[cfg(feature = "postgres")]
    #[error("cannot reach the store")]
    Pool {
        /// Why not.
        #[source]
        source: Box<deadpool_postgres::PoolError>,
    },
    /// What `[store]` of the configuration says cannot be done.
    #[error("`[store]`: {0}")]
    Setting(&'static str),
    /// SQLite refused.
    #[error("cannot {action} the store")]
    Sqlite {
        /// What was tried.
        action: &'static str,
        /// Why not.
        #[source]
        source: rusqlite::Error,
    },
    /// The process is stopping.
    #[error("the store is shutting down")]
    Stopping,
    /// It took nothing, this once. What was recorded is tried again.
    #[error("the store takes nothing for now")]
    Unwritten,
}

/// The writer has stopped: the process is ending or the thread died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store's writer has stopped")]
pub(crate) struct WriterGone;

impl From<WriterGone> for StoreError {
    fn from(_: WriterGone) -> Self {
        Self::Stopping
    }
}
