//! The authority's own journal: how it is opened, and what the store missed of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallpass_journal::read::{self, ReadError, UnknownEvent};
use hallpass_journal::{Event, Journal, JournalName, OpenError, Settings, Storage};
use hallpass_vocabulary::{Clock, Environment};

use crate::store::{MintedRow, Store, StoreError};

/// How long a record at start-up may take. Nobody waits for the authority yet, and a disk this slow cannot serve.
pub(crate) const START_APPEND_MAX: Duration = Duration::from_secs(10);

/// Rows written to the store in one transaction while catching up. Bounds what is held, not what is read.
const CATCH_UP_ROWS: usize = 4_096;

/// The kind of record that has rows.
const MINTED_KIND: &str = "minted";

/// What the journal of every authority is called; with its environment and a random part that makes its origin.
const NAME: &str = "authority";

/// Opens the journal, or creates it.
pub(crate) fn open(
    directory: &Path,
    environment: &Environment,
    clock: &Arc<dyn Clock>,
    storage: Arc<dyn Storage>,
) -> Result<Journal, OpenError> {
    let name = JournalName::new(NAME).map_err(|error| OpenError::Io {
        action: "name the journal",
        path: directory.to_owned(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidInput, error),
    })?;
    let settings = Settings::new(environment.clone(), name, Arc::clone(clock))
        .software(concat!("hallpass-authority/", env!("CARGO_PKG_VERSION")))
        .storage(storage);
    Journal::open(directory, settings)
}

/// The store could not be brought up to the journal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatchUpError {
    /// The journal cannot be read.
    #[error("cannot read the journal")]
    Read(#[from] ReadError),
    /// A record of a mint has a form this release does not know: a newer one wrote it.
    #[error("record {index} of the journal cannot be indexed")]
    Record {
        /// Which record.
        index: u64,
        /// Why not.
        #[source]
        source: UnknownEvent,
    },
    /// The store refused.
    #[error("cannot write to the store")]
    Store(#[from] StoreError),
}

/// Gives the store the rows of every minted record it may have missed: after a crash between a record and its rows, or
/// when an older copy of the store was put back.
pub(crate) fn bring_up_to_date(store: &Store, journal: &Journal) -> Result<(), CatchUpError> {
    let floor = store.floor()?;
    let size = journal.status().written;
    if floor > size {
        return Err(StoreError::AheadOfJournal { floor, size }.into());
    }
    if floor == size {
        return Ok(());
    }
    let mut missed = Vec::new();
    for record in read::records_from(journal.dir(), floor)? {
        let record = record?;
        if record.kind() != MINTED_KIND {
            continue;
        }
        let index = record.index();
        let event = record
            .event()
            .map_err(|source| CatchUpError::Record { index, source })?;
        if let Event::Minted(minted) = event {
            missed.push(MintedRow::of(&minted, index));
        }
        if missed.len() == CATCH_UP_ROWS {
            store.catch_up(&missed, index.saturating_add(1))?;
            missed.clear();
        }
    }
    store.catch_up(&missed, size)?;
    tracing::info!(
        from = floor,
        to = size,
        "the store was brought up to the journal"
    );
    Ok(())
}
