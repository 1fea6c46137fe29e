//! What verifiers are told: the roots, the signed bundle, and a heartbeat that is signed every two seconds.
//!
//! One publication takes the place of another as a whole, once it is written down. Whoever fetches or listens reads
//! what is in force without waiting for whoever replaces it.

mod content;
mod edition;
mod error;
mod export;
mod follow;
mod kept;
mod ledger;
mod number;
mod press;
mod pulse;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use hallpass_bundle::Root;
use hallpass_keys::dsse::Envelope;
use hallpass_vocabulary::{Clock, Timestamp};
use tokio::sync::watch;

use crate::store::Publications;

pub(crate) use content::Content;
pub(crate) use edition::{Edition, Format, Shown};
pub use error::PublishError;
pub use export::{ExportError, ExportedBundle, export_bundle};
use kept::KeptFile;
pub(crate) use kept::{last_expiry, last_policy};
use ledger::{Entry, Ledger};
use press::{BUNDLE_LIFE, Start};
pub(crate) use press::{Press, Signers};
pub(crate) use pulse::keep_beating;

/// The most time between two heartbeats while the authority serves. Verifiers count staleness from the last one, in
/// minutes, and a stop must be known within a second of the next.
pub(crate) const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(2);

/// Publishes bundles and heartbeats.
pub(crate) struct Publisher {
    press: ArcSwap<Press>,
    /// Held by whoever replaces what is in force: one at a time, each on what the one before it made.
    turn: Mutex<()>,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    shown: watch::Sender<Arc<Shown>>,
}

impl Publisher {
    /// Begins with a first bundle. `directory` keeps the last one, and so does what replicas share; `content` is told what it
    /// said: what was restricted is restricted until somebody says otherwise. Blocks on the disk or the server.
    pub(crate) fn start(
        press: Press,
        content: impl FnOnce(Option<&Content>) -> Content + Send,
        directory: &Path,
        shared: Option<Publications>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PublishError> {
        let ledger = Ledger::new(KeptFile::of(directory), shared);
        let Entry { edition, beat } = ledger.begin(&press, content, clock.now())?;
        let edition = Arc::new(edition);
        Ok(Self {
            press: ArcSwap::from_pointee(press),
            turn: Mutex::new(()),
            ledger,
            clock,
            shown: watch::Sender::new(Arc::new(Shown { edition, beat })),
        })
    }

    /// Publishes what a change makes of the content in force, at once: those who listen hear of it, and the next fetch has
    /// it. After a failure what is in force stays, unless the store has lost its answer. Changes are made one after another,
    /// each to what the one before it published, at whichever replica that was. Blocks on the disk or the server.
    pub(crate) fn republish(
        &self,
        change: impl FnOnce(&mut Content) + Send,
    ) -> Result<Arc<Shown>, PublishError> {
        let _turn = self.turn();
        self.replace(&self.press.load(), change)
    }

    /// As [`Publisher::republish`] of a change that is looked up while nobody else publishes, so that of two replicas that look up
    /// the same, the later one has what the earlier one had. Where it changes nothing, nothing is published.
    pub(crate) fn revise(
        &self,
        change: impl FnOnce(&mut Content) -> Result<(), PublishError> + Send,
    ) -> Result<Arc<Shown>, PublishError> {
        let _turn = self.turn();
        self.put(&self.press.load(), |newest| {
            let mut content = newest.content.clone();
            change(&mut content)?;
            Ok((content != newest.content).then_some(content))
        })
    }

    /// As [`Publisher::republish`], and signs with other keys or under another root from then on: those in place stay when
    /// it fails.
    pub(crate) fn reequip(
        &self,
        press: Press,
        change: impl FnOnce(&mut Content) + Send,
    ) -> Result<Arc<Shown>, PublishError> {
        let _turn = self.turn();
        let shown = self.replace(&press, change)?;
        self.press.store(Arc::new(press));
        Ok(shown)
    }

    /// Whether a bundle with this change could be published: it is made, signed and measured, and nothing is kept.
    /// Blocks on signing.
    pub(crate) fn rehearse(&self, change: impl FnOnce(&mut Content)) -> Result<(), PublishError> {
        let before = Arc::clone(&self.shown().edition);
        let content = before.content_with(change);
        let used = (before.serial, Some(&before.used));
        let press = self.press.load();
        press.edition(content, used, Start::GoesOn, self.now())?;
        Ok(())
    }

    /// As [`Publisher::rehearse`], under another root or with other keys.
    pub(crate) fn rehearse_with(&self, press: &Press) -> Result<(), PublishError> {
        let before = Arc::clone(&self.shown().edition);
        let used = (before.serial, Some(&before.used));
        press.edition(before.content.clone(), used, Start::GoesOn, self.now())?;
        Ok(())
    }

    /// The root in force.
    pub(crate) fn root(&self) -> Root {
        self.press.load().root().clone()
    }

    /// Signs another heartbeat; and another bundle well before the one in force expires, or when a clock that was put right
    /// shows that no verifier believes it. Blocks on the disk or the server.
    pub(crate) fn beat(&self) -> Result<(), PublishError> {
        self.beat_of(self.clock.now())
    }

    /// As [`Publisher::beat`], of what was in force at this time: a replica knows that only of when it last looked.
    fn beat_of(&self, then: Timestamp) -> Result<(), PublishError> {
        let (_turn, press) = (self.turn(), self.press.load());
        let (now, edition) = (self.clock.now(), Arc::clone(&self.shown().edition));
        if edition.is_due(now) {
            let renewed = self.put(&press, |newest| {
                // Another replica may have done it.
                Ok(newest.is_due(now).then(|| newest.content.clone()))
            });
            match renewed {
                Ok(_) => return Ok(()),
                // The old one has days to go. Without heartbeats, services would stop within minutes.
                Err(error) if now < edition.expires() => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the bundle cannot be renewed; the old one stays in force"
                ),
                Err(error) => return Err(error),
            }
        }
        let said = Some(self.shown().beat.time());
        let beat = press.beat(&edition, number::moment(then, said))?;
        self.show(Shown { edition, beat });
        Ok(())
    }

