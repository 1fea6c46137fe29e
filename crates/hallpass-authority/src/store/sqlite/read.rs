//! Rows on their way out.

use hallpass_journal::Minted;
use hallpass_keys::Digest;
use hallpass_vocabulary::{ClientId, Environment, RunId, Timestamp, TokenId};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};

use super::{failed, parsed};
use crate::store::StoreError;
use crate::store::change::LandingEvent;
use crate::store::fleet::{CodeRow, VerifierColumns, VerifierRow};
use crate::store::query::{About, Hits, Page, RunQuery, TokenQuery};
use crate::store::rows::{ClientRow, KeyRow, RunRow, SecretRow, TokenRow};
use crate::store::selection::{Argument, Selection};

/// A run, and everything a run query gives.
pub(super) fn run(connection: &Connection, run: RunId) -> Result<Option<RunRow>, StoreError> {
    let mut rows = selected(connection, &Selection::run(run), run_row)?;
    Ok(rows.pop())
}

/// A run, and the record of the token that started it.
pub(super) fn begun(
    connection: &Connection,
    run: RunId,
) -> Result<Option<(RunRow, Minted)>, StoreError> {
    let begun = |row: &Row<'_>| Ok((run_row(row)?, json(row, 3)?));
    let mut rows = selected(connection, &Selection::begun(run), begun)?;
    Ok(rows.pop())
}

pub(super) fn runs(connection: &Connection, query: &RunQuery) -> Result<Page<RunRow>, StoreError> {
    let selection = Selection::runs(query);
    let rows = selected(connection, &selection, run_row)?;
    Ok(Page::of(rows, selection.limit))
}

pub(super) fn token(
    connection: &Connection,
    token: TokenId,
) -> Result<Option<TokenRow>, StoreError> {
    let mut rows = selected(connection, &Selection::token(token), token_row)?;
    Ok(rows.pop())
}

pub(super) fn tokens(
    connection: &Connection,
    query: &TokenQuery,
) -> Result<Page<TokenRow>, StoreError> {
    let selection = Selection::tokens(query);
    let rows = selected(connection, &selection, token_row)?;
    Ok(Page::of(rows, selection.limit))
}

pub(super) fn verifiers(
    connection: &Connection,
    selection: &Selection,
) -> Result<Vec<VerifierRow>, StoreError> {
    let rows = selected(connection, selection, |row| {
        let columns = VerifierColumns {
            enrolled: row.get_ref(0)?.as_str()?,
            at: row.get(1)?,
            retired: row.get(2)?,
            refused: row.get(3)?,
            size: row.get(4)?,
            root: row.get_ref(5)?.as_str_or_null()?,
            witnessed: row.get(6)?,
        };
        Ok(columns.row())
    })?;
    let rows: Option<Vec<VerifierRow>> = rows.into_iter().collect();
    rows.ok_or(StoreError::Malformed { column: "enrolled" })
}

pub(super) fn code(
    connection: &Connection,
    selection: &Selection,
) -> Result<Option<CodeRow>, StoreError> {
    let mut rows = selected(connection, selection, |row| {
        Ok(CodeRow {
            audience: parsed(row, 0)?,
            until: Timestamp::from_unix_ms(row.get(1)?),
        })
    })?;
    Ok(rows.pop())
}

/// Tokens of something that are not expired: how many, of how many runs, and some of them.
pub(super) fn hits(
    connection: &Connection,
    about: &About,
    now: Timestamp,
    limit: usize,
) -> Result<Hits, StoreError> {
    let count = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let counted: Vec<(i64, i64)> =
        selected(connection, &Selection::hits_counted(about, now), count)?;
    let (tokens, runs) = counted.first().copied().unwrap_or_default();
    let mut newest = selected(connection, &Selection::hits(about, now, limit), token_row)?;
    newest.truncate(limit);
    Ok(Hits {
        tokens: u64::try_from(tokens).unwrap_or(0),
        runs: u64::try_from(runs).unwrap_or(0),
        newest,
    })
}

/// Runs that come from something and do not show it.
pub(super) fn derived(
    connection: &Connection,
    about: &About,
    now: Timestamp,
) -> Result<Vec<u128>, StoreError> {
    let Some(selection) = Selection::derived(about, now) else {
        return Ok(Vec::new());
    };
    let id = |row: &Row<'_>| row.get(0).map(u128::from_be_bytes);
    selected(connection, &selection, id)
}

/// The latest token minted before a time.
pub(super) fn latest(
    connection: &Connection,
    before: Timestamp,
) -> Result<Option<TokenId>, StoreError> {
    let id = |row: &Row<'_>| row.get::<_, Option<[u8; 16]>>(0);
    let latest = selected(connection, &Selection::latest(before), id)?;
    let latest = latest.into_iter().flatten().next();
    Ok(latest.and_then(|id| TokenId::from_u128(u128::from_be_bytes(id))))
}

fn selected<T>(
    connection: &Connection,
    selection: &Selection,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let read = || {
        connection
            .prepare_cached(&selection.sql)?
            .query_map(params_from_iter(&selection.arguments), row)?
            .collect::<rusqlite::Result<Vec<T>>>()
    };
    read().map_err(failed("read"))
}

