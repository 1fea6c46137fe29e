//! Rows on their way in: a group is one transaction, and its statements are sent without waiting for one another.

use deadpool_postgres::ClientWrapper;
use hallpass_journal::{ClientChange, ClientChanged, KeyChanged, Text};
use hallpass_vocabulary::Timestamp;
use tokio_postgres::Error;

use crate::store::change::{Change, LandingEvent};
use crate::store::restraints::RESTRAINT_KEPT;
use crate::store::rows::KeyRow;
use crate::store::selection::before;

use super::columns::{self, Columns};
use super::read::Bound;
use super::restraints;

/// Rows of one kind removed in one step.
const CLEAN_ROWS_MAX: i64 = 1_000;

const FLOOR: &str = "UPDATE progress SET floor = greatest(floor, $2) WHERE number = $1";

/// Writes the rows of changes and the new floor, in one transaction. What is there already stays as it is: records are
/// never rewritten, so the second reading of one says the same.
///
/// Every replica inserts in the order of the keys, table after table, so that no two wait for each other.
pub(super) async fn group<'a>(
    client: &ClientWrapper,
    origin: i32,
    changes: impl Iterator<Item = &'a Change> + Clone,
    floor: u64,
) -> Result<(), Error> {
    let columns = Columns::of(changes.clone());
    // Prepared before the transaction begins: once for each connection.
    let runs = client.prepare_cached(columns::RUNS).await?;
    let tools = client.prepare_cached(columns::TOOLS).await?;
    let tokens = client.prepare_cached(columns::TOKENS).await?;
    let keys = client.prepare_cached(columns::KEYS).await?;
    let progress = client.prepare_cached(FLOOR).await?;
    let floor = signed(floor);
    let rows = async {
        if columns.is_empty() {
            return Ok(());
        }
        // Polled in this order, which is the order they are sent in.
        tokio::try_join!(
            biased;
            columns.runs(client, &runs),
            columns.tools(client, &tools),
            columns.tokens(client, &tokens, origin),
            columns.keys(client, &keys),
        )
        .map(|_| ())
    };
    let restraining = changes.clone();
    let others = async {
        for change in changes {
            match &change.event {
                LandingEvent::ClientChanged(changed, at) => {
                    client_changed(client, changed, *at).await?;
                }
                LandingEvent::Fleet(event, at) => {
                    let (sql, arguments) = event.statement(*at);
                    let statement = client.prepare_cached(sql).await?;
                    let arguments: Vec<Bound<'_>> = arguments.iter().map(Bound::of).collect();
                    let arguments: Vec<_> = arguments.iter().map(Bound::as_sql).collect();
                    client.execute(&statement, &arguments).await?;
                }
                LandingEvent::KeyChanged(changed, at) => {
                    key_changed(client, changed, *at).await?;
                }
                LandingEvent::Minted(_)
                | LandingEvent::CutOff(..)
                | LandingEvent::StopLiftAsked(..)
                | LandingEvent::StopLifted(..)
                | LandingEvent::StopPlaced(..)
                | LandingEvent::TokenRevoked(..) => {}
                LandingEvent::RunEnded(ended, at) => {
                    let statement = client
                        .prepare_cached(
                            "INSERT INTO ended_runs (run, at) VALUES ($1, $2)
                             ON CONFLICT (run) DO UPDATE SET at = least(ended_runs.at, excluded.at)",
                        )
                        .await?;
                    client
                        .execute(&statement, &[&bytes(ended.run.as_u128()), &at.unix_ms()])
                        .await?;
                }
            }
        }
        Ok::<(), Error>(())
    };
    let rest = async {
        others.await?;
        restraints::write(client, origin, restraining).await?;
        client.execute(&progress, &[&origin, &floor]).await?;
        client.batch_execute("COMMIT").await
    };
    let written = match tokio::try_join!(biased; client.batch_execute("BEGIN"), rows) {
        Ok(_) => rest.await,
        Err(error) => Err(error),
    };
    if written.is_err() {
        // Where the connection is gone, so is the transaction.
        let _ = client.batch_execute("ROLLBACK").await;
    }
    written
}

