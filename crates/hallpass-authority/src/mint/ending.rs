//! A run is ended before its time: it gets no further token, and neither do the runs it started.

use hallpass_journal::{AppendError, Durability, Event, RunEnded};
use hallpass_vocabulary::{RunId, Timestamp};

use super::Minter;
use crate::store::{LandingEvent, StoreError};

/// A run that is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) run: RunId,
    pub(crate) at: Timestamp,
}

/// Why a run was not ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unended {
    #[error(transparent)]
    Journal(#[from] AppendError),
    /// No such run, or another client's: one answer for both.
    #[error("there is no such run")]
    RunUnknown,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Minter {
    /// Ends a run: its own, where a client asks; any, where an operator does. One that is ended stays as it was ended.
    /// Run it where nobody drops it half-way.
    pub(crate) async fn end(&self, ended: RunEnded) -> Result<Ended, Unended> {
        let run = ended.run;
        let row = self.store.run(run).await?.ok_or(Unended::RunUnknown)?;
        if ended.client.as_ref().is_some_and(|it| row.client != *it) {
            return Err(Unended::RunUnknown);
        }
        if let Some(at) = row.ended {
            return Ok(Ended { run, at });
        }
        let at = self.clock.now();
        let flight = self.store.take_off(self.recorder.written());
        let event = Event::RunEnded(ended.clone());
        let recorded = match self.recorder.append(&event, Durability::Durable).await {
            Ok(recorded) => recorded,
            Err(error) => {
                // Where there may be a record all the same, the flight stays up and the next start looks.
                if !error.is_uncertain() {
                    flight.cancel();
                }
                return Err(error.into());
            }
        };
        let landing = LandingEvent::RunEnded(Box::new(ended), at);
        if let Some(told) = self.land(flight, landing, recorded.index()).await {
            tracing::warn!(%run, "{told}");
        }
        Ok(Ended { run, at })
    }
}
