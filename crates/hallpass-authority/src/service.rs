//! What the routes share: who may ask, what mints, what is published, and what is refused.

use std::sync::Arc;

use hallpass_journal::{Durability, Event, MintRefused, Text};
use hallpass_keys::random_bytes;
use hallpass_vocabulary::{Clock, Environment, RequestId};
use tokio::sync::Semaphore;

use crate::client::Clients;
use crate::mint::Minter;
use crate::publisher::Publisher;
use crate::recorder::Recorder;
use crate::refusals::{Caller, Refusals};
use crate::reload::Reloading;

/// One running authority.
pub(crate) struct Service {
    pub(crate) environment: Environment,
    pub(crate) clients: Clients,
    pub(crate) minter: Arc<Minter>,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) mints: Arc<Semaphore>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) refusals: Refusals,
    pub(crate) reloading: Reloading,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Service {
    /// A name for this request, in its answer and in the records about it.
    pub(crate) fn request_id(&self) -> RequestId {
        // Only a label: without randomness nothing is minted, but a refusal still needs a name.
        RequestId::new(self.clock.now(), random_bytes().unwrap_or_default())
    }

    /// Records a refusal, singly or as a number. Relaxed: it grants nothing, so a power cut may take the last moments.
    pub(crate) async fn record_refusal(
        &self,
        caller: Caller,
        code: &'static str,
        refused: MintRefused,
    ) {
        if self.refusals.admit(caller, code, self.clock.now()) {
            let refused = MintRefused {
                code: Text::new(code),
                ..refused
            };
            self.append_refusal(refused).await;
        }
    }

    /// Records what was only counted so far.
    pub(crate) async fn record_surplus(&self) {
        for surplus in self.refusals.take_surplus() {
            let more = format!(
                "{} more requests were refused so and are not recorded singly",
                surplus.count
            );
            let refused = MintRefused {
                request: None,
                code: Text::new(surplus.code),
                detail: Some(Text::new(&more)),
                client: None,
                tenant: None,
                subject: None,
                route: None,
                run: None,
            };
            self.append_refusal(refused).await;
        }
    }

    async fn append_refusal(&self, refused: MintRefused) {
        let event = Event::MintRefused(Box::new(refused));
        if let Err(error) = self.recorder.append(&event, Durability::Relaxed).await {
            tracing::warn!(%error, "a refusal could not be recorded");
        }
    }

    /// What keeps it from minting; nothing when it is ready.
    pub(crate) fn unready(&self) -> Vec<&'static str> {
        let mut unready = Vec::new();
        if !self.recorder.is_taking_records() {
            unready.push("journal");
        }
        if self.minter.writer.is_behind() {
            unready.push("store");
        }
        unready
    }
}
