//! What verifiers are told: the roots, the signed bundle, and a heartbeat that is signed every two seconds.
//!
//! One publication takes the place of another as a whole, once it is written down. Whoever fetches or listens reads
//! what is in force without waiting for whoever replaces it.

mod content;
mod edition;
mod error;
mod kept;
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

pub(crate) use content::Content;
pub(crate) use edition::{Edition, Format, Shown};
pub use error::PublishError;
use kept::KeptFile;
pub(crate) use kept::{last_expiry, last_policy};
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
    kept: KeptFile,
    clock: Arc<dyn Clock>,
    shown: watch::Sender<Arc<Shown>>,
}

impl Publisher {
    /// Makes and publishes a first bundle. `directory` keeps the last one, of which `content` is told: what it restricted is
    /// restricted until somebody says otherwise. Blocks on the disk.
    pub(crate) fn start(
        press: Press,
        content: impl FnOnce(Option<&Content>) -> Content,
        directory: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PublishError> {
        let file = KeptFile::of(directory);
        let last = file.read()?;
        let edition = last.as_ref().map(|last| press.kept_edition(last));
        let before = edition.transpose()?.flatten();
        let content = content(before.as_ref().map(|edition| &edition.content));
        let now = number::moment(clock.now(), last.as_ref().map(|last| last.issued));
        let used = last.map(|last| last.used());
        let edition = press.edition(content, used.as_ref(), Start::Anew, now)?;
        let beat = press.beat(&edition, now)?;
        file.write(&edition)?;
        let edition = Arc::new(edition);
        Ok(Self {
            press: ArcSwap::from_pointee(press),
            turn: Mutex::new(()),
            kept: file,
            clock,
            shown: watch::Sender::new(Arc::new(Shown { edition, beat })),
        })
    }

    /// Publishes what a change makes of the content in force, at once: those who listen hear of it, and the next fetch has
    /// it. After a failure what is in force stays. Changes are made one after another, each to what the one before it
    /// published. Blocks on the disk.
    pub(crate) fn republish(
        &self,
        change: impl FnOnce(&mut Content),
    ) -> Result<Arc<Shown>, PublishError> {
        let _turn = self.turn();
        self.replace(&self.press.load(), change)
    }

    /// As [`Publisher::republish`], and signs with other keys or under another root from then on: those in place stay when
    /// it fails.
    pub(crate) fn reequip(
        &self,
        press: Press,
        change: impl FnOnce(&mut Content),
    ) -> Result<Arc<Shown>, PublishError> {
        let _turn = self.turn();
        let shown = self.replace(&press, change)?;
        self.press.store(Arc::new(press));
        Ok(shown)
    }

    /// Whether a bundle with this change could be published: it is made, signed and measured, and nothing is kept.
    /// Blocks on signing.
    pub(crate) fn rehearse(&self, change: impl FnOnce(&mut Content)) -> Result<(), PublishError> {
        self.made(&self.press.load(), change).map(|_| ())
    }

    /// As [`Publisher::rehearse`], under another root or with other keys.
    pub(crate) fn rehearse_with(&self, press: &Press) -> Result<(), PublishError> {
        self.made(press, |_| ()).map(|_| ())
    }

    /// The root in force.
    pub(crate) fn root(&self) -> Root {
        self.press.load().root().clone()
    }

    /// Signs another heartbeat; and another bundle well before the one in force expires, or when a clock that was put right
    /// shows that no verifier believes it. Blocks on the disk.
    pub(crate) fn beat(&self) -> Result<(), PublishError> {
        let (_turn, press) = (self.turn(), self.press.load());
        let (now, edition) = (self.clock.now(), Arc::clone(&self.shown().edition));
        if edition.is_due(now) {
            match self.replace(&press, |_| ()) {
                Ok(_) => return Ok(()),
                // The old one has days to go. Without heartbeats, services would stop within minutes.
                Err(error) if now < edition.expires() => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the bundle cannot be renewed; the old one stays in force"
                ),
                Err(error) => return Err(error),
            }
        }
        let beat = press.beat(&edition, self.now())?;
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

    /// Whether the last heartbeat is [`HEARTBEAT_INTERVAL`] old.
    pub(crate) fn is_beat_due(&self) -> bool {
        self.clock.now().since(self.shown().beat.time()) >= HEARTBEAT_INTERVAL
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
        change: impl FnOnce(&mut Content),
    ) -> Result<Arc<Shown>, PublishError> {
        // Made in whole before it is written down, so that only the disk can still refuse.
        let edition = self.made(press, change)?;
        let beat = press.beat(&edition, self.now())?;
        self.kept.write(&edition)?;
        let edition = Arc::new(edition);
        Ok(self.show(Shown { edition, beat }))
    }

    /// The bundle after the one in force, with this change.
    fn made(
        &self,
        press: &Press,
        change: impl FnOnce(&mut Content),
    ) -> Result<Edition, PublishError> {
        let before = Arc::clone(&self.shown().edition);
        let mut content = before.content.clone();
        change(&mut content);
        press.edition(content, Some(&before.used), Start::GoesOn, self.now())
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
