//! What happens to keys by itself: those whose time has come are dropped, what other replicas did is taken over, and what
//! could not be published is tried again.

use std::sync::Arc;

use hallpass_journal::KeyStanding;

use super::change::{Act, Unturned, blocking, moved};
use super::ring::Ring;
use super::{BY_JOURNAL, RETIRING, kept};
use crate::service::Service;

impl Service {
    /// Once a second.
    pub(crate) async fn keep_keys(&self) {
        let _turn = self.keys.turn.lock().await;
        if let Err(error) = self.look_after_keys().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the keys are not looked after for now");
        }
    }

    async fn look_after_keys(&self) -> Result<(), Unturned> {
        self.look_at_replicas().await?;
        let (ring, now) = (self.keys.now(), self.clock.now());
        for purpose in BY_JOURNAL {
            for life in ring.book.standing(purpose, KeyStanding::Retiring) {
                if now < life.stands_since().after(RETIRING) {
                    continue;
                }
                self.change_keys(Act {
                    keys: vec![moved(life.public_key, purpose, KeyStanding::Retired)],
                    reason: None,
                    by: None,
                })
                .await?;
            }
        }
        if self.keys.take_unpublished() {
            let published = self.publish_keys(&self.keys.now()).await;
            if published.is_err() {
                self.keys.unpublished();
            }
            published?;
        }
        self.remove_ended().await
    }

    /// Takes over what other replicas did to the keys, and files that were put here.
    pub(super) async fn look_at_replicas(&self) -> Result<(), Unturned> {
        let now = self.clock.now();
        let Some(rows) = self.store().keys_of_replicas().await? else {
            return Ok(());
        };
        let before = self.keys.now();
        let mut book = before.book.clone();
        book.add(&rows);
        let changed = book != before.book;
        let awaited = book.all().any(|life| {
            life.standing() < KeyStanding::Tainted
                && !before.here.contains_key(&life.public_key.id())
        });
        let here = if changed || awaited {
            before.with_read(self.read_keys().await?)
        } else {
            before.here.clone()
        };
        let next = Arc::new(Ring {
            book,
            here,
            environment: self.environment.clone(),
            known_at: Some(now),
        });
        self.keys.ring.store(Arc::clone(&next));
        if changed {
            let (path, book) = (self.keys.kept.clone(), next.book.clone());
            blocking(move || kept::write(&path, &book)).await?;
            self.keys.unpublished();
            self.remove_ended().await?;
        }
        Ok(())
    }
}
