//! Changes to clients: recorded first, which is what makes them so, and then in the store.

use std::time::Duration;

use hallpass_journal::{AppendError, ClientChange, ClientChanged, Durability, Event, Text};
use hallpass_keys::{Digest, RandomnessError};
use hallpass_vocabulary::{ClientId, OperatorId, Timestamp};

use crate::secret::ClientSecret;
use crate::service::Service;
use crate::store::{ClientRow, LandingEvent, SecretRow, StoreError};

/// The most secrets of one client that are good at the same time: two during a rotation, and some left over from others.
pub(crate) const SECRETS_MAX: usize = 5;

/// The longest that a secret may go on being good when it is retired, and the longest life one may be given.
pub(crate) const UNTIL_MAX: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// How often a change to a client is made until it holds: once more, where another replica made one in between.
const ENABLE_TRIES: usize = 2;

/// The least time between two changes that the store tells apart.
const STORED_STEP: Duration = Duration::from_millis(1);

/// A change that was not made, or of which it is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unchanged {
    #[error("the policy has no such client")]
    ClientUnknown,
    #[error(transparent)]
    Journal(#[from] AppendError),
    /// The change is recorded, so it will be made; who asks now may still be answered as before.
    #[error("the change is recorded, and the store takes it later")]
    Later,
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    #[error("the client has no such secret")]
    SecretUnknown,
    #[error("the client has {SECRETS_MAX} secrets that are good")]
    SecretsTooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A secret that was added. It is here and nowhere else.
pub(crate) struct Added {
    pub(crate) secret: ClientSecret,
    pub(crate) id: String,
    pub(crate) added: Timestamp,
    pub(crate) until: Option<Timestamp>,
}

impl SecretRow {
    /// Whether it opens anything at this time.
    pub(crate) fn is_good(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Service {
    /// Adds a secret to a client that the policy declares, good for ever or for so long.
    pub(crate) async fn add_secret(
        &self,
        client: &ClientId,
        life: Option<Duration>,
        by: &OperatorId,
    ) -> Result<Added, Unchanged> {
        let _one_at_a_time = self.registry.lock().await;
        let now = self.clock.now();
        // A client that is no longer declared keeps no way to get another.
        if self.policy().policy.client(client).is_none() {
            return Err(Unchanged::ClientUnknown);
        }
        let row = self.store().client(client).await?;
        let good = row.map_or(0, |row| {
            row.secrets.iter().filter(|it| it.is_good(now)).count()
        });
        if good >= SECRETS_MAX {
            return Err(Unchanged::SecretsTooMany);
        }
        let secret = ClientSecret::generate()?;
        let added = Added {
            id: secret.hash().id(),
            added: now,
            until: life.map(|life| now.after(life)),
            secret,
        };
        let digest = Digest::from_bytes(*added.secret.hash().as_bytes());
        self.change(ClientChanged {
            client: client.clone(),
            change: ClientChange::SecretAdded,
            secret: Some(Text::new(&added.id)),
            secret_digest: Some(digest),
            until: added.until,
            by: Some(by.clone()),
            counts_from: None,
        })
        .await?;
        Ok(added)
    }

    /// Retires a secret, now or after an overlap; answers when it ends. A secret that ends sooner already is left as it is.
    pub(crate) async fn retire_secret(
        &self,
        client: &ClientId,
        secret: &str,
        overlap: Duration,
        by: &OperatorId,
    ) -> Result<Timestamp, Unchanged> {
        let _one_at_a_time = self.registry.lock().await;
        let row = self.registered(client).await?;
        let kept = row.secrets.iter().find(|it| it.id == secret);
        let kept = kept.ok_or(Unchanged::SecretUnknown)?;
        let until = self.clock.now().after(overlap);
        if let Some(sooner) = kept.until.filter(|before| *before <= until) {
            return Ok(sooner);
        }
        self.change(ClientChanged {
            client: client.clone(),
            change: ClientChange::SecretRetired,
            secret: Some(Text::new(secret)),
            secret_digest: None,
            until: Some(until),
            by: Some(by.clone()),
            counts_from: None,
        })
        .await?;
        Ok(until)
    }

    /// Lets a client in again, or keeps it out, whatever it proves itself with. Says so only of a client that is so: another
    /// replica, or this one before its clock was set back, may have made a change at a later time.
    pub(crate) async fn enable_client(
        &self,
        client: &ClientId,
        enabled: bool,
        by: &OperatorId,
    ) -> Result<(), Unchanged> {
        let _one_at_a_time = self.registry.lock().await;
        for _ in 0..ENABLE_TRIES {
            let row = self.store().client(client).await?;
            if row.is_none() && self.policy().policy.client(client).is_none() {
                return Err(Unchanged::ClientUnknown);
            }
            if row.as_ref().is_none_or(|row| row.enabled) == enabled {
                return Ok(());
            }
            let after = row.map(|row| row.changed.after(STORED_STEP));
            self.change(ClientChanged {
                client: client.clone(),
                change: if enabled {
                    ClientChange::Enabled
                } else {
                    ClientChange::Disabled
                },
                secret: None,
                secret_digest: None,
                until: None,
                by: Some(by.clone()),
                counts_from: after.filter(|after| *after > self.clock.now()),
            })
            .await?;
        }
        let row = self.store().client(client).await?;
        if row.is_none_or(|row| row.enabled) == enabled {
            Ok(())
        } else {
            Err(Unchanged::Later)
        }
    }

    async fn registered(&self, client: &ClientId) -> Result<ClientRow, Unchanged> {
        match self.store().client(client).await? {
            Some(row) => Ok(row),
            None if self.policy().policy.client(client).is_some() => Err(Unchanged::SecretUnknown),
            None => Err(Unchanged::ClientUnknown),
        }
    }

    /// The commit point is the record. Run it where nobody drops it half-way.
    async fn change(&self, changed: ClientChanged) -> Result<(), Unchanged> {
        let at = changed.counts_from.unwrap_or_else(|| self.clock.now());
        let flight = self.store().take_off(self.recorder.written());
        let event = Event::ClientChanged(changed.clone());
        let recorded = match self.recorder.append(&event, Durability::Durable).await {
            Ok(recorded) => recorded,
            Err(error) => {
                // Where there may be a record all the same, the flight stays up and the next start looks.
                if !error.is_uncertain() {
                    flight.cancel();
                }
                return Err(error.into());
            }
        };
        let landing = LandingEvent::ClientChanged(Box::new(changed), at);
        let record = recorded.index().unwrap_or(0);
        match self.store().land(flight, landing, record).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Unchanged::Later),
        }
    }
}
