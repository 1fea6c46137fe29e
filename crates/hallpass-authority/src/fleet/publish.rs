//! The live verifiers in the bundle.

use std::sync::Arc;

use hallpass_bundle::{ListedVerifier, VERIFIERS_MAX};
use tokio::runtime::Handle;

use crate::service::Service;
use crate::store::{Store, StoreError, VerifierRow, waited};

impl Service {
    /// Publishes which verifiers are live, if that has changed. What cannot be done now is done by the next upkeep.
    pub(crate) async fn publish_verifiers(&self) {
        // One at a time, each with what it reads itself: an older list takes the place of no newer one.
        let _one_at_a_time = self.fleet.publishing.lock().await;
        let live = match live_verifiers(self.store()).await {
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
        let (publisher, minter) = (Arc::clone(&self.publisher), Arc::clone(&self.minter));
        let runtime = Handle::current();
        let published = tokio::task::spawn_blocking(move || {
            // Looked up again while no replica publishes: whom another has enrolled before is in it, or its bundle comes after.
            let revised = publisher.revise(|content| {
                content.verifiers = waited(&runtime, live_verifiers(&minter.store))?;
                Ok(())
            });
            revised.map(|_| ())
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
}

/// The live verifiers, in the order of their origins; as many as a bundle holds.
async fn live_verifiers(store: &Store) -> Result<Vec<ListedVerifier>, StoreError> {
    let rows = store.verifiers().await?;
    let live = rows.iter().filter(|row| row.is_live());
    Ok(live.filter_map(listed).take(VERIFIERS_MAX).collect())
}

fn listed(row: &VerifierRow) -> Option<ListedVerifier> {
    Some(ListedVerifier {
        origin: row.origin().parse().ok()?,
        audience: row.enrolled.audience.clone(),
        key: row.enrolled.key,
    })
}
