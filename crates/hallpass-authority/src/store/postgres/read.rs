//! Rows on their way out.

use deadpool_postgres::ClientWrapper;
use hallpass_journal::Minted;
use hallpass_keys::Digest;
use hallpass_vocabulary::{ClientId, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::failed;
use crate::store::StoreError;
use crate::store::fleet::{CodeRow, VerifierColumns, VerifierRow};
use crate::store::rows::{ClientRow, KeyRow, RunRow, SecretRow, TokenRow};
use crate::store::selection::{Argument, Selection};

/// The rows of a selection.
pub(super) async fn selected<T>(
    client: &ClientWrapper,
    selection: &Selection,
    row: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let arguments: Vec<Bound<'_>> = selection.arguments.iter().map(Bound::of).collect();
    let arguments: Vec<&(dyn ToSql + Sync)> = arguments.iter().map(Bound::as_sql).collect();
    let statement = client
        .prepare_cached(&selection.sql)
        .await
        .map_err(failed("read"))?;
    let rows = client
        .query(&statement, &arguments)
        .await
        .map_err(failed("read"))?;
    rows.iter().map(row).collect()
}

/// An argument as the driver takes it.
pub(super) enum Bound<'a> {
    Bytes(&'a [u8]),
    Number(i64),
    Text(&'a str),
}

impl<'a> Bound<'a> {
    pub(super) fn of(argument: &'a Argument) -> Self {
        match argument {
            Argument::Bytes(bytes) => Self::Bytes(bytes),
            Argument::Number(number) => Self::Number(*number),
            Argument::Text(text) => Self::Text(text),
        }
    }

    pub(super) fn as_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(number) => number,
            Self::Text(text) => text,
        }
    }
}

pub(super) fn run_row(row: &Row) -> Result<RunRow, StoreError> {
    let mut run: RunRow = json(row, 0, "body")?;
    let ended: Option<i64> = row.try_get(1).map_err(failed("read"))?;
    run.ended = ended.map(Timestamp::from_unix_ms);
    Ok(run)
}

pub(super) fn begun_row(row: &Row) -> Result<(RunRow, Minted), StoreError> {
    Ok((run_row(row)?, json(row, 3, "minted")?))
}

pub(super) fn token_row(row: &Row) -> Result<TokenRow, StoreError> {
    let index: i64 = row.try_get(2).map_err(failed("read"))?;
    Ok(TokenRow {
        minted: json(row, 0, "minted")?,
        origin: row.try_get(1).map_err(failed("read"))?,
        index: u64::try_from(index).unwrap_or(0),
    })
}

pub(super) fn verifier_row(row: &Row) -> Result<VerifierRow, StoreError> {
    let columns = || -> Result<VerifierColumns<'_>, tokio_postgres::Error> {
        Ok(VerifierColumns {
            enrolled: row.try_get(0)?,
            at: row.try_get(1)?,
            retired: row.try_get(2)?,
            refused: row.try_get(3)?,
            size: row.try_get(4)?,
            root: row.try_get(5)?,
            witnessed: row.try_get(6)?,
        })
    };
    let malformed = StoreError::Malformed { column: "enrolled" };
    columns().map_err(failed("read"))?.row().ok_or(malformed)
}

pub(super) fn code_row(row: &Row) -> Result<CodeRow, StoreError> {
    let audience: &str = row.try_get(0).map_err(failed("read"))?;
    let malformed = |_| StoreError::Malformed { column: "audience" };
    Ok(CodeRow {
        audience: audience.parse().map_err(malformed)?,
        until: time(row, 1)?,
    })
}

pub(super) fn counted_row(row: &Row) -> Result<(u64, u64), StoreError> {
    let count = |column| {
        let count: i64 = row.try_get(column).map_err(failed("read"))?;
        Ok::<u64, StoreError>(u64::try_from(count).unwrap_or(0))
    };
    Ok((count(0)?, count(1)?))
}

pub(super) fn id_row(row: &Row) -> Result<Option<u128>, StoreError> {
    let bytes: Option<&[u8]> = row.try_get(0).map_err(failed("read"))?;
    let id = bytes.map(<[u8; 16]>::try_from).transpose();
    let id = id.map_err(|_| StoreError::Malformed { column: "id" })?;
    Ok(id.map(u128::from_be_bytes))
}