impl rusqlite::ToSql for Argument {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(rusqlite::types::ToSqlOutput::Borrowed(match self {
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

fn run_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let mut run: RunRow = json(row, 0)?;
    run.ended = row.get::<_, Option<i64>>(1)?.map(Timestamp::from_unix_ms);
    Ok(run)
}

fn token_row(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    Ok(TokenRow {
        minted: json(row, 0)?,
        origin: row.get(1)?,
        index: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
    })
}

/// What was minted under a key and is remembered, with the digest of what was asked.
pub(super) fn key(
    connection: &Connection,
    client: &ClientId,
    key: &str,
    now: Timestamp,
) -> Result<Option<(Digest, Minted)>, StoreError> {
    let read = || {
        connection
            .prepare_cached(
                "SELECT i.request, t.minted FROM idempotency i JOIN tokens t ON t.id = i.token
                 WHERE i.client = ?1 AND i.key = ?2 AND i.until > ?3",
            )?
            .query_row(params![client.as_str(), key, now.unix_ms()], |row| {
                Ok((Digest::from_bytes(row.get(0)?), json(row, 1)?))
            })
            .optional()
    };
    read().map_err(failed("read"))
}

pub(super) fn clients(connection: &Connection) -> Result<Vec<ClientRow>, StoreError> {
    let read = || {
        let mut clients = connection
            .prepare("SELECT id, enabled, changed FROM clients ORDER BY id")?
            .query_map([], |row| {
                Ok(ClientRow {
                    client: parsed(row, 0)?,
                    enabled: row.get(1)?,
                    changed: Timestamp::from_unix_ms(row.get(2)?),
                    secrets: Vec::new(),
                })
            })?
            .collect::<rusqlite::Result<Vec<ClientRow>>>()?;
        let mut statement = connection.prepare(
            "SELECT client, id, sha256, added, until FROM client_secrets WHERE sha256 IS NOT NULL
             ORDER BY added, id",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id: ClientId = parsed(row, 0)?;
            let secret = SecretRow {
                id: row.get(1)?,
                sha256: row.get(2)?,
                added: Timestamp::from_unix_ms(row.get(3)?),
                until: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_unix_ms),
            };
            if let Some(client) = clients.iter_mut().find(|client| client.client == id) {
                client.secrets.push(secret);
            }
        }
        Ok(clients)
    };
    read().map_err(failed("read"))
}

/// Every standing that a key has or had.
pub(super) fn keys(connection: &Connection) -> Result<Vec<KeyRow>, StoreError> {
    let read = || {
        connection
            .prepare_cached("SELECT public_key, purpose, standing, at FROM signing_keys")?
            .query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?
            .collect::<rusqlite::Result<Vec<([u8; 32], String, String, i64)>>>()
    };
    let rows = read().map_err(failed("read"))?;
    rows.into_iter()
        .map(|(public_key, purpose, standing, at)| {
            KeyRow::of(public_key, &purpose, &standing, at)
                .map_err(|column| StoreError::Malformed { column })
        })
        .collect()
}

/// What is stopped, revoked or cut off.
pub(super) fn restraints(
    connection: &Connection,
    mut take: impl FnMut(&LandingEvent),
) -> Result<(), StoreError> {
    let mut statement = connection
        .prepare("SELECT body, at FROM restraints")
        .map_err(failed("read"))?;
    let mut rows = statement.query([]).map_err(failed("read"))?;
    while let Some(row) = rows.next().map_err(failed("read"))? {
        let body: String = row.get(0).map_err(failed("read"))?;
        let at = Timestamp::from_unix_ms(row.get(1).map_err(failed("read"))?);
        let event = LandingEvent::of_restraint(&body, at);
        take(&event.ok_or(StoreError::Malformed { column: "body" })?);
    }
    Ok(())
}

/// Makes the store this environment's, or finds that it is another's.
pub(super) fn own(connection: &Connection, environment: &Environment) -> Result<(), StoreError> {
    connection
        .execute(
            "INSERT OR IGNORE INTO owner (only, environment) VALUES (0, ?1)",
            [environment.as_str()],
        )
        .map_err(failed("write to"))?;
    let found: Environment = connection
        .query_row("SELECT environment FROM owner", [], |row| parsed(row, 0))
        .map_err(failed("read"))?;
    if found == *environment {
        Ok(())
    } else {
        let expected = environment.clone();
        Err(StoreError::OtherEnvironment { found, expected })
    }
}

/// The number of a journal here; it gets one when it is new.
pub(super) fn origin(connection: &Connection, origin: &str) -> Result<i64, StoreError> {
    let read = || {
        connection.execute(
            "INSERT OR IGNORE INTO progress (origin, floor) VALUES (?1, 0)",
            [origin],
        )?;
        connection.query_row(
            "SELECT number FROM progress WHERE origin = ?1",
            [origin],
            |row| row.get(0),
        )
    };
    read().map_err(failed("write to"))
}

pub(super) fn floor(connection: &Connection, origin: i64) -> Result<u64, StoreError> {
    let floor: i64 = connection
        .query_row(
            "SELECT floor FROM progress WHERE number = ?1",
            [origin],
            |row| row.get(0),
        )
        .map_err(failed("read"))?;
    u64::try_from(floor).map_err(|_| StoreError::Malformed { column: "floor" })
}

/// The floor, once everything committed so far is synced; 0 when a reader kept some of it in the log just now.
pub(super) fn durable_floor(connection: &Connection, origin: i64) -> Result<u64, StoreError> {
    let floor = floor(connection, origin)?;
    let whole = connection
        .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
            ))
        })
        .map(|(busy, log, folded)| busy == 0 && log == folded)
        .map_err(failed("sync"))?;
    Ok(if whole { floor } else { 0 })
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
    })
}
