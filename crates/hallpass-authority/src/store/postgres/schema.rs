//! The tables in PostgreSQL, and how an older schema becomes a current one.

use hallpass_vocabulary::Environment;
use tokio_postgres::{Client, Row};

use super::failed;
use crate::store::{Inspected, StoreError};

/// One entry a version; entry `n` turns version `n` into `n + 1`. Never edited once released.
const MIGRATIONS: [&str; 1] = ["
    -- Every record of the journal `origin` before `floor` has its rows.
    CREATE TABLE progress (
        number INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        origin TEXT NOT NULL UNIQUE,
        floor  BIGINT NOT NULL CHECK (floor >= 0)
    );

    -- Identifiers are their 16 bytes: they sort by time. Times are unix milliseconds.
    CREATE TABLE runs (
        id      BYTEA PRIMARY KEY,
        first   BYTEA NOT NULL, -- the token that started it
        parent  BYTEA,
        tenant  TEXT NOT NULL,
        route   TEXT NOT NULL,
        client  TEXT NOT NULL,
        subject TEXT NOT NULL,
        actor   TEXT NOT NULL,
        ends    BIGINT NOT NULL,
        body    TEXT NOT NULL   -- all of it, as JSON
    );
    CREATE INDEX runs_by_parent ON runs (parent) WHERE parent IS NOT NULL;
    CREATE INDEX runs_by_tenant ON runs (tenant, id);
    CREATE INDEX runs_by_route ON runs (route, id);
    CREATE INDEX runs_by_client ON runs (client, id);
    CREATE INDEX runs_by_subject ON runs (subject, id);
    CREATE INDEX runs_by_actor ON runs (actor, id);

    CREATE TABLE run_tools (
        tool TEXT NOT NULL,
        run  BYTEA NOT NULL,
        PRIMARY KEY (tool, run)
    );

    CREATE TABLE ended_runs (
        run BYTEA PRIMARY KEY,
        at  BIGINT NOT NULL
    );

    CREATE TABLE tokens (
        id      BYTEA PRIMARY KEY,
        run     BYTEA NOT NULL,
        client  TEXT NOT NULL,
        tenant  TEXT NOT NULL,
        expires BIGINT NOT NULL,
        origin  INTEGER NOT NULL REFERENCES progress (number),
        record  BIGINT NOT NULL, -- its index in that journal
        minted  TEXT NOT NULL    -- the record's event, as JSON
    );
    CREATE INDEX tokens_by_run ON tokens (run, id);
    CREATE INDEX tokens_by_client ON tokens (client, id);
    CREATE INDEX tokens_by_tenant ON tokens (tenant, id);

    -- A key with a token was minted under; one without is held for a request by whoever knows the mark.
    CREATE TABLE idempotency (
        client  TEXT NOT NULL,
        key     TEXT NOT NULL,
        request BYTEA NOT NULL,
        token   BYTEA,
        mark    BIGINT,
        until   BIGINT NOT NULL,
        PRIMARY KEY (client, key)
    );
    CREATE INDEX idempotency_by_end ON idempotency (until);

    CREATE TABLE clients (
        id      TEXT PRIMARY KEY,
        enabled BOOLEAN NOT NULL,
        changed BIGINT NOT NULL
    );

    CREATE TABLE client_secrets (
        id      TEXT PRIMARY KEY,
        client  TEXT NOT NULL,
        sha256  BYTEA CHECK (length(sha256) = 32), -- absent when only its end is known so far
        added   BIGINT NOT NULL,
        until   BIGINT,
        changed BIGINT NOT NULL
    );

    -- Where a key stands is the last standing it has in the order of its life.
    CREATE TABLE signing_keys (
        key        BYTEA NOT NULL,
        standing   TEXT NOT NULL,
        purpose    TEXT NOT NULL,
        public_key BYTEA NOT NULL,
        at         BIGINT NOT NULL,
        PRIMARY KEY (key, standing)
    );

    -- Records of what is stopped, revoked or cut off, as they are: what they come to does not depend on their order. Numbered
    -- as they were committed, so that a replica reads only those it has not read.
    CREATE TABLE restraints (
        origin INTEGER NOT NULL REFERENCES progress (number),
        record BIGINT NOT NULL,
        number BIGINT NOT NULL,
        at     BIGINT NOT NULL,
        ends   BIGINT,        -- from when on it says nothing any more
        body   TEXT NOT NULL, -- the record's event, as JSON
        PRIMARY KEY (origin, record)
    );
    CREATE INDEX restraints_by_number ON restraints (number);
    CREATE INDEX restraints_by_end ON restraints (ends) WHERE ends IS NOT NULL;

    -- One row: the highest number above. Whoever counts it up holds it until the commit.
    CREATE TABLE restraints_counted (number BIGINT NOT NULL);
    INSERT INTO restraints_counted VALUES (0);

    CREATE TABLE nonces (
        key   BYTEA NOT NULL,
        nonce TEXT NOT NULL,
        until BIGINT NOT NULL,
        PRIMARY KEY (key, nonce)
    );
    CREATE INDEX nonces_by_end ON nonces (until);

    -- The bundle of all replicas: one row. Every publication counts the serial number up.
    CREATE TABLE publication (
        one    BOOLEAN PRIMARY KEY DEFAULT true CHECK (one),
        serial BIGINT NOT NULL CHECK (serial > 0),
        body   TEXT NOT NULL -- the bundle as it was signed and its number, as JSON
    );

    -- A verifier by the last part of its journal's name. Without `enrolled` something is known of it before itself.
    CREATE TABLE verifiers (
        origin    TEXT PRIMARY KEY,
        enrolled  TEXT,             -- the record's event, as JSON
        code      TEXT,             -- the digest of what it enrolled with
        at        BIGINT NOT NULL,
        retired   BIGINT,
        refused   BIGINT,           -- when a checkpoint was last refused
        size      BIGINT,           -- of the largest checkpoint that was witnessed
        root      TEXT,
        witnessed BIGINT
    );
    CREATE INDEX verifiers_by_code ON verifiers (code);

    CREATE TABLE verifier_codes (
        code     TEXT PRIMARY KEY,  -- its digest
        audience TEXT NOT NULL,
        until    BIGINT NOT NULL
    );
    CREATE INDEX verifier_codes_by_end ON verifier_codes (until);

    -- When each bucket would be empty again, in microseconds. A crash of the server may empty them all.
    CREATE UNLOGGED TABLE rates (
        bucket TEXT PRIMARY KEY,
        empty  BIGINT NOT NULL
    ) WITH (fillfactor = 50);
"];

/// Held while the schema is looked at or changed, so that replicas that start together do it one after another. Any number
/// that nobody else uses.
const LOCK: i64 = 0x6861_6c6c_7061_7373;

/// The version of the schema, and how far each journal is in it.
pub(super) async fn inspect(client: &Client) -> Result<Inspected, StoreError> {
    let row = client
        .query_one("SELECT version FROM hallpass", &[])
        .await
        .map_err(failed("read the version of"))?;
    let version = row.get(0);
    let floors = client
        .query("SELECT origin, floor FROM progress ORDER BY origin", &[])
        .await
        .map_err(failed("read"))?;
    let floor = |row: &Row| (row.get(0), u64::try_from(row.get::<_, i64>(1)).unwrap_or(0));
    Ok(Inspected {
        version,
        current: version == known(),
        floors: floors.iter().map(floor).collect(),
    })
}

/// The version this release writes.
fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Brings the schema to the current version, whole or not at all. Refuses a newer one, and another environment's,
/// untouched.
pub(super) async fn migrate(
    client: &mut Client,
    environment: &Environment,
) -> Result<(), StoreError> {
    let known = known();
    let step = client.transaction().await.map_err(failed("migrate"))?;
    step.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await
        .map_err(failed("migrate"))?;
    let there = step
        .query_one("SELECT to_regclass('hallpass') IS NOT NULL", &[])
        .await
        .map_err(failed("read the version of"))?;
    let found = if there.get(0) {
        let row = step
            .query_one("SELECT version, environment FROM hallpass", &[])
            .await
            .map_err(failed("read the version of"))?;
        let owner: &str = row.get(1);
        if owner != environment.as_str() {
            let malformed = |_| StoreError::Malformed {
                column: "environment",
            };
            return Err(StoreError::OtherEnvironment {
                found: owner.parse().map_err(malformed)?,
                expected: environment.clone(),
            });
        }
        row.get(0)
    } else {
        step.batch_execute(
            "CREATE TABLE hallpass (
                version     BIGINT NOT NULL,
                environment TEXT NOT NULL -- whose store this is
            )",
        )
        .await
        .map_err(failed("migrate"))?;
        step.execute(
            "INSERT INTO hallpass (version, environment) VALUES (0, $1)",
            &[&environment.as_str()],
        )
        .await
        .map_err(failed("migrate"))?;
        0
    };
    if !(0..=known).contains(&found) {
        return Err(StoreError::Newer { found, known });
    }
    let done = usize::try_from(found).unwrap_or(MIGRATIONS.len());
    for script in MIGRATIONS.iter().skip(done) {
        step.batch_execute(script)
            .await
            .map_err(failed("migrate"))?;
    }
    if found < known {
        step.execute("UPDATE hallpass SET version = $1", &[&known])
            .await
            .map_err(failed("migrate"))?;
    }
    step.commit().await.map_err(failed("migrate"))
}
