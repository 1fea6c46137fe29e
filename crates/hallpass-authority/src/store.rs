//! What the authority must look up: runs, tokens, idempotency keys, clients; and what it must not do twice.
//!
//! The store is an index of the journal, not a second truth. Rows are written after their record and in groups; the store
//! remembers for every journal up to which record it is complete, and what is missing is read from the journal when the
//! authority starts ([`Store::catch_up`]). Claims in flight, rates and nonces are here alone: nobody misses them.

#[cfg(not(feature = "postgres"))]
mod alone;
mod change;
mod claim;
mod client_table;
mod error;
mod fleet;
mod flight;
mod group;
mod inspected;
mod limit;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
mod restraints;
mod rows;
mod selection;
mod settings;
mod sqlite;
mod waited;

use std::path::Path;
use std::sync::Arc;

use hallpass_args::IdempotencyKey;
use hallpass_journal::Minted;
use hallpass_keys::{Digest, KeyId};
use hallpass_vocabulary::{ClientId, Environment, RunId, Timestamp, TokenId};
use prometheus_client::metrics::histogram::Histogram;

#[cfg(not(feature = "postgres"))]
pub(crate) use alone::Publications;
pub(crate) use change::{Change, LandingEvent};
pub(crate) use claim::{Claim, Claimed};
pub use error::StoreError;
pub(crate) use error::WriterGone;
pub(crate) use fleet::{CodeRow, FleetEvent, VerifierRow, WitnessedRow};
pub(crate) use flight::Flight;
pub(crate) use inspected::{Inspected, inspect};
pub(crate) use limit::Admission;
#[cfg(feature = "postgres")]
use postgres::Postgres;
#[cfg(feature = "postgres")]
pub(crate) use postgres::Publications;
pub(crate) use query::{About, Hits, PAGE_ROWS_MAX, Page, RunQuery, TokenQuery};
pub(crate) use restraints::{At, Found, RESTRAINT_KEPT, Restraints, StopRow};
pub(crate) use rows::{ClientRow, KeyRow, RunRow, SecretRow, TokenRow};
use selection::Selection;
pub(crate) use settings::StoreSettings;
use sqlite::Sqlite;
pub(crate) use waited::waited;

/// Copies the embedded store, which may be in use, as one file. Blocks on the disk.
pub(crate) fn copy_store(from: &Path, to: &Path) -> Result<(), StoreError> {
    Sqlite::copy(from, to)
}

/// Steps of cleaning in one go. With the rows of a step this keeps up with more keys than an authority mints under.
const CLEAN_STEPS_MAX: usize = 16;

/// Said where the configuration names a server that this build cannot speak to.
#[cfg(not(feature = "postgres"))]
const NOT_BUILT: &str = "`postgres` needs a build with the feature `postgres` (`full` has it)";

/// The open store.
#[derive(Debug)]
pub(crate) enum Store {
    #[cfg(feature = "postgres")]
    Postgres(Box<Postgres>),
    Sqlite(Arc<Sqlite>),
}

impl Store {
    /// Creates an empty embedded store at a path where there is none. Blocks on the disk.
    pub(crate) fn create(path: &Path) -> Result<(), StoreError> {
        Sqlite::create(path)
    }

    /// Opens the store for the authority of a journal, migrating it if it is older: PostgreSQL where the settings name
    /// it, else the embedded one at a path. Blocks.
    pub(crate) fn open(
        settings: &StoreSettings,
        path: &Path,
        origin: &str,
        environment: &Environment,
    ) -> Result<Self, StoreError> {
        match &settings.postgres {
            None => Sqlite::open(path, origin, environment).map(|it| Self::Sqlite(Arc::new(it))),
            #[cfg(feature = "postgres")]
            Some(postgres) => Postgres::open(settings, postgres, origin, environment)
                .map(|it| Self::Postgres(Box::new(it))),
            #[cfg(not(feature = "postgres"))]
            Some(_) => Err(StoreError::Setting(NOT_BUILT)),
        }
    }

