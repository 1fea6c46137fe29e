//! The embedded store, in SQLite: one authority, one file beside its journal.
//!
//! One thread writes, in groups; readers have connections of their own and run where blocking is allowed. One process
//! holds the directory, so claims, limits and the few clients are kept in memory too.

mod connect;
mod copy;
mod inspect;
mod read;
mod schema;
mod version_1;
mod write;
mod writer;

use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use hallpass_args::IdempotencyKey;
use hallpass_journal::Minted;
use hallpass_keys::{Digest, KeyId};
use hallpass_vocabulary::{ClientId, Environment, RunId, Timestamp, TokenId};
use prometheus_client::metrics::histogram::Histogram;
use rusqlite::{Connection, OpenFlags, Row};
use tokio::sync::Semaphore;

use super::change::{Change, LandingEvent};
use super::claim::{Claim, Claims, Hold};
use super::client_table::ClientTable;
use super::error::WriterGone;
use super::fleet::{CodeRow, VerifierRow};
use super::flight::{Flight, Flights};
use super::limit::Buckets;
use super::query::{About, Hits, Page, RunQuery, TokenQuery};
use super::restraints::Restraints;
use super::rows::{KeyRow, RunRow, TokenRow};
use super::selection::Selection;
use super::{Inspected, StoreError};
use connect::{READERS_MAX, Readers, connect};
use write::Nonce;
use writer::Writer;

/// The open store.
#[derive(Debug)]
pub(crate) struct Sqlite {
    /// This authority's journal, by its number in `progress`.
    origin: i64,
    /// Dropped before the connections that write: the last one that closes folds the write-ahead log into the file, and
    /// one that only reads cannot.
    readers: Arc<Readers>,
    /// One permit for each connection that may read: more readers than those wait here, not each in a thread.
    seats: Arc<Semaphore>,
    /// Held for start-up work, then handed to the writer thread.
    first: Mutex<Option<Connection>>,
    writer: OnceLock<Writer>,
    pub(super) shared: Arc<Shared>,
    pub(super) buckets: Buckets,
}

/// What the writer thread and those who ask both know.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) flights: Flights,
    pub(super) claims: Claims,
    pub(super) clients: ArcSwap<ClientTable>,
    pub(super) restraints: Restraints,
    /// Where the sizes of groups are measured, if they are.
    pub(super) group_sizes: OnceLock<Histogram>,
}

