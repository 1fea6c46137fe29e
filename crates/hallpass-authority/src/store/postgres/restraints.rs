//! What is stopped, revoked or cut off: rows in, and those of other replicas out.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use deadpool_postgres::ClientWrapper;
use hallpass_vocabulary::Timestamp;
use tokio::sync::Mutex;
use tokio_postgres::Error;

use super::failed;
use super::write::signed;
use crate::store::StoreError;
use crate::store::change::{Change, LandingEvent};
use crate::store::restraints::Restraints;

/// Writes the rows of what restrains, inside the transaction of a group. The number is counted up once, and held until the
/// commit: rows of a lower number are all there when one of a higher number is.
pub(super) async fn write<'a>(
    client: &ClientWrapper,
    origin: i32,
    changes: impl Iterator<Item = &'a Change>,
) -> Result<(), Error> {
    let mut number: Option<i64> = None;
    for change in changes {
        let Some(kept) = change.event.restraint() else {
            continue;
        };
        let number = match number {
            Some(number) => number,
            None => {
                let row = client
                    .query_one(
                        "UPDATE restraints_counted SET number = number + 1 RETURNING number",
                        &[],
                    )
                    .await?;
                *number.insert(row.try_get(0)?)
            }
        };
        let ends = kept.ends.map(Timestamp::unix_ms);
        client
            .execute(
                "INSERT INTO restraints (origin, record, number, at, ends, body) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT DO NOTHING",
                &[
                    &origin,
                    &signed(change.record),
                    &number,
                    &kept.at.unix_ms(),
                    &ends,
                    &kept.body,
                ],
            )
            .await?;
    }
    Ok(())
}

/// How far this process has read.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Rows up to this number are known.
    number: AtomicI64,
    /// How many readings were begun.
    begun: AtomicU64,
    /// How many ended well: the last of them, by its place among those that were begun.
    done: AtomicU64,
    turn: Mutex<()>,
}

impl Read {
    /// Reads, unless a reading that was begun after this was asked has ended meanwhile: many ask at once.
    pub(super) async fn in_turn(
        &self,
        read: impl AsyncFnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let before = self.begun.load(Ordering::SeqCst);
        let _turn = self.turn.lock().await;
        if self.done.load(Ordering::SeqCst) > before {
            return Ok(());
        }
        let this = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        read().await?;
        self.done.store(this, Ordering::SeqCst);
        Ok(())
    }

    /// Takes the rows that are not known yet.
    pub(super) async fn rest(
        &self,
        client: &tokio_postgres::Client,
        restraints: &Restraints,
    ) -> Result<(), StoreError> {
        let known = self.number.load(Ordering::SeqCst);
        let row = client
            .query_one("SELECT number FROM restraints_counted", &[])
            .await
            .map_err(failed("read"))?;
        let number: i64 = row.try_get(0).map_err(failed("read"))?;
        if number == known {
            return Ok(());
        }
        let rows = client
            .query(
                "SELECT body, at FROM restraints WHERE number > $1",
                &[&known],
            )
            .await
            .map_err(failed("read"))?;
        for row in rows {
            let body: &str = row.try_get(0).map_err(failed("read"))?;
            let at = Timestamp::from_unix_ms(row.try_get(1).map_err(failed("read"))?);
            let event = LandingEvent::of_restraint(body, at);
            restraints.take(&event.ok_or(StoreError::Malformed { column: "body" })?);
        }
        self.number.fetch_max(number, Ordering::SeqCst);
        Ok(())
    }
}
