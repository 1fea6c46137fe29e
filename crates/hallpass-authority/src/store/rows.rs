//! Rows: in from records, out as parsed values.

use std::collections::BTreeSet;
use std::str::FromStr;

use hallpass_journal::Minted;
use hallpass_vocabulary::{
    Actor, ClientId, Environment, Route, RunId, Subject, Tenant, TokenId, ToolName,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{StoreError, failed};
use crate::client::Client;
use crate::secret::SecretHash;

/// A run as it was started; every renewal must match it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunRow {
    pub(crate) client: ClientId,
    pub(crate) route: Route,
    pub(crate) tenant: Tenant,
    pub(crate) subject: Subject,
    pub(crate) actor: Actor,
}

/// The tools of a token. What the first token of a run has, no later one exceeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunTools {
    pub(crate) tools: BTreeSet<ToolName>,
    pub(crate) needs_approval: BTreeSet<ToolName>,
}

impl RunTools {
    /// Whether a tool is in it at all.
    pub(crate) fn names(&self, tool: &ToolName) -> bool {
        self.tools.contains(tool) || self.needs_approval.contains(tool)
    }
}

/// A minted token, with the index of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MintedRow {
    pub(crate) token: TokenId,
    pub(crate) run: RunId,
    pub(crate) started_as: RunRow,
    pub(crate) tools: RunTools,
    pub(crate) issued_seconds: i64,
    pub(crate) expires_seconds: i64,
    pub(crate) record: u64,
}

impl MintedRow {
    pub(crate) fn of(minted: &Minted, record: u64) -> Self {
        Self {
            token: minted.token,
            run: minted.run,
            started_as: RunRow {
                client: minted.client.clone(),
                route: minted.route.clone(),
                tenant: minted.tenant.clone(),
                subject: minted.subject.clone(),
                actor: minted.actor.clone(),
            },
            tools: RunTools {
                tools: minted.tools.iter().cloned().collect(),
                needs_approval: minted.needs_approval.iter().cloned().collect(),
            },
            issued_seconds: minted.issued.unix_seconds(),
            expires_seconds: minted.expires.unix_seconds(),
            record,
        }
    }
}

/// Writes rows and the new floor in one transaction. A row that is there stays as it is: records are never rewritten,
/// so the second reading of one says the same.
pub(super) fn insert_minted<'a>(
    connection: &mut Connection,
    minted: impl Iterator<Item = &'a MintedRow>,
    floor: u64,
) -> Result<(), StoreError> {
    let insert = |connection: &mut Connection| {
        let group = connection.transaction()?;
        {
            let mut run = group.prepare_cached(
                "INSERT OR IGNORE INTO runs
                 (id, client, route, tenant, subject, actor, tools, needs_approval, started)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?;
            let mut token = group.prepare_cached(
                "INSERT OR IGNORE INTO tokens (id, run, issued, expires, record) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for row in minted {
                let started_as = &row.started_as;
                let run_id = row.run.to_string();
                run.execute(params![
                    run_id,
                    started_as.client.as_str(),
                    started_as.route.as_str(),
                    started_as.tenant.as_str(),
                    started_as.subject.as_str(),
                    started_as.actor.as_str(),
                    joined(&row.tools.tools),
                    joined(&row.tools.needs_approval),
                    row.issued_seconds,
                ])?;
                token.execute(params![
                    row.token.to_string(),
                    run_id,
                    row.issued_seconds,
                    row.expires_seconds,
                    signed(row.record),
                ])?;
            }
            group
                .prepare_cached("UPDATE progress SET floor = max(floor, ?1)")?
                .execute([signed(floor)])?;
        }
        group.commit()
    };
    insert(connection).map_err(failed("write to"))
}

pub(super) fn floor(connection: &Connection) -> Result<u64, StoreError> {
    let floor: i64 = connection
        .query_row("SELECT floor FROM progress", [], |row| row.get(0))
        .map_err(failed("read"))?;
    u64::try_from(floor).map_err(|_| StoreError::Malformed { column: "floor" })
}

/// The floor, once everything committed so far is synced; 0 when a reader kept some of it in the log just now.
pub(super) fn durable_floor(connection: &Connection) -> Result<u64, StoreError> {
    let floor = floor(connection)?;
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

pub(super) fn run(
    connection: &Connection,
    run: RunId,
) -> Result<Option<(RunRow, RunTools)>, StoreError> {
    connection
        .prepare_cached(
            "SELECT client, route, tenant, subject, actor, tools, needs_approval FROM runs WHERE id = ?1",
        )
        .and_then(|mut statement| {
            statement
                .query_row([run.to_string()], |row| {
                    let started_as = RunRow {
                        client: parsed(row, 0)?,
                        route: parsed(row, 1)?,
                        tenant: parsed(row, 2)?,
                        subject: parsed(row, 3)?,
                        actor: parsed(row, 4)?,
                    };
                    let tools = RunTools {
                        tools: split(row, 5)?,
                        needs_approval: split(row, 6)?,
                    };
                    Ok((started_as, tools))
                })
                .optional()
        })
        .map_err(failed("read"))
}

/// Names in one column; none of them holds a space.
fn joined(tools: &BTreeSet<ToolName>) -> String {
    let names: Vec<&str> = tools.iter().map(ToolName::as_str).collect();
    names.join(" ")
}

fn split(row: &Row<'_>, column: usize) -> rusqlite::Result<BTreeSet<ToolName>> {
    let text = row.get_ref(column)?.as_str()?;
    text.split_whitespace()
        .map(|name| {
            ToolName::new(name).map_err(|error| {
                let kind = rusqlite::types::Type::Text;
                rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
            })
        })
        .collect()
}

pub(super) fn insert_clients(
    connection: &mut Connection,
    clients: &[Client],
) -> Result<(), StoreError> {
    let insert = |connection: &mut Connection| {
        let group = connection.transaction()?;
        for client in clients {
            group.execute(
                "INSERT INTO clients (id, environment, secret_sha256, disabled) VALUES (?1, ?2, ?3, ?4)",
                params![
                    client.id.as_str(),
                    client.environment.as_str(),
                    client.secret.as_bytes(),
                    client.disabled,
                ],
            )?;
        }
        group.commit()
    };
    insert(connection).map_err(failed("write to"))
}

pub(super) fn clients(connection: &Connection) -> Result<Vec<Client>, StoreError> {
    let read = || {
        let mut statement = connection
            .prepare("SELECT id, environment, secret_sha256, disabled FROM clients ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            Ok(Client {
                id: parsed::<ClientId>(row, 0)?,
                environment: parsed::<Environment>(row, 1)?,
                secret: SecretHash::from_bytes(row.get(2)?),
                disabled: row.get(3)?,
            })
        })?;
        rows.collect::<rusqlite::Result<Vec<Client>>>()
    };
    read().map_err(failed("read"))
}

/// A text column as the name it must be.
fn parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|error: T::Err| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            Box::new(error),
        )
    })
}

/// SQLite integers are signed; a journal does not reach 2^63 records.
fn signed(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
