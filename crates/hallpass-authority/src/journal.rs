//! The authority's own journal: how it is opened, and what the store missed of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallpass_journal::read::{self, ReadError, Records, UnknownEvent};
use hallpass_journal::{Journal, JournalName, OpenError, Settings, Storage};
use hallpass_vocabulary::{Clock, Environment};

use crate::store::{Change, LandingEvent, Store, StoreError};

/// How long a record at start-up may take. Nobody waits for the authority yet, and a disk this slow cannot serve.
pub(crate) const START_APPEND_MAX: Duration = Duration::from_secs(10);

/// Changes written to the store in one transaction while catching up. Bounds what is held, not what is read.
const CATCH_UP_CHANGES: usize = 4_096;

/// What the journal of every authority is called; with its environment and a random part that makes its origin.
const NAME: &str = "authority";

/// Opens the journal, or creates it.
pub(crate) fn open(
    directory: &Path,
    environment: &Environment,
    clock: &Arc<dyn Clock>,
    storage: Arc<dyn Storage>,
    keep: Option<Duration>,
) -> Result<Journal, OpenError> {
    let name = JournalName::new(NAME).map_err(|error| OpenError::Io {
        action: "name the journal",
        path: directory.to_owned(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidInput, error),
    })?;
    // Whether it keeps for ever or not: no record goes that the store has not taken over.
    let mut settings = Settings::new(environment.clone(), name, Arc::clone(clock))
        .software(concat!("hallpass-authority/", env!("CARGO_PKG_VERSION")))
        .storage(storage)
        .prune_acknowledged_only();
    if let Some(keep) = keep {
        settings = settings.keep(keep);
    }
    Journal::open(directory, settings)
}

/// Lets records be pruned that are in the store, and stay there when the power is cut.
pub(crate) fn acknowledge(store: &Store, journal: &Journal) -> Result<(), StoreError> {
    if let Some(last) = store.durable_floor()?.checked_sub(1) {
        journal.acknowledge(last);
    }
    Ok(())
}

/// The store could not be brought up to the journal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatchUpError {
    /// The journal cannot be read.
    #[error("cannot read the journal")]
    Read(#[from] ReadError),
    /// A record with rows has a form this release does not know: a newer one wrote it.
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

/// Gives the store the rows of every record it may have missed: after a crash between a record and its rows, or
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
    for record in records_from(journal.dir(), floor)? {
        let record = record?;
        if !LandingEvent::is_of_kind(record.kind()) {
            continue;
        }
        let index = record.index();
        let event = record
            .event()
            .map_err(|source| CatchUpError::Record { index, source })?;
        missed.extend(LandingEvent::of(event, record.time()).map(|event| Change {
            event,
            record: index,
        }));
        if missed.len() == CATCH_UP_CHANGES {
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

/// The records from an index on; from the first one that is left, where older ones were pruned by hand.
fn records_from(dir: &Path, index: u64) -> Result<Records, ReadError> {
    match read::records_from(dir, index) {
        Err(ReadError::Pruned { first, .. }) => {
            tracing::warn!(
                from = index,
                to = first,
                "records were pruned before the store read them; runs that only they name cannot be renewed"
            );
            read::records_from(dir, first)
        }
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use hallpass_journal::{Abandoned, Durability, Event, Old, OsStorage};
    use hallpass_vocabulary::{DecisionId, Timestamp};

    use super::*;
    use crate::store::StoreSettings;

    const DAY_SECONDS: i64 = 24 * 60 * 60;

    #[derive(Debug)]
    struct Day(AtomicI64);

    impl Clock for Day {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_seconds(
                1_800_000_000 + self.0.load(Ordering::SeqCst) * DAY_SECONDS,
            )
        }
    }

    #[test]
    fn no_record_is_pruned_that_the_store_has_not_taken_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("authority.db");
        let day = Arc::new(Day(AtomicI64::new(0)));
        let clock: Arc<dyn Clock> = day.clone();
        let dev = Environment::new("dev").unwrap();
        let dir = directory.path().join("journal");
        let opened = || open(&dir, &dev, &clock, Arc::new(OsStorage), None).unwrap();
        let journal = opened();
        Store::create(&path).unwrap();
        let store = Store::open(&StoreSettings::default(), &path, journal.origin(), &dev).unwrap();
        // Each day begins a segment: the records 0 and 1, then 2, then 3 and so on.
        for n in 0..40 {
            day.0.store(n, Ordering::SeqCst);
            let decision = DecisionId::new(clock.now(), [1; 10]);
            let event = Event::Abandoned(Abandoned { decision });
            let appended = journal.append(&event, Durability::Durable);
            appended.wait(START_APPEND_MAX).unwrap();
        }
        // All of it is signed then.
        journal.close().unwrap();
        let journal = opened();
        let old = Old::Before(clock.now());
        for (floor, below) in [(0, None), (1, None), (7, Some(7)), (9, Some(9))] {
            store.catch_up(&[], floor).unwrap();
            acknowledge(&store, &journal).unwrap();
            let pruned = journal.prune(old).unwrap();
            assert_eq!(pruned.map(|it| it.record.below), below, "{floor}");
        }
        journal.close().unwrap();
    }
}