/// What a key stands for: the digest of what was asked, and the token if there is one. Nothing when the key is free.
pub(super) async fn key(
    client: &ClientWrapper,
    of: &ClientId,
    key: &str,
) -> Result<Option<(Digest, Option<Minted>)>, StoreError> {
    let statement = client
        .prepare_cached(
            "SELECT i.request, t.minted FROM idempotency i LEFT JOIN tokens t ON t.id = i.token
             WHERE i.client = $1 AND i.key = $2",
        )
        .await
        .map_err(failed("read"))?;
    let row = client
        .query_opt(&statement, &[&of.as_str(), &key])
        .await
        .map_err(failed("read"))?;
    let Some(row) = row else { return Ok(None) };
    let minted: Option<&str> = row.try_get(1).map_err(failed("read"))?;
    let minted = match minted {
        Some(_) => Some(json(&row, 1, "minted")?),
        None => None,
    };
    Ok(Some((
        Digest::from_bytes(sha256(&row, 0, "request")?),
        minted,
    )))
}

/// Every client, by name.
pub(super) async fn clients(client: &tokio_postgres::Client) -> Result<Vec<ClientRow>, StoreError> {
    let rows = client
        .query(
            "SELECT c.id, c.enabled, c.changed, s.id, s.sha256, s.added, s.until
             FROM clients c LEFT JOIN client_secrets s ON s.client = c.id AND s.sha256 IS NOT NULL
             ORDER BY c.id COLLATE \"C\", s.added, s.id COLLATE \"C\"",
            &[],
        )
        .await
        .map_err(failed("read"))?;
    let mut clients: Vec<ClientRow> = Vec::new();
    for row in &rows {
        let id: &str = row.try_get(0).map_err(failed("read"))?;
        let id: ClientId = id
            .parse()
            .map_err(|_| StoreError::Malformed { column: "id" })?;
        if clients.last().is_none_or(|last| last.client != id) {
            clients.push(ClientRow {
                client: id,
                enabled: row.try_get(1).map_err(failed("read"))?,
                changed: time(row, 2)?,
                secrets: Vec::new(),
            });
        }
        let secret: Option<String> = row.try_get(3).map_err(failed("read"))?;
        if let (Some(id), Some(client)) = (secret, clients.last_mut()) {
            let until: Option<i64> = row.try_get(6).map_err(failed("read"))?;
            client.secrets.push(SecretRow {
                id,
                sha256: sha256(row, 4, "sha256")?,
                added: time(row, 5)?,
                until: until.map(Timestamp::from_unix_ms),
            });
        }
    }
    Ok(clients)
}

/// Every standing that a key has or had.
pub(super) async fn keys(client: &tokio_postgres::Client) -> Result<Vec<KeyRow>, StoreError> {
    let rows = client
        .query(
            "SELECT public_key, purpose, standing, at FROM signing_keys",
            &[],
        )
        .await
        .map_err(failed("read"))?;
    let key = |row: &Row| {
        let public_key = sha256(row, 0, "public_key")?;
        let purpose: &str = row.try_get(1).map_err(failed("read"))?;
        let standing: &str = row.try_get(2).map_err(failed("read"))?;
        let at = row.try_get(3).map_err(failed("read"))?;
        KeyRow::of(public_key, purpose, standing, at)
            .map_err(|column| StoreError::Malformed { column })
    };
    rows.iter().map(key).collect()
}

/// The number of a journal here; it gets one when it is new.
pub(super) async fn origin(
    client: &tokio_postgres::Client,
    origin: &str,
) -> Result<i32, StoreError> {
    client
        .execute(
            "INSERT INTO progress (origin, floor) VALUES ($1, 0) ON CONFLICT DO NOTHING",
            &[&origin],
        )
        .await
        .map_err(failed("write to"))?;
    let row = client
        .query_one("SELECT number FROM progress WHERE origin = $1", &[&origin])
        .await
        .map_err(failed("read"))?;
    row.try_get(0).map_err(failed("read"))
}

pub(super) async fn floor(client: &tokio_postgres::Client, origin: i32) -> Result<u64, StoreError> {
    let row = client
        .query_one("SELECT floor FROM progress WHERE number = $1", &[&origin])
        .await
        .map_err(failed("read"))?;
    let floor: i64 = row.try_get(0).map_err(failed("read"))?;
    u64::try_from(floor).map_err(|_| StoreError::Malformed { column: "floor" })
}

fn time(row: &Row, column: usize) -> Result<Timestamp, StoreError> {
    let ms = row.try_get(column).map_err(failed("read"))?;
    Ok(Timestamp::from_unix_ms(ms))
}

fn sha256(row: &Row, column: usize, name: &'static str) -> Result<[u8; 32], StoreError> {
    let bytes: &[u8] = row.try_get(column).map_err(failed("read"))?;
    bytes
        .try_into()
        .map_err(|_| StoreError::Malformed { column: name })
}

fn json<T: serde::de::DeserializeOwned>(
    row: &Row,
    column: usize,
    name: &'static str,
) -> Result<T, StoreError> {
    let text: &str = row.try_get(column).map_err(failed("read"))?;
    serde_json::from_str(text).map_err(|_| StoreError::Malformed { column: name })
}