impl Sqlite {
    /// Creates an empty store at a path where there is none.
    pub(crate) fn create(path: &Path) -> Result<(), StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut connection = connect(path, flags)?;
        schema::create(&mut connection)?;
        // Closing the last connection folds the write-ahead log into the file.
        connection
            .close()
            .map_err(|(_, source)| failed("close")(source))
    }

    /// Opens an existing store for the authority of a journal, migrating it if it is older.
    pub(crate) fn open(
        path: &Path,
        origin: &str,
        environment: &Environment,
    ) -> Result<Self, StoreError> {
        if !path.is_file() {
            return Err(StoreError::Missing {
                path: path.to_owned(),
            });
        }
        {
            // A newer store is left as it is, to its write-ahead log.
            let looking = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            schema::version(&looking)?;
        }
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        schema::migrate(&mut connection, path, environment)?;
        read::own(&connection, environment)?;
        let shared = Shared::default();
        shared
            .clients
            .store(Arc::new(ClientTable::of(read::clients(&connection)?)));
        read::restraints(&connection, |event| shared.restraints.take(event))?;
        Ok(Self {
            origin: read::origin(&connection, origin)?,
            first: Mutex::new(Some(connection)),
            readers: Arc::new(Readers::of(path)),
            seats: Arc::new(Semaphore::new(READERS_MAX)),
            writer: OnceLock::new(),
            shared: Arc::new(shared),
            buckets: Buckets::default(),
        })
    }

    /// Copies a store, which may be in use, as one file.
    pub(super) fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
        if !from.is_file() {
            let path = from.to_owned();
            return Err(StoreError::Missing { path });
        }
        let connection = connect(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        copy::copy(&connection, to)
    }

    /// What it says of itself.
    pub(super) fn inspect(path: &Path) -> Result<Inspected, StoreError> {
        inspect::inspect(path)
    }

    /// Every record of this authority's before this one is in the store.
    pub(super) fn floor(&self) -> Result<u64, StoreError> {
        self.readers
            .with(|connection| read::floor(connection, self.origin))
    }

    /// Every standing that a key has or had. Blocks.
    pub(super) fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        self.readers.with(read::keys)
    }

    /// The same of every journal.
    pub(super) fn floors(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.readers
            .with(|connection| inspect::floors(connection).map_err(failed("read")))
    }

    /// The same, and still so after a power cut: what was committed before is folded from the write-ahead log into the
    /// file, which syncs both. 0 when that could not be done just now.
    pub(super) fn durable_floor(&self) -> Result<u64, StoreError> {
        let connection = connect(self.readers.path(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        read::durable_floor(&connection, self.origin)
    }

    pub(super) fn catch_up(&self, changes: &[Change], floor: u64) -> Result<(), StoreError> {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = first.as_mut().ok_or(StoreError::Stopping)?;
        write::group(connection, self.origin, changes.iter(), floor, &[])?;
        for change in changes {
            self.shared.restraints.take(&change.event);
        }
        let table = ClientTable::of(read::clients(connection)?);
        self.shared.clients.store(Arc::new(table));
        Ok(())
    }

    pub(super) fn start_writer(&self) -> Result<(), StoreError> {
        let connection = self
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .ok_or(StoreError::Stopping)?;
        self.writer
            .get_or_init(|| Writer::start(connection, self.origin, Arc::clone(&self.shared)));
        Ok(())
    }

    fn writer(&self) -> Result<&Writer, WriterGone> {
        self.writer.get().ok_or(WriterGone)
    }

    pub(super) fn is_behind(&self) -> bool {
        self.writer.get().is_some_and(Writer::is_behind)
    }

    pub(super) fn retry(&self) {
        if let Some(writer) = self.writer.get() {
            writer.retry();
        }
    }

    /// Blocks.
    pub(super) fn stop(&self) {
        self.readers.close();
        if let Some(writer) = self.writer.get() {
            writer.stop();
        }
    }

    pub(super) async fn land(&self, flight: Flight, change: Change) -> Result<bool, WriterGone> {
        if let LandingEvent::Minted(minted) = &change.event {
            self.shared.claims.is_recorded(minted);
        }
        // Recorded, so it holds, whatever becomes of its row.
        self.shared.restraints.take(&change.event);
        self.writer()?.land(flight, change).await
    }

    pub(super) async fn claim(
        &self,
        client: &ClientId,
        key: &IdempotencyKey,
        request: Digest,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        // Held before the store is asked: a token that lands in between is found in one place or the other.
        let claimed = match self.shared.claims.take(client, key, request, now) {
            Hold::Conflict => return Ok(Claim::Conflict),
            Hold::InFlight => return Ok(Claim::InFlight),
            Hold::Taken(claimed) => claimed,
        };
        let (of, named) = (client.clone(), key.clone());
        let found = self
            .read(move |connection| read::key(connection, &of, named.as_str(), now))
            .await;
        let claim = match found {
            Ok(None) => return Ok(Claim::Fresh(claimed)),
            Ok(Some((asked, minted))) if asked == request => Ok(Claim::Minted(Box::new(minted))),
            Ok(Some(_)) => Ok(Claim::Conflict),
            Err(error) => Err(error),
        };
        self.shared.claims.release(claimed);
        claim
    }

    pub(super) async fn remember_nonce(
        &self,
        key: KeyId,
        nonce: &str,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let nonce = nonce.to_owned();
        self.writer()?.remember(Nonce { key, nonce, until }).await
    }

    pub(super) async fn clean(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.shared.claims.clean(now);
        self.buckets.clean(now);
        self.shared.restraints.clean(now);
        self.writer()?.clean(now).await
    }

    pub(super) async fn run(&self, run: RunId) -> Result<Option<RunRow>, StoreError> {
        self.read(move |connection| read::run(connection, run))
            .await
    }

    pub(super) async fn begun(&self, run: RunId) -> Result<Option<(RunRow, Minted)>, StoreError> {
        self.read(move |connection| read::begun(connection, run))
            .await
    }

    pub(super) async fn token(&self, token: TokenId) -> Result<Option<TokenRow>, StoreError> {
        self.read(move |connection| read::token(connection, token))
            .await
    }

    pub(super) async fn runs(&self, query: RunQuery) -> Result<Page<RunRow>, StoreError> {
        self.read(move |connection| read::runs(connection, &query))
            .await
    }

    pub(super) async fn tokens(&self, query: TokenQuery) -> Result<Page<TokenRow>, StoreError> {
        self.read(move |connection| read::tokens(connection, &query))
            .await
    }

    pub(super) async fn verifiers(
        &self,
        selection: Selection,
    ) -> Result<Vec<VerifierRow>, StoreError> {
        self.read(move |connection| read::verifiers(connection, &selection))
            .await
    }

    pub(super) async fn code(&self, selection: Selection) -> Result<Option<CodeRow>, StoreError> {
        self.read(move |connection| read::code(connection, &selection))
            .await
    }

    pub(super) async fn hits(
        &self,
        about: About,
        now: Timestamp,
        limit: usize,
    ) -> Result<Hits, StoreError> {
        self.read(move |connection| read::hits(connection, &about, now, limit))
            .await
    }

    pub(super) fn derived(&self, about: &About, now: Timestamp) -> Result<Vec<u128>, StoreError> {
        self.readers
            .with(|connection| read::derived(connection, about, now))
    }

    pub(super) async fn latest(&self, before: Timestamp) -> Result<Option<TokenId>, StoreError> {
        self.read(move |connection| read::latest(connection, before))
            .await
    }

    /// Reads where blocking is allowed.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let seat = Arc::clone(&self.seats).acquire_owned().await;
        let seat = seat.map_err(|_| StoreError::Stopping)?;
        let readers = Arc::clone(&self.readers);
        tokio::task::spawn_blocking(move || {
            let answer = readers.with(read);
            drop(seat);
            answer
        })
        .await
        .map_err(|_| StoreError::Stopping)?
    }
}

fn failed(action: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError {
    move |source| StoreError::Sqlite { action, source }
}

/// A text column as the name it must be.
fn parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|error: T::Err| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
    })
}