    /// Where replicas keep what they publish together; nothing where there is one authority alone.
    pub(crate) fn publications(&self) -> Option<Publications> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => Some(it.publications()),
            Self::Sqlite(_) => None,
        }
    }

    /// Every record of this authority's journal before this one is in the store. Blocks.
    pub(crate) fn floor(&self) -> Result<u64, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.floor(),
            Self::Sqlite(it) => it.floor(),
        }
    }

    /// The same of every journal it knows. Blocks.
    pub(crate) fn floors(&self) -> Result<Vec<(String, u64)>, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.floors(),
            Self::Sqlite(it) => it.floors(),
        }
    }

    /// The same, and still so after a power cut; 0 when that is not known just now. Blocks.
    pub(crate) fn durable_floor(&self) -> Result<u64, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.floor(),
            Self::Sqlite(it) => it.durable_floor(),
        }
    }

    /// Writes the rows of records the store may have missed; rows that are there already stay. Before the writer is
    /// started. Blocks.
    pub(crate) fn catch_up(&self, changes: &[Change], floor: u64) -> Result<(), StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.catch_up(changes, floor),
            Self::Sqlite(it) => it.catch_up(changes, floor),
        }
    }

    /// Starts the writer. Once.
    pub(crate) fn start_writer(&self) -> Result<(), StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Ok(()),
            Self::Sqlite(it) => it.start_writer(),
        }
    }

    /// Measures the sizes of the groups it writes from here on.
    pub(crate) fn measure_groups(&self, sizes: Histogram) {
        let here = match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => &it.shared.group_sizes,
            Self::Sqlite(it) => &it.shared.group_sizes,
        };
        // Set once, when the authority opens.
        let _ = here.set(sizes);
    }

    /// Whether recorded events wait for the store to take their rows.
    pub(crate) fn is_behind(&self) -> bool {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.is_behind(),
            Self::Sqlite(it) => it.is_behind(),
        }
    }

    /// Tries a refused group again. Without it the next mint would, and an authority that calls itself unready may get
    /// none.
    pub(crate) fn retry(&self) {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.retry(),
            Self::Sqlite(it) => it.retry(),
        }
    }

    /// Writes what is queued and stops the writer; call it once no mint is under way.
    pub(crate) async fn stop(&self) {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.stop().await,
            Self::Sqlite(it) => {
                let it = Arc::clone(it);
                // Fails when the thread panicked, which it has told.
                let _ = tokio::task::spawn_blocking(move || it.stop()).await;
            }
        }
    }

    /// Announces an event that will have rows, before it is recorded. `records` is how many records the journal has now.
    pub(crate) fn take_off(&self, records: u64) -> Flight {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.shared.flights.take_off(records),
            Self::Sqlite(it) => it.shared.flights.take_off(records),
        }
    }

    /// Writes the rows of a recorded event; returns once a reader sees them, or `false` when the store refused for now
    /// and tries again by itself.
    pub(crate) async fn land(
        &self,
        flight: Flight,
        event: LandingEvent,
        record: u64,
    ) -> Result<bool, WriterGone> {
        let change = Change { event, record };
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.land(flight, change).await,
            Self::Sqlite(it) => it.land(flight, change).await,
        }
    }

    /// A run as it was started, and whether it was ended.
    pub(crate) async fn run(&self, run: RunId) -> Result<Option<RunRow>, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.run(run).await,
            Self::Sqlite(it) => it.run(run).await,
        }
    }

    /// A run as [`Store::run`] gives it, and the record of the token that started it; nothing where either is missing.
    pub(crate) async fn begun(&self, run: RunId) -> Result<Option<(RunRow, Minted)>, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.begun(run).await,
            Self::Sqlite(it) => it.begun(run).await,
        }
    }

    /// A token's record.
    pub(crate) async fn token(&self, token: TokenId) -> Result<Option<TokenRow>, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.token(token).await,
            Self::Sqlite(it) => it.token(token).await,
        }
    }

    /// Runs, newest first.
    pub(crate) async fn runs(&self, query: &RunQuery) -> Result<Page<RunRow>, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.runs(query).await,
            Self::Sqlite(it) => it.runs(query.clone()).await,
        }
    }

    /// Tokens, newest first.
    pub(crate) async fn tokens(&self, query: &TokenQuery) -> Result<Page<TokenRow>, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.tokens(query).await,
            Self::Sqlite(it) => it.tokens(query.clone()).await,
        }
    }

    /// Tokens of something that are not expired: how many, of how many runs, and the newest of them.
    pub(crate) async fn hits(
        &self,
        about: &About,
        now: Timestamp,
        limit: usize,
    ) -> Result<Hits, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.hits(about, now, limit).await,
            Self::Sqlite(it) => it.hits(about.clone(), now, limit).await,
        }
    }

    /// Runs with tokens that are not expired which come from something and do not show it. Blocks.
    pub(crate) fn derived(&self, about: &About, now: Timestamp) -> Result<Vec<u128>, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.derived(about, now),
            Self::Sqlite(it) => it.derived(about, now),
        }
    }

    /// Whether other authorities use it too.
    pub(crate) fn is_shared(&self) -> bool {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => true,
            Self::Sqlite(_) => false,
        }
    }

    /// The latest token minted before a time, whoever minted it.
    pub(crate) async fn latest(&self, before: Timestamp) -> Result<Option<TokenId>, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.latest(before).await,
            Self::Sqlite(it) => it.latest(before).await,
        }
    }

    /// Takes an idempotency key before a mint. It is held until the token lands or the claim is released, and lapses
    /// after 30 seconds of which nothing is heard.
    pub(crate) async fn claim(
        &self,
        client: &ClientId,
        key: &IdempotencyKey,
        request: Digest,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.claim(client, key, request, now).await,
            Self::Sqlite(it) => it.claim(client, key, request, now).await,
        }
    }

    /// Gives a key back under which nothing was recorded, for certain.
    pub(crate) async fn release(&self, claimed: Claimed) {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.release(claimed).await,
            Self::Sqlite(it) => it.shared.claims.release(claimed),
        }
    }

    /// The client of a secret, by the secret's SHA-256; whether either is still good is the caller's question.
    pub(crate) async fn client_of_secret(
        &self,
        digest: &[u8; 32],
    ) -> Result<Option<(ClientRow, SecretRow)>, StoreError> {
        let clients = match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.clients().await?,
            Self::Sqlite(it) => it.shared.clients.load_full(),
        };
        let found = clients.of_secret(digest);
        Ok(found.map(|(client, secret)| (client.clone(), secret.clone())))
    }

    /// A client with its secrets.
    pub(crate) async fn client(&self, id: &ClientId) -> Result<Option<ClientRow>, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => Ok(it.clients().await?.client(id).cloned()),
            Self::Sqlite(it) => Ok(it.shared.clients.load().client(id).cloned()),
        }
    }

    /// Every client, by name.
    pub(crate) async fn clients(&self) -> Result<Vec<ClientRow>, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => Ok(it.clients().await?.all().to_vec()),
            Self::Sqlite(it) => Ok(it.shared.clients.load().all().to_vec()),
        }
    }

    /// Every verifier that was ever enrolled, in the order of origins.
    pub(crate) async fn verifiers(&self) -> Result<Vec<VerifierRow>, StoreError> {
        self.selected_verifiers(Selection::verifiers()).await
    }

    /// The verifier of an origin.
    pub(crate) async fn verifier(&self, origin: &str) -> Result<Option<VerifierRow>, StoreError> {
        let rows = self.selected_verifiers(Selection::verifier(origin)).await?;
        Ok(rows.into_iter().next())
    }

    /// The verifier that enrolled with a code, by the code's digest.
    pub(crate) async fn verifier_of_code(
        &self,
        code: &Digest,
    ) -> Result<Option<VerifierRow>, StoreError> {
        let rows = self.selected_verifiers(Selection::verifier_of_code(code));
        Ok(rows.await?.into_iter().next())
    }

    /// A code that was issued, by its digest, until it is cleaned away after its end.
    pub(crate) async fn enrolment_code(
        &self,
        code: &Digest,
    ) -> Result<Option<CodeRow>, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.code(Selection::code(code)).await,
            Self::Sqlite(it) => it.code(Selection::code(code)).await,
        }
    }

    async fn selected_verifiers(
        &self,
        selection: Selection,
    ) -> Result<Vec<VerifierRow>, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.verifiers(selection).await,
            Self::Sqlite(it) => it.verifiers(selection).await,
        }
    }

    /// Every standing that a key of the authority has or had. Blocks.
    pub(crate) fn keys_at_start(&self) -> Result<Vec<KeyRow>, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.keys_at_start(),
            Self::Sqlite(it) => it.keys(),
        }
    }

    /// What other replicas may have done to the keys: every standing there is; nothing where there are no replicas.
    pub(crate) async fn keys_of_replicas(&self) -> Result<Option<Vec<KeyRow>>, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.keys().await.map(Some),
            Self::Sqlite(_) => Ok(None),
        }
    }

    /// What is stopped, revoked or cut off, as far as it is known here.
    pub(crate) fn restraints(&self) -> &Restraints {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => &it.shared.restraints,
            Self::Sqlite(it) => &it.shared.restraints,
        }
    }

    /// Learns what other replicas have stopped: all that had its rows when this was asked.
    pub(crate) async fn refresh_restraints(&self) -> Result<(), StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.refresh_restraints().await,
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// Takes a place in a bucket of so many a minute, if there is one.
    pub(crate) async fn admit(
        &self,
        bucket: &str,
        per_minute: u32,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.admit(bucket, per_minute, now).await,
            Self::Sqlite(it) => Ok(it.buckets.admit(bucket, per_minute, now)),
        }
    }

    /// Remembers a nonce of a signed request until a time; whether it was seen for the first time.
    pub(crate) async fn remember_nonce(
        &self,
        key: KeyId,
        nonce: &str,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(it) => it.remember_nonce(key, nonce, until).await,
            Self::Sqlite(it) => it.remember_nonce(key, nonce, until).await,
        }
    }

    /// Removes what has no more use, in small steps, so that no mint waits for long.
    pub(crate) async fn clean(&self, now: Timestamp) -> Result<(), StoreError> {
        for _ in 0..CLEAN_STEPS_MAX {
            let removed = match self {
                #[cfg(feature = "postgres")]
                Self::Postgres(it) => it.clean(now).await?,
                Self::Sqlite(it) => it.clean(now).await?,
            };
            if removed == 0 {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
