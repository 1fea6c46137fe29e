//! A record into the journal, and its rows into the store.

use hallpass_journal::{AppendError, Durability, Event, Minted as MintedRecord};

use super::{Minter, Unminted};
use crate::store::{Flight, LandingEvent};

impl Minter {
    /// Records a token. When this returns, the token may be handed out.
    pub(super) async fn commit(&self, record: Box<MintedRecord>) -> Result<(), Unminted> {
        let flight = self.store.take_off(self.recorder.written());
        let (token, labelled) = (record.token, !record.labels.is_empty());
        let event = Event::Minted(record.clone());
        let recorded = match self.recorder.append(&event, Durability::Durable).await {
            Ok(recorded) => recorded,
            Err(error) => {
                // Where there may be a record all the same, the flight stays up and the next start looks.
                if !error.is_uncertain() {
                    flight.cancel();
                }
                return Err(match error {
                    AppendError::TooLarge { .. } => Unminted::RecordTooLarge { labelled },
                    error => error.into(),
                });
            }
        };
        let landing = LandingEvent::Minted(record);
        if let Some(told) = self.land(flight, landing, recorded.index()).await {
            tracing::warn!(token.id = %token, "{told}");
        }
        Ok(())
    }

    /// Writes the rows of an event that is recorded; and what there is to tell, where it could not. The event counts whatever
    /// the store says: its rows come back from the journal.
    pub(super) async fn land(
        &self,
        flight: Flight,
        event: LandingEvent,
        record: Option<u64>,
    ) -> Option<&'static str> {
        // A durable record has a place. Without one, the next start would only read more of the journal.
        match self.store.land(flight, event, record.unwrap_or(0)).await {
            Ok(true) => None,
            Ok(false) => Some("recorded and not yet in the store"),
            Err(_) => Some("recorded and not in the store, whose writer is gone"),
        }
    }
}