/// One row for each standing a key ever had: in whichever order records are read, the same rows come of them.
async fn key_changed(
    client: &ClientWrapper,
    changed: &KeyChanged,
    at: Timestamp,
) -> Result<(), Error> {
    for moved in &changed.keys {
        client
            .execute(
                "INSERT INTO signing_keys (key, standing, purpose, public_key, at) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (key, standing) DO UPDATE SET at = least(signing_keys.at, excluded.at)",
                &[
                    &&moved.key.as_bytes()[..],
                    &KeyRow::word(moved.standing),
                    &moved.purpose.as_str(),
                    &&moved.public_key.as_bytes()[..],
                    &at.unix_ms(),
                ],
            )
            .await?;
    }
    Ok(())
}

/// What happened last holds, in whichever order it is read; of the ends of a secret, the earliest.
async fn client_changed(
    client: &ClientWrapper,
    changed: &ClientChanged,
    at: Timestamp,
) -> Result<(), Error> {
    let id = changed.client.as_str();
    let secret = changed.secret.as_ref().map(Text::as_str);
    let until = changed.until.map(Timestamp::unix_ms);
    let at = at.unix_ms();
    let named =
        "INSERT INTO clients (id, enabled, changed) VALUES ($1, TRUE, 0) ON CONFLICT DO NOTHING";
    match changed.change {
        ClientChange::Disabled | ClientChange::Enabled => {
            let enabled = changed.change == ClientChange::Enabled;
            client
                .execute(
                    "INSERT INTO clients (id, enabled, changed) VALUES ($1, $2, $3)
                     ON CONFLICT (id) DO UPDATE SET enabled = excluded.enabled, changed = excluded.changed
                     WHERE excluded.changed >= clients.changed",
                    &[&id, &enabled, &at],
                )
                .await?;
        }
        ClientChange::SecretAdded => {
            client.execute(named, &[&id]).await?;
            let sha256 = changed.secret_digest.as_ref().map(|it| &it.as_bytes()[..]);
            client
                .execute(
                    "INSERT INTO client_secrets (id, client, sha256, added, until, changed)
                     VALUES ($1, $2, $3, $4, $5, $4)
                     ON CONFLICT (id) DO UPDATE SET sha256 = excluded.sha256, added = excluded.added",
                    &[&secret, &id, &sha256, &at, &until],
                )
                .await?;
        }
        ClientChange::SecretRetired => {
            client.execute(named, &[&id]).await?;
            client
                .execute(
                    "INSERT INTO client_secrets (id, client, sha256, added, until, changed)
                     VALUES ($1, $2, NULL, $3, $4, $3)
                     ON CONFLICT (id) DO UPDATE SET until = least(client_secrets.until, excluded.until),
                         changed = greatest(client_secrets.changed, excluded.changed)",
                    &[&secret, &id, &at, &until.unwrap_or(at)],
                )
                .await?;
        }
    }
    Ok(())
}

/// Removes some of what has no more use; says how many rows.
pub(super) async fn clean(client: &ClientWrapper, now: Timestamp) -> Result<u64, Error> {
    let mut removed = 0;
    for (script, now) in [
        (
            "DELETE FROM idempotency WHERE (client, key) IN
             (SELECT client, key FROM idempotency WHERE until <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
            now.unix_ms(),
        ),
        (
            "DELETE FROM restraints WHERE (origin, record) IN
             (SELECT origin, record FROM restraints WHERE ends <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
            before(now, RESTRAINT_KEPT).unix_ms(),
        ),
        (
            "DELETE FROM nonces WHERE (key, nonce) IN
             (SELECT key, nonce FROM nonces WHERE until <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
            now.unix_ms(),
        ),
        (
            "DELETE FROM verifier_codes WHERE code IN
             (SELECT code FROM verifier_codes WHERE until <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
            now.unix_ms(),
        ),
        (
            "DELETE FROM rates WHERE bucket IN
             (SELECT bucket FROM rates WHERE empty <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
            crate::store::limit::microseconds(now),
        ),
    ] {
        let statement = client.prepare_cached(script).await?;
        removed += client.execute(&statement, &[&now, &CLEAN_ROWS_MAX]).await?;
    }
    Ok(removed)
}

pub(super) fn bytes(id: u128) -> Vec<u8> {
    id.to_be_bytes().to_vec()
}

/// PostgreSQL's integers are signed; a journal does not reach 2^63 records.
pub(super) fn signed(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
