//! The tables, and how an older store becomes a current one.

use rusqlite::Connection;

use super::{StoreError, failed};

/// One entry a version; entry `n` turns version `n` into `n + 1`. Never edited once released.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE clients (
        id            TEXT PRIMARY KEY,
        environment   TEXT NOT NULL,
        secret_sha256 BLOB NOT NULL CHECK (length(secret_sha256) = 32),
        disabled      INTEGER NOT NULL CHECK (disabled IN (0, 1))
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE runs (
        id      TEXT PRIMARY KEY,
        client  TEXT NOT NULL,
        route   TEXT NOT NULL,
        tenant  TEXT NOT NULL,
        subject TEXT NOT NULL,
        actor   TEXT NOT NULL,
        tools   TEXT NOT NULL, -- of its first token, separated by spaces; no renewal has more
        needs_approval TEXT NOT NULL, -- likewise
        started INTEGER NOT NULL -- unix seconds
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE tokens (
        id      TEXT PRIMARY KEY,
        run     TEXT NOT NULL REFERENCES runs (id),
        issued  INTEGER NOT NULL, -- unix seconds
        expires INTEGER NOT NULL, -- unix seconds
        record  INTEGER NOT NULL  -- index of its record in the journal
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX tokens_by_run ON tokens (run);

    -- One row: every minted record before this index has its rows.
    CREATE TABLE progress (
        only  INTEGER PRIMARY KEY CHECK (only = 0),
        floor INTEGER NOT NULL CHECK (floor >= 0)
    ) STRICT;
    INSERT INTO progress VALUES (0, 0);
"];

/// Brings the store to the current version, in one transaction a step. Refuses a newer one untouched.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed("read the version of"))?;
    if !(0..=known).contains(&found) {
        return Err(StoreError::Newer { found, known });
    }
    let done = usize::try_from(found).unwrap_or(MIGRATIONS.len());
    for (version, script) in (found + 1..).zip(MIGRATIONS.iter().skip(done)) {
        let step = connection.transaction().map_err(failed("migrate"))?;
        step.execute_batch(script)
            .and_then(|()| step.pragma_update(None, "user_version", version))
            .and_then(|()| step.commit())
            .map_err(failed("migrate"))?;
    }
    Ok(())
}
