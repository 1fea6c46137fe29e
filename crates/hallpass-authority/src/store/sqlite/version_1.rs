//! The store of the first release: what is taken over from it.
//!
//! Its runs and clients are, for records may have been pruned that only it remembers. Its tokens come back from the
//! journal with all that their records say, so the store begins again at the first record.

use std::collections::BTreeSet;
use std::time::Duration;

use hallpass_journal::Spent;
use hallpass_vocabulary::{RunId, SubjectAssurance, Timestamp, TokenId, ToolName};
use rusqlite::{Row, Transaction, params};

use super::{failed, parsed, write};
use crate::secret::SecretHash;
use crate::store::StoreError;
use crate::store::rows::RunRow;

/// How long a run lasts at most: the first release knew no bound, and this one's is a day unless a route says more.
const RUN_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Moves the old tables out of the way.
pub(super) fn set_aside(step: &Transaction<'_>) -> rusqlite::Result<()> {
    step.execute_batch(
        "DROP INDEX tokens_by_run;
         ALTER TABLE clients RENAME TO old_clients;
         ALTER TABLE runs RENAME TO old_runs;
         ALTER TABLE tokens RENAME TO old_tokens;
         DROP TABLE progress;",
    )
}

/// Fills the new tables from them, and drops them.
pub(super) fn take_over(step: &Transaction<'_>) -> Result<(), StoreError> {
    runs(step).map_err(failed("migrate"))?;
    clients(step).map_err(failed("migrate"))?;
    step.execute_batch("DROP TABLE old_tokens; DROP TABLE old_runs; DROP TABLE old_clients;")
        .map_err(failed("migrate"))
}

fn runs(step: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut statement = step.prepare(
        "SELECT id, client, route, tenant, subject, actor, tools, needs_approval, started,
                (SELECT min(id) FROM old_tokens WHERE run = old_runs.id)
         FROM old_runs",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let started = Timestamp::from_unix_seconds(row.get(8)?);
        let run = RunRow {
            run: parsed::<RunId>(row, 0)?,
            first: parsed::<TokenId>(row, 9)?,
            client: parsed(row, 1)?,
            route: parsed(row, 2)?,
            tenant: parsed(row, 3)?,
            subject: parsed(row, 4)?,
            assurance: SubjectAssurance::Asserted,
            actor: parsed(row, 5)?,
            parent: None,
            holder: None,
            tools: split(row, 6)?,
            needs_approval: split(row, 7)?,
            caveats: Vec::new(),
            budgets: Spent::default(),
            started,
            ends: started.after(RUN_LIFE),
            ended: None,
        };
        write::run(step, &run)?;
    }
    Ok(())
}

fn clients(step: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut statement = step.prepare("SELECT id, secret_sha256, disabled FROM old_clients")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, sha256, disabled) = (
            row.get::<_, String>(0)?,
            row.get::<_, [u8; 32]>(1)?,
            row.get::<_, bool>(2)?,
        );
        step.execute(
            "INSERT INTO clients (id, enabled, changed) VALUES (?1, ?2, 0)",
            params![id, !disabled],
        )?;
        step.execute(
            "INSERT INTO client_secrets (id, client, sha256, added, until, changed) VALUES (?1, ?2, ?3, 0, NULL, 0)",
            params![SecretHash::from_bytes(sha256).id(), id, sha256],
        )?;
    }
    Ok(())
}

/// Names in one column, separated by spaces.
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
