//! A replica's part in what all publish: it takes over the newest, and says that it is the newest as of when it last looked.
//!
//! While the store cannot be reached no heartbeat is signed: another replica may have published a stop meanwhile. Verifiers that
//! hear of nothing newer stop by themselves, as they do of an authority that is gone.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use super::edition::Shown;
use super::{HEARTBEAT_INTERVAL, PublishError, Publisher};
use crate::store::Publications;

/// Takes over what other replicas publish, when they tell of it and every two seconds, and signs a heartbeat each time.
pub(super) async fn follow(publisher: Arc<Publisher>, shared: Publications) {
    let news = Notify::new();
    let following = async {
        let mut tick = tokio::time::interval(HEARTBEAT_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut away = false;
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = news.notified() => {}
            }
            let looked = look(&publisher, &shared).await;
            if let Err(error) = &looked
                && !away
            {
                let error = error as &dyn std::error::Error;
                tracing::error!(error, "no heartbeat: what is in force cannot be known");
            } else if looked.is_ok() && away {
                tracing::info!("what is in force is known again");
            }
            away = looked.is_err();
        }
    };
    // Neither ends.
    tokio::join!(following, shared.listen(&news));
}

pub(super) async fn look(
    publisher: &Arc<Publisher>,
    shared: &Publications,
) -> Result<(), PublishError> {
    let then = publisher.clock.now();
    let there = shared.serial().await?.unwrap_or(0);
    let here = publisher.shown().edition.serial;
    let newer = match there > here {
        true => shared.newest().await?,
        false => None,
    };
    let publisher = Arc::clone(publisher);
    // Signing, and writing to disk: not for a thread that others wait for.
    let done = tokio::task::spawn_blocking(move || {
        if let Some((_, body)) = newer {
            publisher.adopt(&body)?;
        } else if there < here && publisher.shown().edition.serial == here {
            // The store was put back from an older copy. What was published is published.
            tracing::warn!(
                "the store has an older bundle than was published; it is published again"
            );
            return publisher.republish(|_| ()).map(|_| ());
        }
        publisher.beat_of(then)
    });
    done.await.unwrap_or(Ok(()))
}

impl Publisher {
    /// Puts in force what another replica has published, unless something newer is.
    fn adopt(&self, body: &str) -> Result<(), PublishError> {
        let (_turn, press) = (self.turn(), self.press.load());
        let edition = self
            .ledger
            .adopt(&press, body, self.shown().edition.serial)?;
        if let Some(edition) = edition {
            let beat = press.beat(&edition, self.now())?;
            let edition = Arc::new(edition);
            self.show(Shown { edition, beat });
        }
        Ok(())
    }
}