    /// As [`Publisher::beat`], unless the last heartbeat is not yet [`HEARTBEAT_INTERVAL`] old.
    pub(crate) fn beat_if_due(&self) -> Result<(), PublishError> {
        if self.is_beat_due() {
            self.beat()
        } else {
            Ok(())
        }
    }

    /// Signs the answer to somebody who wants to know the time: who asks sent the nonce, so the answer is not older than that.
    pub(crate) fn clock(&self, nonce: [u8; 16]) -> Result<Envelope, PublishError> {
        self.press.load().clock(nonce, self.clock.now())
    }

    /// Whether the last heartbeat is [`HEARTBEAT_INTERVAL`] old, and this authority alone says what is in force.
    pub(crate) fn is_beat_due(&self) -> bool {
        self.ledger.shared().is_none() && self.heartbeat_age() >= HEARTBEAT_INTERVAL
    }

    /// Whether nobody believes the bundle in force any more.
    pub(crate) fn is_expired(&self) -> bool {
        self.clock.now() >= self.shown().edition.expires()
    }

    /// What is in force now.
    pub(crate) fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.shown.borrow())
    }

    /// What is in force, and whatever takes its place.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Shown>> {
        self.shown.subscribe()
    }

    /// How old the bundle in force is, and how long it is still believed.
    pub(crate) fn age_and_left(&self) -> (Duration, Duration) {
        let age = self.clock.now().since(self.shown().edition.issued);
        (age, BUNDLE_LIFE.saturating_sub(age))
    }

    /// How long ago the last heartbeat was signed.
    pub(crate) fn heartbeat_age(&self) -> Duration {
        self.clock.now().since(self.shown().beat.time())
    }

    /// The number of the bundle in force.
    pub(crate) fn version(&self) -> u64 {
        self.shown().id().version
    }

    fn replace(
        &self,
        press: &Press,
        change: impl FnOnce(&mut Content) + Send,
    ) -> Result<Arc<Shown>, PublishError> {
        self.put(press, |newest| Ok(Some(newest.content_with(change))))
    }

    /// Writes down what is made of the newest edition, and only then shows it. It is made in whole before, so that only the
    /// disk or the server can still refuse.
    fn put(
        &self,
        press: &Press,
        make: impl FnOnce(&Edition) -> Result<Option<Content>, PublishError> + Send,
    ) -> Result<Arc<Shown>, PublishError> {
        let shown = self.shown();
        let before = self.press.load();
        let made = self
            .ledger
            .go_on(press, &before, &shown.edition, make, self.now())?;
        Ok(match made {
            Some(Entry { edition, beat }) => {
                let edition = Arc::new(edition);
                self.show(Shown { edition, beat })
            }
            None => shown,
        })
    }

    /// Puts an edition in force, or a new heartbeat of the one that is.
    fn show(&self, shown: Shown) -> Arc<Shown> {
        let shown = Arc::new(shown);
        self.shown.send_replace(Arc::clone(&shown));
        shown
    }

    fn now(&self) -> Timestamp {
        number::moment(self.clock.now(), Some(self.shown().beat.time()))
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
