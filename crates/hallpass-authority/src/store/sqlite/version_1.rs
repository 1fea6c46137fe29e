//! The store of the first release: what is taken over from it.
//!
//! Its clients are, for no record tells of them. Its runs and tokens come back from the journal with all that their records
//! say, so the store begins again at the first record: a run whose records were pruned is older than any run may be.

use hallpass_vocabulary::Environment;
use rusqlite::{Transaction, params};

use crate::secret::SecretHash;

/// Moves the old clients out of the way, and drops what comes back.
pub(super) fn set_aside(step: &Transaction<'_>) -> rusqlite::Result<()> {
    step.execute_batch(
        "ALTER TABLE clients RENAME TO old_clients;
         DROP TABLE tokens;
         DROP TABLE runs;
         DROP TABLE progress;",
    )
}

/// Fills the new tables with those of an environment: each had one secret, without an end. Those of another were refused.
pub(super) fn take_over(step: &Transaction<'_>, environment: &Environment) -> rusqlite::Result<()> {
    {
        let mut statement = step.prepare(
            "SELECT id, secret_sha256, disabled FROM old_clients WHERE environment = ?1",
        )?;
        let mut rows = statement.query([environment.as_str()])?;
        while let Some(row) = rows.next()? {
            let (id, sha256, disabled): (String, [u8; 32], bool) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            step.execute(
                "INSERT INTO clients (id, enabled, changed) VALUES (?1, ?2, 0)",
                params![id, !disabled],
            )?;
            step.execute(
                "INSERT INTO client_secrets (id, client, sha256, added, until, changed)
                 VALUES (?1, ?2, ?3, 0, NULL, 0)",
                params![SecretHash::from_bytes(sha256).id(), id, sha256],
            )?;
        }
    }
    step.execute_batch("DROP TABLE old_clients")
}
