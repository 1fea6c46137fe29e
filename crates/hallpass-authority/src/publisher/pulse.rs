//! The heartbeat, while the authority serves.

use std::sync::Arc;

use tokio::time::MissedTickBehavior;

use super::follow::follow;
use super::{HEARTBEAT_INTERVAL, Publisher};

/// Signs a heartbeat every two seconds, for those who listen. What cannot be signed is tried again with the next.
pub(crate) async fn keep_beating(publisher: Arc<Publisher>) {
    if let Some(shared) = publisher.ledger.shared().cloned() {
        return follow(publisher, shared).await;
    }
    let mut tick = tokio::time::interval(HEARTBEAT_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let publisher = Arc::clone(&publisher);
        let beaten = tokio::task::spawn_blocking(move || publisher.beat()).await;
        if let Ok(Err(error)) = beaten {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the bundle cannot be published");
        }
    }
}
