//! The tables, and how an older store becomes a current one.

use std::path::{Path, PathBuf};

use hallpass_vocabulary::Environment;
use rusqlite::Connection;

use super::{copy, failed, version_1};
use crate::store::StoreError;

/// The version this release writes.
pub(super) const VERSION: i64 = 2;

/// What makes version 2 of an empty file.
const TABLES: &str = "
    -- One row: whose store this is.
    CREATE TABLE owner (
        only        INTEGER PRIMARY KEY CHECK (only = 0),
        environment TEXT NOT NULL
    ) STRICT;

    -- Every record of the journal `origin` before `floor` has its rows.
    CREATE TABLE progress (
        number INTEGER PRIMARY KEY,
        origin TEXT NOT NULL UNIQUE,
        floor  INTEGER NOT NULL CHECK (floor >= 0)
    ) STRICT;

    -- Identifiers are their 16 bytes: they sort by time. Times are unix milliseconds.
    CREATE TABLE runs (
        id      BLOB PRIMARY KEY,
        first   BLOB NOT NULL, -- the token that started it
        parent  BLOB,
        tenant  TEXT NOT NULL,
        route   TEXT NOT NULL,
        client  TEXT NOT NULL,
        subject TEXT NOT NULL,
        actor   TEXT NOT NULL,
        ends    INTEGER NOT NULL,
        body    TEXT NOT NULL  -- all of it, as JSON
    ) STRICT;
    CREATE INDEX runs_by_parent ON runs (parent) WHERE parent IS NOT NULL;
    CREATE INDEX runs_by_tenant ON runs (tenant, id);
    CREATE INDEX runs_by_route ON runs (route, id);
    CREATE INDEX runs_by_client ON runs (client, id);
    CREATE INDEX runs_by_subject ON runs (subject, id);
    CREATE INDEX runs_by_actor ON runs (actor, id);

    CREATE TABLE run_tools (
        tool TEXT NOT NULL,
        run  BLOB NOT NULL,
        PRIMARY KEY (tool, run)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE ended_runs (
        run BLOB PRIMARY KEY,
        at  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE tokens (
        id      BLOB PRIMARY KEY,
        run     BLOB NOT NULL,
        client  TEXT NOT NULL,
        tenant  TEXT NOT NULL,
        expires INTEGER NOT NULL,
        origin  INTEGER NOT NULL REFERENCES progress (number),
        record  INTEGER NOT NULL, -- its index in that journal
        minted  TEXT NOT NULL     -- the record's event, as JSON
    ) STRICT;
    CREATE INDEX tokens_by_run ON tokens (run, id);
    CREATE INDEX tokens_by_client ON tokens (client, id);
    CREATE INDEX tokens_by_tenant ON tokens (tenant, id);

    CREATE TABLE idempotency (
        client  TEXT NOT NULL,
        key     TEXT NOT NULL,
        request BLOB NOT NULL,
        token   BLOB NOT NULL,
        until   INTEGER NOT NULL,
        PRIMARY KEY (client, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX idempotency_by_end ON idempotency (until);

    CREATE TABLE clients (
        id      TEXT PRIMARY KEY,
        enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
        changed INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE client_secrets (
        id      TEXT PRIMARY KEY,
        client  TEXT NOT NULL,
        sha256  BLOB CHECK (length(sha256) = 32), -- absent when only its end is known so far
        added   INTEGER NOT NULL,
        until   INTEGER,
        changed INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- Where a key stands is the last standing it has in the order of its life.
    CREATE TABLE signing_keys (
        key        BLOB NOT NULL,
        standing   TEXT NOT NULL,
        purpose    TEXT NOT NULL,
        public_key BLOB NOT NULL,
        at         INTEGER NOT NULL,
        PRIMARY KEY (key, standing)
    ) STRICT, WITHOUT ROWID;

    -- Records of what is stopped, revoked or cut off, as they are: what they come to does not depend on their order.
    CREATE TABLE restraints (
        origin INTEGER NOT NULL REFERENCES progress (number),
        record INTEGER NOT NULL,
        at     INTEGER NOT NULL,
        ends   INTEGER,       -- from when on it says nothing any more
        body   TEXT NOT NULL, -- the record's event, as JSON
        PRIMARY KEY (origin, record)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX restraints_by_end ON restraints (ends) WHERE ends IS NOT NULL;

    CREATE TABLE nonces (
        key   BLOB NOT NULL,
        nonce TEXT NOT NULL,
        until INTEGER NOT NULL,
        PRIMARY KEY (key, nonce)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX nonces_by_end ON nonces (until);

    -- A verifier by the last part of its journal's name. Without `enrolled` something is known of it before itself.
    CREATE TABLE verifiers (
        origin    TEXT PRIMARY KEY,
        enrolled  TEXT,             -- the record's event, as JSON
        code      TEXT,             -- the digest of what it enrolled with
        at        INTEGER NOT NULL,
        retired   INTEGER,
        refused   INTEGER,          -- when a checkpoint was last refused
        size      INTEGER,          -- of the largest checkpoint that was witnessed
        root      TEXT,
        witnessed INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX verifiers_by_code ON verifiers (code);

    CREATE TABLE verifier_codes (
        code     TEXT PRIMARY KEY,  -- its digest
        audience TEXT NOT NULL,
        until    INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX verifier_codes_by_end ON verifier_codes (until);
";

/// Makes the tables of an empty store.
pub(super) fn create(connection: &mut Connection) -> Result<(), StoreError> {
    let make = |connection: &mut Connection| {
        let step = connection.transaction()?;
        step.execute_batch(TABLES)?;
        step.pragma_update(None, "user_version", VERSION)?;
        step.commit()
    };
    make(connection).map_err(failed("create"))
}

/// Brings the store of an environment's authority to the current version, in one transaction, after copying an older one
/// beside it. Refuses a newer one untouched.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    environment: &Environment,
) -> Result<(), StoreError> {
    match version(connection)? {
        0 => return create(connection),
        VERSION => return Ok(()),
        found => {
            let beside = copy_before(path);
            copy::copy(connection, &beside)?;
            tracing::info!(
                from = found,
                to = VERSION,
                copy = %beside.display(),
                "migrating the store; it was copied before"
            );
        }
    }
    let from_1 = |connection: &mut Connection| {
        let step = connection.transaction()?;
        version_1::set_aside(&step)?;
        step.execute_batch(TABLES)?;
        version_1::take_over(&step, environment)?;
        step.pragma_update(None, "user_version", VERSION)?;
        step.commit()
    };
    from_1(connection).map_err(failed("migrate"))
}

/// The version of the store, if this release can use it.
pub(super) fn version(connection: &Connection) -> Result<i64, StoreError> {
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed("read the version of"))?;
    if (0..=VERSION).contains(&found) {
        Ok(found)
    } else {
        let known = VERSION;
        Err(StoreError::Newer { found, known })
    }
}

/// Where the copy of an older store goes.
fn copy_before(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-{VERSION}"));
    name.into()
}
