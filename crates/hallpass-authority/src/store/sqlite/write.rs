//! Rows on their way in.

use hallpass_journal::{ClientChange, ClientChanged, KeyChanged, Minted, Text};
use hallpass_keys::{Digest, KeyId};
use hallpass_vocabulary::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params, params_from_iter};

use super::failed;
use crate::store::StoreError;
use crate::store::change::{Change, LandingEvent};
use crate::store::claim::{KEY_REMEMBERED, key_of};
use crate::store::restraints::RESTRAINT_KEPT;
use crate::store::rows::{KeyRow, RunRow};
use crate::store::selection::before;

/// Rows of one kind removed in one step.
pub(super) const CLEAN_ROWS_MAX: u32 = 1_000;

/// A request's nonce that is to be remembered.
pub(super) struct Nonce {
    pub(super) key: KeyId,
    pub(super) nonce: String,
    pub(super) until: Timestamp,
}

/// Writes the rows of changes, the new floor and nonces, in one transaction. What is there already stays as it is:
/// records are never rewritten, so the second reading of one says the same. Says of each nonce whether it is new.
pub(super) fn group<'a>(
    connection: &mut Connection,
    origin: i64,
    changes: impl Iterator<Item = &'a Change>,
    floor: u64,
    nonces: &[Nonce],
) -> Result<Vec<bool>, StoreError> {
    let write = |connection: &mut Connection| {
        let group = connection.transaction()?;
        for change in changes {
            match &change.event {
                LandingEvent::ClientChanged(changed, at) => client_changed(&group, changed, *at)?,
                LandingEvent::Fleet(event, at) => {
                    let (sql, arguments) = event.statement(*at);
                    group
                        .prepare_cached(sql)?
                        .execute(params_from_iter(&arguments))?;
                }
                LandingEvent::KeyChanged(changed, at) => key_changed(&group, changed, *at)?,
                LandingEvent::Minted(it) => minted(&group, it, origin, change.record)?,
                LandingEvent::CutOff(..)
                | LandingEvent::StopLiftAsked(..)
                | LandingEvent::StopLifted(..)
                | LandingEvent::StopPlaced(..)
                | LandingEvent::TokenRevoked(..) => restraint(&group, change, origin)?,
                LandingEvent::RunEnded(ended, at) => {
                    group
                        .prepare_cached(
                            "INSERT INTO ended_runs (run, at) VALUES (?1, ?2)
                             ON CONFLICT (run) DO UPDATE SET at = min(at, excluded.at)",
                        )?
                        .execute(params![bytes(ended.run.as_u128()), at.unix_ms()])?;
                }
            }
        }
        group
            .prepare_cached("UPDATE progress SET floor = max(floor, ?2) WHERE number = ?1")?
            .execute([origin, signed(floor)])?;
        let mut fresh = Vec::with_capacity(nonces.len());
        for nonce in nonces {
            let added = group
                .prepare_cached(
                    "INSERT OR IGNORE INTO nonces (key, nonce, until) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![
                    nonce.key.as_bytes(),
                    nonce.nonce,
                    nonce.until.unix_ms()
                ])?;
            fresh.push(added == 1);
        }
        group.commit()?;
        Ok(fresh)
    };
    write(connection).map_err(failed("write to"))
}

fn minted(
    group: &Transaction<'_>,
    minted: &Minted,
    origin: i64,
    record: u64,
) -> rusqlite::Result<()> {
    let token = bytes(minted.token.as_u128());
    let first: Option<[u8; 16]> = group
        .prepare_cached("SELECT first FROM runs WHERE id = ?1")?
        .query_row([bytes(minted.run.as_u128())], |row| row.get(0))
        .optional()?;
    // Journals of several replicas are read in no particular order: what an earlier token says of a run holds.
    if first.is_none_or(|first| token < first) {
        run(group, &RunRow::started_by(minted))?;
    }
    group
        .prepare_cached(
            "INSERT OR IGNORE INTO tokens (id, run, client, tenant, expires, origin, record, minted)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            token,
            bytes(minted.run.as_u128()),
            minted.client.as_str(),
            minted.tenant.as_str(),
            minted.expires.unix_ms(),
            origin,
            signed(record),
            json(minted)?,
        ])?;
    if let Some((key, request)) = key_of(minted) {
        group
            .prepare_cached(
                "INSERT INTO idempotency (client, key, request, token, until) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (client, key) DO UPDATE
                 SET request = excluded.request, token = excluded.token, until = excluded.until
                 WHERE excluded.token > token",
            )?
            .execute(params![
                minted.client.as_str(),
                key.as_str(),
                request.as_bytes(),
                token,
                minted.issued.after(KEY_REMEMBERED).unix_ms(),
            ])?;
    }
    Ok(())
}

fn run(group: &Transaction<'_>, run: &RunRow) -> rusqlite::Result<()> {
    let id = bytes(run.run.as_u128());
    group
        .prepare_cached(
            "INSERT OR REPLACE INTO runs (id, first, parent, tenant, route, client, subject, actor, ends, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            id,
            bytes(run.first.as_u128()),
            run.parent.map(|parent| bytes(parent.as_u128())),
            run.tenant.as_str(),
            run.route.as_str(),
            run.client.as_str(),
            run.subject.as_str(),
            run.actor.as_str(),
            run.ends.unix_ms(),
            json(run)?,
        ])?;
    let mut tool =
        group.prepare_cached("INSERT OR IGNORE INTO run_tools (tool, run) VALUES (?1, ?2)")?;
    for name in run.tools.iter().chain(&run.needs_approval) {
        tool.execute(params![name.as_str(), id])?;
    }
    Ok(())
}

