//! The store of several replicas, in PostgreSQL: one database, and a journal beside each authority.
//!
//! What replicas must agree on is decided by the server, one statement each: idempotency keys, rates, nonces. One task
//! of each replica writes the rows of its own journal, in groups.

mod clients;
mod columns;
mod connect;
mod publications;
mod read;
mod restraints;
mod schema;
mod write;
mod writer;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use hallpass_args::IdempotencyKey;
use hallpass_journal::Minted;
use hallpass_keys::{Digest, KeyId};
use hallpass_vocabulary::{ClientId, Environment, RunId, Timestamp, TokenId};
use prometheus_client::metrics::histogram::Histogram;

use super::change::{Change, LandingEvent};
use super::claim::{CLAIM_LAPSE, Claim, Claimed, Claims};
use super::client_table::ClientTable;
use super::error::WriterGone;
use super::fleet::{CodeRow, VerifierRow};
use super::flight::{Flight, Flights};
use super::limit::{self, Admission};
use super::query::{About, Hits, Page, RunQuery, TokenQuery};
use super::restraints::Restraints;
use super::rows::{KeyRow, RunRow, TokenRow};
use super::selection::Selection;
use super::settings::StoreSettings;
use super::{Inspected, StoreError};
use clients::Clients;
use connect::{STATEMENT_MAX, Server};
pub(crate) use publications::Publications;
use writer::Writer;

/// Connections of one replica. A statement is short; more of them would wait in the server instead of here.
const CONNECTIONS_MAX: usize = 16;

/// How often a key that was given back while it was looked at is tried again.
const CLAIM_TRIES: usize = 4;

/// The open store.
#[derive(Debug)]
pub(crate) struct Postgres {
    /// This authority's journal, by its number in `progress`.
    origin: i32,
    server: Server,
    pool: Pool,
    writer: Writer,
    /// Whether the server could not be used when it was last tried.
    away: AtomicBool,
    pub(super) shared: Arc<Shared>,
}

/// What the writing task and those who ask both know.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) flights: Flights,
    /// Keys whose tokens are recorded here and not yet in the store.
    claims: Claims,
    clients: Clients,
    pub(super) restraints: Restraints,
    read: restraints::Read,
    /// Where the sizes of groups are measured, if they are.
    pub(super) group_sizes: OnceLock<Histogram>,
}

