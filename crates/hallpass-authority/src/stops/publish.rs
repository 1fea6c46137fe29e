//! Verifiers are told, at once and again where that failed or another replica had something to tell.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use super::restrictions;
use crate::service::Service;
use crate::store::waited;

/// How often what has ended by itself is taken out of the bundle: nothing waits for it.
const TIDY_INTERVAL: Duration = Duration::from_secs(60);

/// What of the restraints was published.
#[derive(Debug, Default)]
pub(crate) struct Publishing {
    /// How many changes were known when the bundle in force was made.
    changes: AtomicU64,
    /// When that was, in unix milliseconds.
    at: AtomicI64,
    /// One at a time: what was looked up later is published later.
    turn: Mutex<()>,
}

impl Service {
    /// Publishes a bundle with what is stopped, revoked and cut off now, unless the one in force says the same; gives the number
    /// of the one in force. After a failure it is tried again every second.
    pub(crate) async fn publish_restrictions(self: &Arc<Self>) -> Option<u64> {
        let service = Arc::clone(self);
        let published = tokio::task::spawn_blocking(move || service.publish_now()).await;
        published.ok().flatten()
    }

    /// Blocks on the store and the disk.
    fn publish_now(&self) -> Option<u64> {
        let _turn = self
            .publishing
            .turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let changes = self.store().restraints().changes();
        let now = self.clock.now();
        // Looked up while no replica publishes: what another has stopped before is in it, or its bundle comes after.
        let runtime = Handle::current();
        let restricted = self.publisher.revise(|content| {
            waited(&runtime, self.store().refresh_restraints())?;
            content.restrictions = restrictions(self.store(), now)?;
            Ok(())
        });
        match restricted {
            Ok(shown) => {
                let version = shown.id().version;
                self.publishing.changes.store(changes, Ordering::Relaxed);
                self.publishing.at.store(now.unix_ms(), Ordering::Relaxed);
                Some(version)
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(
                    error,
                    "what is stopped cannot be published; it is tried again"
                );
                None
            }
        }
    }

    /// Learns what other replicas have stopped, and publishes what is not published yet. Every second.
    pub(crate) async fn keep_published(self: &Arc<Self>) {
        if let Err(error) = self.store().refresh_restraints().await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(
                error,
                "what other replicas have stopped is not known for now"
            );
        }
        let known = self.store().restraints().changes();
        let at = hallpass_vocabulary::Timestamp::from_unix_ms(
            self.publishing.at.load(Ordering::Relaxed),
        );
        let untold = known != self.publishing.changes.load(Ordering::Relaxed);
        let untidy = !self.publisher.shown().restrictions().is_empty()
            && self.clock.now().since(at) >= TIDY_INTERVAL;
        if untold || untidy {
            let _version = self.publish_restrictions().await;
        }
    }
}