/// One row for each standing a key ever had: in whichever order records are read, the same rows come of them.
fn key_changed(
    group: &Transaction<'_>,
    changed: &KeyChanged,
    at: Timestamp,
) -> rusqlite::Result<()> {
    for moved in &changed.keys {
        group
            .prepare_cached(
                "INSERT INTO signing_keys (key, standing, purpose, public_key, at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (key, standing) DO UPDATE SET at = min(at, excluded.at)",
            )?
            .execute(params![
                moved.key.as_bytes(),
                KeyRow::word(moved.standing),
                moved.purpose.as_str(),
                moved.public_key.as_bytes(),
                at.unix_ms(),
            ])?;
    }
    Ok(())
}

/// What happened last holds, in whichever order it is read; of the ends of a secret, the earliest.
fn client_changed(
    group: &Transaction<'_>,
    changed: &ClientChanged,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let client = changed.client.as_str();
    let at = at.unix_ms();
    match changed.change {
        ClientChange::Disabled | ClientChange::Enabled => {
            let enabled = changed.change == ClientChange::Enabled;
            group
                .prepare_cached(
                    "INSERT INTO clients (id, enabled, changed) VALUES (?1, ?2, ?3)
                     ON CONFLICT (id) DO UPDATE SET enabled = excluded.enabled, changed = excluded.changed
                     WHERE excluded.changed >= changed",
                )?
                .execute(params![client, enabled, at])?;
        }
        ClientChange::SecretAdded => {
            known(group, client)?;
            group
                .prepare_cached(
                    "INSERT INTO client_secrets (id, client, sha256, added, until, changed)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?4)
                     ON CONFLICT (id) DO UPDATE SET sha256 = excluded.sha256, added = excluded.added",
                )?
                .execute(params![
                    changed.secret.as_ref().map(Text::as_str),
                    client,
                    changed.secret_digest.as_ref().map(Digest::as_bytes),
                    at,
                    changed.until.map(Timestamp::unix_ms),
                ])?;
        }
        ClientChange::SecretRetired => {
            known(group, client)?;
            group
                .prepare_cached(
                    "INSERT INTO client_secrets (id, client, sha256, added, until, changed)
                     VALUES (?1, ?2, NULL, ?3, ?4, ?3)
                     ON CONFLICT (id) DO UPDATE SET until = min(ifnull(until, excluded.until), excluded.until),
                         changed = max(changed, excluded.changed)",
                )?
                .execute(params![
                    changed.secret.as_ref().map(Text::as_str),
                    client,
                    at,
                    changed.until.map_or(at, Timestamp::unix_ms),
                ])?;
        }
    }
    Ok(())
}

fn restraint(group: &Transaction<'_>, change: &Change, origin: i64) -> rusqlite::Result<()> {
    let Some(kept) = change.event.restraint() else {
        return Ok(());
    };
    group
        .prepare_cached(
            "INSERT OR IGNORE INTO restraints (origin, record, at, ends, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            origin,
            signed(change.record),
            kept.at.unix_ms(),
            kept.ends.map(Timestamp::unix_ms),
            kept.body,
        ])?;
    Ok(())
}

/// A client that is named for the first time is enabled; whatever is known of it is later.
fn known(group: &Transaction<'_>, client: &str) -> rusqlite::Result<()> {
    group
        .prepare_cached("INSERT OR IGNORE INTO clients (id, enabled, changed) VALUES (?1, 1, 0)")?
        .execute([client])?;
    Ok(())
}

/// Removes some of what has no more use; says how many rows.
pub(super) fn clean(connection: &mut Connection, now: Timestamp) -> Result<u64, StoreError> {
    let clean = |connection: &mut Connection| {
        let step = connection.transaction()?;
        let mut removed = 0;
        removed += step
            .prepare_cached("DELETE FROM restraints WHERE ends <= ?1")?
            .execute([before(now, RESTRAINT_KEPT).unix_ms()])?;
        for script in [
            "DELETE FROM idempotency WHERE (client, key) IN
             (SELECT client, key FROM idempotency WHERE until <= ?1 LIMIT ?2)",
            "DELETE FROM nonces WHERE (key, nonce) IN
             (SELECT key, nonce FROM nonces WHERE until <= ?1 LIMIT ?2)",
            "DELETE FROM verifier_codes WHERE code IN
             (SELECT code FROM verifier_codes WHERE until <= ?1 LIMIT ?2)",
        ] {
            removed += step
                .prepare_cached(script)?
                .execute(params![now.unix_ms(), CLEAN_ROWS_MAX])?;
        }
        step.commit()?;
        Ok(removed as u64)
    };
    clean(connection).map_err(failed("clean"))
}

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

pub(super) fn bytes(id: u128) -> [u8; 16] {
    id.to_be_bytes()
}

/// SQLite integers are signed; a journal does not reach 2^63 records.
pub(super) fn signed(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
