//! Which verifiers have a bundle, and when those that have not stop by themselves.

use std::time::Duration;

use hallpass_vocabulary::{Audience, Timestamp};

use super::Said;
use crate::service::Service;
use crate::store::{StoreError, VerifierRow};

/// How long a verifier allows calls without a heartbeat where it did not say: the three bounds of `hallpass-verifier`.
const DESTRUCTIVE_MAX: Duration = Duration::from_secs(60);
const WRITE_MAX: Duration = Duration::from_secs(300);
const READ_MAX: Duration = Duration::from_secs(900);

/// Who has a bundle, and who has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// The origins of those that hold it or a later one.
    pub(crate) reached: Vec<String>,
    pub(crate) not_reached: Vec<NotReached>,
}

/// A verifier that does not hold a bundle, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct NotReached {
    pub(crate) origin: String,
    pub(crate) audience: Audience,
    /// The version it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seen_at: Option<Timestamp>,
    /// When it allows no more destructive calls, writes and reads, unless it hears from the authority before; absent where it
    /// never said anything since this authority started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stops_at: Option<StopsAt>,
}

/// When a verifier that hears nothing stops by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct StopsAt {
    pub(crate) destructive: Timestamp,
    pub(crate) write: Timestamp,
    pub(crate) read: Timestamp,
}

impl Service {
    /// Which live verifiers hold this version of the bundle or a later one, and when those that do not stop by themselves.
    pub(crate) async fn reached(&self, version: u64) -> Result<Reached, StoreError> {
        let rows = self.store().verifiers().await?;
        let mut reached = Reached::default();
        for row in rows.iter().filter(|row| row.is_live()) {
            let said = self.fleet.said(row.origin());
            let held = said.report.as_ref().and_then(|report| report.bundle);
            if held.is_some_and(|held| held.version >= version) {
                reached.reached.push(row.origin().to_owned());
            } else {
                reached.not_reached.push(NotReached::of(row, &said));
            }
        }
        Ok(reached)
    }
}

impl NotReached {
    fn of(row: &VerifierRow, said: &Said) -> Self {
        Self {
            origin: row.origin().to_owned(),
            audience: row.enrolled.audience.clone(),
            version: said
                .report
                .as_ref()
                .and_then(|report| report.bundle)
                .map(|held| held.version),
            seen_at: said.seen,
            stops_at: StopsAt::of(said),
        }
    }
}

impl StopsAt {
    /// By its last report. One without a bundle allows nothing as it is.
    pub(crate) fn of(said: &Said) -> Option<Self> {
        let report = said.report.as_ref()?;
        let heartbeat = report.bundle.map(|held| held.heartbeat).or(said.seen)?;
        let after = |own: Option<u64>, default: Duration| {
            let bound = own.map_or(default, Duration::from_secs);
            match report.bundle {
                Some(_) => heartbeat.after(bound),
                None => heartbeat,
            }
        };
        let own = report.staleness;
        Some(Self {
            destructive: after(own.map(|own| own.destructive), DESTRUCTIVE_MAX),
            write: after(own.map(|own| own.write), WRITE_MAX),
            read: after(own.map(|own| own.read), READ_MAX),
        })
    }
}
