//! A change to the keys: recorded, which is what makes it so; then kept, in the store, published and signed with.

use std::sync::Arc;

use hallpass_journal::{
    AppendError, Durability, Event, KeyChanged, KeyCreated, KeyMoved, KeyStanding, Text,
};
use hallpass_keys::key_file::KeyFileError;
use hallpass_keys::{KeyId, Purpose, RandomnessError, SigningKey, VerifyingKey};
use hallpass_vocabulary::{OperatorId, Timestamp};

use super::files::{self, UnreadableKeys};
use super::kept::{self, KeptKeysError};
use super::ring::Ring;
use crate::file::FileError;
use crate::publisher::PublishError;
use crate::service::Service;
use crate::store::{KeyRow, LandingEvent, StoreError};

/// A change to the keys that was not made, or not to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unturned {
    #[error("the root says which {purpose} keys there are: install a root that names others")]
    ByRoot { purpose: Purpose },
    #[error("other replicas use this store: say that they all have the file of the key")]
    Distribution,
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the key signs: rotate it, or taint it")]
    InUse,
    #[error(transparent)]
    Journal(#[from] AppendError),
    #[error(transparent)]
    Kept(#[from] KeptKeysError),
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    #[error("it ends {} live tokens", if *more { format!("more than {tokens}") } else { tokens.to_string() })]
    LiveTokens { tokens: usize, more: bool },
    #[error("the file of the key is not here")]
    NotHere,
    /// The change is recorded, so it holds; verifiers learn of it once a bundle can be made.
    #[error("the change is recorded, and no bundle with it could be published yet")]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    #[error("the key is active since {since}: that is less than an hour")]
    RotatedLately { since: Timestamp },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the authority has no such key")]
    Unknown,
    #[error(transparent)]
    Unreadable(#[from] UnreadableKeys),
    #[error("a key must be published for {least} seconds before it signs")]
    WaitTooShort { least: u64 },
}

/// A key, moved to a standing.
pub(super) fn moved(public_key: VerifyingKey, purpose: Purpose, standing: KeyStanding) -> KeyMoved {
    KeyMoved {
        key: public_key.id(),
        public_key,
        purpose,
        standing,
    }
}

/// What an operator, or the time that has come, does to keys.
pub(super) struct Act<'a> {
    pub(super) keys: Vec<KeyMoved>,
    pub(super) reason: Option<&'a str>,
    pub(super) by: Option<&'a OperatorId>,
}

impl Service {
    /// Makes a key that is nothing yet but a file, and says so in the journal.
    pub(super) async fn make_key(&self, purpose: Purpose) -> Result<SigningKey, Unturned> {
        let (directory, environment) = (self.keys.directory.clone(), self.environment.clone());
        let key = blocking(move || files::generate(&directory, purpose, &environment)).await?;
        let created = Event::KeyCreated(KeyCreated {
            key: key.id(),
            purpose,
        });
        let _recorded = self.recorder.append(&created, Durability::Durable).await?;
        Ok(key)
    }

    /// Makes a change. The caller holds the turn. A key that is to be prepared is published first: the time of the record
    /// says since when everybody can have it.
    pub(super) async fn change_keys(&self, act: Act<'_>) -> Result<(), Unturned> {
        let changed = KeyChanged {
            keys: act.keys,
            reason: act.reason.map(Text::new),
            by: act.by.cloned(),
        };
        let before = self.keys.now();
        let here = before.with_read(self.read_keys().await?);
        let ring = |at| Ring {
            book: before.book.after(&changed, at),
            here: here.clone(),
            environment: self.environment.clone(),
            known_at: before.known_at,
        };
        let prepares = changed
            .keys
            .iter()
            .any(|moved| moved.standing == KeyStanding::Prepared);
        if prepares {
            self.publish_keys(&ring(self.clock.now())).await?;
        }
        let flight = self.store().take_off(self.recorder.written());
        let event = Event::KeyChanged(changed.clone());
        let recorded = match self.recorder.append(&event, Durability::Durable).await {
            Ok(recorded) => recorded,
            Err(error) => {
                // Where there may be a record all the same, the flight stays up and the next start looks.
                if !error.is_uncertain() {
                    flight.cancel();
                }
                if prepares {
                    self.keys.unpublished();
                }
                return Err(error.into());
            }
        };
        let at = self.clock.now();
        let next = ring(at);
        let published = if prepares {
            Ok(())
        } else {
            self.publish_keys(&next).await
        };
        let (path, book) = (self.keys.kept.clone(), next.book.clone());
        self.keys.ring.store(Arc::new(next));
        for moved in &changed.keys {
            tracing::info!(
                key.id = %moved.key,
                key.purpose = %moved.purpose,
                key.standing = KeyRow::word(moved.standing),
                "a key moved on"
            );
        }
        if published.is_err() {
            self.keys.unpublished();
        }
        let kept = blocking(move || kept::write(&path, &book)).await;
        let landing = LandingEvent::KeyChanged(Box::new(changed), at);
        let index = recorded.index().unwrap_or(0);
        // When the store refuses for now, it takes the rows later by itself.
        let _ = self.store().land(flight, landing, index).await;
        kept?;
        published?;
        self.remove_ended().await
    }

    /// Publishes what a ring says of the keys.
    pub(super) async fn publish_keys(&self, ring: &Ring) -> Result<(), Unturned> {
        let publisher = Arc::clone(&self.publisher);
        let (tokens, approvals) = (ring.token_keys(&self.keys.foreign), ring.approvals());
        blocking(move || publisher.republish(|content| content.set_keys(tokens, approvals)))
            .await?;
        Ok(())
    }

    /// The keys whose files are here.
    pub(crate) async fn read_keys(&self) -> Result<files::KeysHere, Unturned> {
        let (directory, environment) = (self.keys.directory.clone(), self.environment.clone());
        blocking(move || files::read(&directory, &environment)).await
    }

    /// Removes the files of keys that will never sign again.
    pub(super) async fn remove_ended(&self) -> Result<(), Unturned> {
        let ring = self.keys.now();
        let ended: Vec<KeyId> = ring
            .here
            .keys()
            .filter(|id| {
                let life = ring.book.key(id);
                life.is_some_and(|life| life.standing() >= KeyStanding::Tainted)
            })
            .copied()
            .collect();
        if ended.is_empty() {
            return Ok(());
        }
        let (directory, environment) = (self.keys.directory.clone(), self.environment.clone());
        let here = blocking(move || -> Result<_, UnreadableKeys> {
            for id in &ended {
                files::remove(&directory, id, &environment)?;
            }
            files::read(&directory, &environment)
        })
        .await?;
        self.keys.ring.store(Arc::new(Ring {
            book: ring.book.clone(),
            here: ring.with_read(here),
            environment: self.environment.clone(),
            known_at: ring.known_at,
        }));
        Ok(())
    }
}

/// Off the async runtime. Fails only while the authority stops.
pub(crate) async fn blocking<T: Send + 'static, E: Into<Unturned> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Unturned> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(Unturned::Store(StoreError::Unwritten)),
    }
}
