//! From a request to a recorded token. The record is the commit point: no record, no token.

mod ceiling;
mod commit;
mod compose;
mod draft;
mod ending;
#[cfg(test)]
mod largest;
mod lineage;
mod quota;
mod signing;
mod stopped;
mod unminted;

use std::sync::Arc;

use arc_swap::ArcSwap;
use hallpass_args::IdempotencyKey;
use hallpass_journal::{Minted as MintedRecord, Text};
use hallpass_keys::Digest;
use hallpass_token::TokenText;
use hallpass_vocabulary::{Clock, Environment, Timestamp};

use crate::client::AuthenticatedClient;
use crate::identity::Identity;
use crate::keys::ring::Ring;
use crate::policy_in_force::PolicyInForce;
use crate::recorder::Recorder;
use crate::request::TokenRequest;
use crate::store::{Claim, Store};

pub(crate) use ending::{Ended, Unended};
pub(crate) use unminted::{Misfit, Named, Unminted};

/// A token that is on record and can be handed out. Everything said of it is in the record, so it is said the same again.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) text: TokenText,
    pub(crate) record: Box<MintedRecord>,
}

/// Mints for one environment, under the policy in force, with the key that is active.
pub(crate) struct Minter {
    pub(crate) environment: Environment,
    pub(crate) policies: Arc<PolicyInForce>,
    pub(crate) keys: Arc<ArcSwap<Ring>>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The name a client gave a request, and what was asked under it.
#[derive(Debug, Clone)]
struct Keyed {
    key: IdempotencyKey,
    request: Digest,
}

impl Minter {
    /// Decides, records, signs, indexes. With an idempotency key that was used before for the same request, hands out the token
    /// that was minted then. Run it where nobody drops it half-way: a recorded mint must reach the store.
    pub(crate) async fn mint(
        &self,
        asker: &AuthenticatedClient,
        request: &TokenRequest,
        key: Option<IdempotencyKey>,
    ) -> Result<Granted, Unminted> {
        let now = self.clock.now();
        let Some(key) = key else {
            return self.mint_once(asker, request, None, now).await;
        };
        let keyed = Keyed {
            request: request.digest(),
            key,
        };
        let claimed = match self
            .store
            .claim(&asker.id, &keyed.key, keyed.request, now)
            .await?
        {
            Claim::Conflict => return Err(Unminted::IdempotencyConflict),
            Claim::Fresh(claimed) => claimed,
            Claim::InFlight => return Err(Unminted::IdempotencyInFlight),
            Claim::Minted(record) => return self.hand_out_again(record, now).await,
        };
        let minted = self.mint_once(asker, request, Some(keyed), now).await;
        if let Err(error) = &minted
            && !error.may_be_recorded()
        {
            self.store.release(claimed).await;
        }
        minted
    }

    async fn mint_once(
        &self,
        asker: &AuthenticatedClient,
        request: &TokenRequest,
        keyed: Option<Keyed>,
        now: Timestamp,
    ) -> Result<Granted, Unminted> {
        let ring = self.keys.load_full();
        let key = ring.run_key(now)?;
        let mut record = self.compose(asker, request, key.id(), now).await?;
        self.is_stopped(&record, false, now).await?;
        if let Some(Keyed { key, request }) = keyed {
            record.idempotency_key = Some(Text::new(key.as_str()));
            record.request_digest = Some(request);
        }
        let text = signing::sign(&record, key, &ring.approval_keys(now))?;
        record.token_digest = Some(Digest::of(text.expose().as_bytes()));
        let record = Box::new(record);
        self.commit(record.clone()).await?;
        // Whoever stops something looks for tokens after the stop is known, and this looks for stops after the token is: one
        // of the two finds the other.
        self.store
            .refresh_restraints()
            .await
            .map_err(Unminted::Unsure)?;
        self.is_stopped(&record, true, self.clock.now()).await?;
        Ok(Granted { text, record })
    }

    /// The token of a record, if it is still worth anything and its bytes are the same as then.
    async fn hand_out_again(
        &self,
        record: Box<MintedRecord>,
        now: Timestamp,
    ) -> Result<Granted, Unminted> {
        let ring = self.keys.load_full();
        let key = ring.signed_with(&record.key);
        let Some(key) = key.filter(|_| now < record.expires) else {
            return Err(Unminted::IdempotencySpent);
        };
        // A run that was ended gets no token any more, not even one it had.
        let run = self.store.run(record.run).await?;
        if run.is_some_and(|run| run.ended.is_some()) {
            return Err(Unminted::RunEnded(Named::Run));
        }
        self.store.refresh_restraints().await?;
        if self.store.restraints().revoked(record.token).is_some() {
            return Err(Unminted::IdempotencySpent);
        }
        match self.is_stopped(&record, true, now).await {
            // Tokens of that time are worth nothing any more; under another key there is a new one.
            Err(Unminted::Stopped(stopped)) if stopped.stop.is_none() => {
                return Err(Unminted::IdempotencySpent);
            }
            stopped => stopped?,
        }
        // The keys of approvals in it may have changed since; its digest says which it was made with.
        for approval_keys in ring.approval_sets(record.issued, now) {
            let text = signing::sign(&record, key, &approval_keys)
                .map_err(|_| Unminted::IdempotencySpent)?;
            if record.token_digest == Some(Digest::of(text.expose().as_bytes())) {
                return Ok(Granted { text, record });
            }
        }
        Err(Unminted::IdempotencySpent)
    }
}
