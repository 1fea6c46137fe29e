//! The live verifiers in the bundle.

use std::sync::Arc;

use hallpass_bundle::{ListedVerifier, VERIFIERS_MAX};

use crate::service::Service;
use crate::store::{StoreError, VerifierRow};

impl Service {
    /// Publishes which verifiers are live, if that has changed. What cannot be done now is done by the next upkeep.
    pub(crate) async fn publish_verifiers(&self) {
        // One at a time, each with what it reads itself: an older list takes the place of no newer one.
        let _one_at_a_time = self.fleet.publishing.lock().await;
        let live = match self.live_verifiers().await {
            Ok(live) => live,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the verifiers are not published for now");
                return;
            }
        };
        if self.publisher.shown().verifiers() == live {
            return;
        }
        let publisher = Arc::clone(&self.publisher);
        let published = tokio::task::spawn_blocking(move || {
            publisher
                .republish(|content| content.verifiers = live)
                .map(|_| ())
        });
        match published.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the verifiers cannot be published");
            }
            Err(_) => tracing::error!("the verifiers cannot be published: a thread died"),
        }
    }

    /// The live verifiers, in the order of their origins; as many as a bundle holds.
    async fn live_verifiers(&self) -> Result<Vec<ListedVerifier>, StoreError> {
        let rows = self.store().verifiers().await?;
        let live = rows.iter().filter(|row| row.is_live());
        Ok(live.filter_map(listed).take(VERIFIERS_MAX).collect())
    }
}

fn listed(row: &VerifierRow) -> Option<ListedVerifier> {
    Some(ListedVerifier {
        origin: row.origin().parse().ok()?,
        audience: row.enrolled.audience.clone(),
        key: row.enrolled.key,
    })
}