impl Postgres {
    /// Opens the store for the authority of a journal, creating or migrating its tables. Blocks.
    pub(crate) fn open(
        settings: &StoreSettings,
        postgres: &str,
        origin: &str,
        environment: &Environment,
    ) -> Result<Self, StoreError> {
        let server = Server::of(settings, postgres)?;
        let shared = Arc::new(Shared::default());
        let origin = at_start(&server, async |client| {
            schema::migrate(client, environment).await?;
            shared.read.rest(client, &shared.restraints).await?;
            read::origin(client, origin).await
        })?;
        let manager = Manager::from_config(
            server.config.clone(),
            server.tls.clone(),
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS_MAX)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(STATEMENT_MAX),
                create: Some(STATEMENT_MAX),
                recycle: Some(STATEMENT_MAX),
            })
            .build()
            .map_err(|_| StoreError::Setting("the pool has no runtime"))?;
        Ok(Self {
            origin,
            server,
            writer: Writer::new(pool.clone(), origin, Arc::clone(&shared)),
            pool,
            away: AtomicBool::new(false),
            shared,
        })
    }

    /// Where replicas keep what they publish together.
    pub(super) fn publications(&self) -> Publications {
        Publications {
            server: self.server.clone(),
            pool: self.pool.clone(),
        }
    }

    /// What it says of itself. Blocks.
    pub(super) fn inspect(
        settings: &StoreSettings,
        postgres: &str,
    ) -> Result<Inspected, StoreError> {
        at_start(&Server::of(settings, postgres)?, async |client| {
            schema::inspect(client).await
        })
    }

    /// Every record of this authority's before this one is in the store, and stays there: what is committed is synced.
    pub(super) fn floor(&self) -> Result<u64, StoreError> {
        at_start(&self.server, async |client| {
            read::floor(client, self.origin).await
        })
    }

    /// The same of every journal.
    pub(super) fn floors(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let inspected = at_start(&self.server, async |client| schema::inspect(client).await)?;
        Ok(inspected.floors)
    }

    pub(super) fn catch_up(&self, changes: &[Change], floor: u64) -> Result<(), StoreError> {
        let origin = self.origin;
        let pool = self.pool.clone();
        at_start(&self.server, async move |_| {
            // Through the pool, whose connections keep their statements; this one ends with the runtime it is made in.
            let client = Object::take(connection(&pool).await?);
            for some in changes.chunks(super::group::GROUP_CHANGES_MAX) {
                write::group(&client, origin, some.iter(), 0)
                    .await
                    .map_err(failed("write to"))?;
            }
            write::group(&client, origin, [].iter(), floor)
                .await
                .map_err(failed("write to"))
        })?;
        for change in changes {
            self.shared.restraints.take(&change.event);
        }
        Ok(())
    }

    pub(super) fn is_behind(&self) -> bool {
        self.writer.is_behind() || self.away.load(Ordering::Relaxed)
    }

    pub(super) fn retry(&self) {
        self.writer.retry();
    }

    pub(super) async fn stop(&self) {
        self.writer.stop().await;
        self.pool.close();
    }

    pub(super) async fn land(&self, flight: Flight, change: Change) -> Result<bool, WriterGone> {
        if let LandingEvent::Minted(minted) = &change.event {
            self.shared.claims.is_recorded(minted);
        }
        // Recorded, so it holds, whatever becomes of its row.
        self.shared.restraints.take(&change.event);
        self.writer.land(flight, change).await
    }

    pub(super) async fn run(&self, run: RunId) -> Result<Option<RunRow>, StoreError> {
        let client = connection(&self.pool).await?;
        let mut rows = read::selected(&client, &Selection::run(run), read::run_row).await?;
        Ok(rows.pop())
    }

    pub(super) async fn begun(&self, run: RunId) -> Result<Option<(RunRow, Minted)>, StoreError> {
        let client = connection(&self.pool).await?;
        let mut rows = read::selected(&client, &Selection::begun(run), read::begun_row).await?;
        Ok(rows.pop())
    }

    pub(super) async fn token(&self, token: TokenId) -> Result<Option<TokenRow>, StoreError> {
        let client = connection(&self.pool).await?;
        let mut rows = read::selected(&client, &Selection::token(token), read::token_row).await?;
        Ok(rows.pop())
    }

    pub(super) async fn runs(&self, query: &RunQuery) -> Result<Page<RunRow>, StoreError> {
        let selection = Selection::runs(query);
        let client = connection(&self.pool).await?;
        let rows = read::selected(&client, &selection, read::run_row).await?;
        Ok(Page::of(rows, selection.limit))
    }

    pub(super) async fn tokens(&self, query: &TokenQuery) -> Result<Page<TokenRow>, StoreError> {
        let selection = Selection::tokens(query);
        let client = connection(&self.pool).await?;
        let rows = read::selected(&client, &selection, read::token_row).await?;
        Ok(Page::of(rows, selection.limit))
    }

    pub(super) async fn verifiers(
        &self,
        selection: Selection,
    ) -> Result<Vec<VerifierRow>, StoreError> {
        let client = connection(&self.pool).await?;
        read::selected(&client, &selection, read::verifier_row).await
    }

    pub(super) async fn code(&self, selection: Selection) -> Result<Option<CodeRow>, StoreError> {
        let client = connection(&self.pool).await?;
        let mut rows = read::selected(&client, &selection, read::code_row).await?;
        Ok(rows.pop())
    }

    pub(super) async fn hits(
        &self,
        about: &About,
        now: Timestamp,
        limit: usize,
    ) -> Result<Hits, StoreError> {
        let client = connection(&self.pool).await?;
        let counted = Selection::hits_counted(about, now);
        let counted = read::selected(&client, &counted, read::counted_row).await?;
        let (tokens, runs) = counted.first().copied().unwrap_or_default();
        let newest = Selection::hits(about, now, limit);
        let mut newest = read::selected(&client, &newest, read::token_row).await?;
        newest.truncate(limit);
        Ok(Hits {
            tokens,
            runs,
            newest,
        })
    }

    pub(super) fn derived(&self, about: &About, now: Timestamp) -> Result<Vec<u128>, StoreError> {
        let Some(selection) = Selection::derived(about, now) else {
            return Ok(Vec::new());
        };
        let pool = self.pool.clone();
        at_start(&self.server, async move |_| {
            let client = Object::take(connection(&pool).await?);
            let ids = read::selected(&client, &selection, read::id_row).await?;
            Ok(ids.into_iter().flatten().collect())
        })
    }

    pub(super) async fn latest(&self, before: Timestamp) -> Result<Option<TokenId>, StoreError> {
        let client = connection(&self.pool).await?;
        let latest = read::selected(&client, &Selection::latest(before), read::id_row).await?;
        Ok(latest
            .into_iter()
            .flatten()
            .next()
            .and_then(TokenId::from_u128))
    }

    pub(super) async fn claim(
        &self,
        of: &ClientId,
        key: &IdempotencyKey,
        request: Digest,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        if let Some(awaited) = self.shared.claims.awaited(of, key, request) {
            return Ok(awaited);
        }
        let mark =
            i64::from_be_bytes(hallpass_keys::random_bytes().map_err(|_| StoreError::Unwritten)?);
        let client = connection(&self.pool).await?;
        let take = client
            .prepare_cached(
                "INSERT INTO idempotency (client, key, request, mark, until) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (client, key) DO UPDATE
                 SET request = excluded.request, token = NULL, mark = excluded.mark, until = excluded.until
                 WHERE idempotency.until <= $6",
            )
            .await
            .map_err(failed("write to"))?;
        let until = now.after(CLAIM_LAPSE).unix_ms();
        for _ in 0..CLAIM_TRIES {
            let taken = client
                .execute(
                    &take,
                    &[
                        &of.as_str(),
                        &key.as_str(),
                        &&request.as_bytes()[..],
                        &mark,
                        &until,
                        &now.unix_ms(),
                    ],
                )
                .await
                .map_err(failed("write to"))?;
            if taken == 1 {
                return Ok(Claim::Fresh(Claimed {
                    client: of.clone(),
                    key: key.clone(),
                    mark,
                }));
            }
            match read::key(&client, of, key.as_str()).await? {
                // Given back in between.
                None => {}
                Some((asked, _)) if asked != request => return Ok(Claim::Conflict),
                Some((_, None)) => return Ok(Claim::InFlight),
                Some((_, Some(minted))) => return Ok(Claim::Minted(Box::new(minted))),
            }
        }
        Ok(Claim::InFlight)
    }

    pub(super) async fn release(&self, claimed: Claimed) {
        let release = async {
            let client = connection(&self.pool).await?;
            client
                .execute(
                    "DELETE FROM idempotency WHERE client = $1 AND key = $2 AND mark = $3",
                    &[
                        &claimed.client.as_str(),
                        &claimed.key.as_str(),
                        &claimed.mark,
                    ],
                )
                .await
                .map_err(failed("write to"))
        };
        if let Err(error) = release.await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "an idempotency key is not given back; it lapses by itself"
            );
        }
    }

    /// Every standing that a key has or had. Blocks.
    pub(super) fn keys_at_start(&self) -> Result<Vec<KeyRow>, StoreError> {
        at_start(&self.server, async |client| read::keys(client).await)
    }

    /// The same, while it serves.
    pub(super) async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        let client = connection(&self.pool).await?;
        read::keys(&client).await
    }

    /// The clients, as they were a second ago or later.
    pub(super) async fn clients(&self) -> Result<Arc<ClientTable>, StoreError> {
        let read = async || {
            let client = connection(&self.pool).await?;
            read::clients(&client).await.map(ClientTable::of)
        };
        self.shared.clients.known(read).await
    }

    /// Reads what other replicas have stopped, revoked or cut off. What was committed when this was asked is known when it
    /// answers.
    pub(super) async fn refresh_restraints(&self) -> Result<(), StoreError> {
        let read = async || {
            let client = connection(&self.pool).await?;
            self.shared
                .read
                .rest(&client, &self.shared.restraints)
                .await
        };
        self.shared.read.in_turn(read).await
    }

    pub(super) async fn admit(
        &self,
        bucket: &str,
        per_minute: u32,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let Some(step) = limit::step_us(per_minute) else {
            return Ok(Admission::Wait(Duration::from_micros(
                limit::WINDOW_US as u64,
            )));
        };
        let now = limit::microseconds(now);
        let latest = now.saturating_add(limit::WINDOW_US);
        let client = connection(&self.pool).await?;
        let admit = client
            .prepare_cached(
                // As `limit::empty_us` reckons.
                "INSERT INTO rates AS r (bucket, empty) VALUES ($1, $2::bigint + $4::bigint)
                 ON CONFLICT (bucket) DO UPDATE SET empty = $4 +
                     CASE WHEN r.empty > $3::bigint + $5::bigint THEN $2 ELSE greatest(least(r.empty, $3), $2) END
                 WHERE $4 + CASE WHEN r.empty > $3::bigint + $5::bigint THEN $2 ELSE greatest(least(r.empty, $3), $2) END <= $3",
            )
            .await
            .map_err(failed("write to"))?;
        let admitted = client
            .execute(
                &admit,
                &[&bucket, &now, &latest, &step, &limit::CLOCKS_APART_US],
            )
            .await
            .map_err(failed("write to"))?;
        if admitted == 1 {
            return Ok(Admission::Admit);
        }
        let row = client
            .query_opt("SELECT empty FROM rates WHERE bucket = $1", &[&bucket])
            .await
            .map_err(failed("read"))?;
        let empty = row.map_or(now, |row| row.get(0));
        Ok(Admission::wait(limit::empty_us(empty, now), step, now))
    }

    pub(super) async fn remember_nonce(
        &self,
        key: KeyId,
        nonce: &str,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let client = connection(&self.pool).await?;
        let added = client
            .execute(
                "INSERT INTO nonces (key, nonce, until) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                &[&&key.as_bytes()[..], &nonce, &until.unix_ms()],
            )
            .await
            .map_err(failed("write to"))?;
        Ok(added == 1)
    }

    /// Every second, so that it tells too whether the server can be reached.
    pub(super) async fn clean(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.shared.restraints.clean(now);
        let clean = async {
            let client = connection(&self.pool).await?;
            write::clean(&client, now).await.map_err(failed("clean"))
        };
        let cleaned = clean.await;
        self.away.store(cleaned.is_err(), Ordering::Relaxed);
        cleaned
    }
}

async fn connection(pool: &Pool) -> Result<Object, StoreError> {
    pool.get().await.map_err(|source| StoreError::Pool {
        source: Box::new(source),
    })
}

/// Work before the service runs, or beside it: on a thread, a runtime and a connection of its own. Blocks.
fn at_start<T: Send>(
    server: &Server,
    work: impl AsyncFnOnce(&mut tokio_postgres::Client) -> Result<T, StoreError> + Send,
) -> Result<T, StoreError> {
    let on_its_own = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|_| StoreError::Stopping)?;
        runtime.block_on(async {
            let mut client = server.connect().await?;
            work(&mut client).await
        })
    };
    std::thread::scope(|scope| scope.spawn(on_its_own).join()).unwrap_or(Err(StoreError::Stopping))
}

fn failed(action: &'static str) -> impl FnOnce(tokio_postgres::Error) -> StoreError {
    move |source| StoreError::Postgres { action, source }
}
