//! The keys as whoever signs needs them: where each stands, and the private halves that are here.

use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::{ApprovalKey, KeyState, TokenKey, TokenPurpose};
use hallpass_journal::KeyStanding;
use hallpass_keys::{KeyId, Purpose, SigningKey, VerifyingKey};
use hallpass_vocabulary::{Environment, Timestamp};

use super::book::KeyBook;
use super::files::KeysHere;
use super::{SIGNED_LIFE_MAX, VIEW_AGE_MAX};

/// The most sets of approval keys a token is made again with: each change of them within a token's life makes one.
const APPROVAL_SETS_MAX: usize = 8;

/// There is no key to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyUnavailable {
    /// It was made active by another replica, and its file is not here.
    #[error("the file of the active {purpose} key is not here")]
    NotHere { purpose: Purpose },
    /// Another replica may have gone on to another key.
    #[error("what the other replicas did to the keys is not known just now")]
    Stale,
}

/// One state of the keys. Never changed: another takes its place.
pub(crate) struct Ring {
    pub(crate) book: KeyBook,
    pub(crate) here: KeysHere,
    pub(crate) environment: Environment,
    /// When it was known to be the whole of it; nothing where nobody else changes it.
    pub(crate) known_at: Option<Timestamp>,
}

impl Ring {
    /// The keys that were read, and those that still sign or are believed and whose files have gone since: what is in memory
    /// goes on being good until the authority stops.
    pub(crate) fn with_read(&self, read: KeysHere) -> KeysHere {
        let mut here = read;
        for (id, key) in &self.here {
            if self.signed_with(id).is_some() {
                here.entry(*id).or_insert_with(|| Arc::clone(key));
            }
        }
        here
    }

    /// The key that signs tokens.
    pub(crate) fn run_key(&self, now: Timestamp) -> Result<&Arc<SigningKey>, KeyUnavailable> {
        if self
            .known_at
            .is_some_and(|known| now.since(known) > VIEW_AGE_MAX)
        {
            return Err(KeyUnavailable::Stale);
        }
        let purpose = Purpose::Run;
        self.book
            .active(purpose)
            .and_then(|life| self.here.get(&life.public_key.id()))
            .ok_or(KeyUnavailable::NotHere { purpose })
    }

    /// How long the key of a purpose has been signing; since that time where it did so from the start.
    pub(crate) fn age(&self, purpose: Purpose, start: Timestamp, now: Timestamp) -> Duration {
        let active = self.book.active(purpose);
        let since = active.map(super::book::KeyLife::stands_since);
        let since = since.filter(|since| since.unix_ms() > 0);
        now.since(since.unwrap_or(start))
    }

    /// The key a token was signed with, if what it signed is still believed.
    pub(crate) fn signed_with(&self, id: &KeyId) -> Option<&Arc<SigningKey>> {
        let life = self.book.key(id)?;
        matches!(life.standing(), KeyStanding::Active | KeyStanding::Retiring)
            .then(|| self.here.get(id))?
    }

    /// The approval keys a token minted now accepts.
    pub(crate) fn approval_keys(&self, now: Timestamp) -> Vec<VerifyingKey> {
        self.book.approvals_at(now)
    }

    /// The sets of approval keys that a token issued around that time may have been made with, the likeliest first.
    pub(crate) fn approval_sets(
        &self,
        issued: Timestamp,
        now: Timestamp,
    ) -> Vec<Vec<VerifyingKey>> {
        let mut sets = vec![self.book.approvals_at(issued)];
        let from = Timestamp::from_unix_ms(
            issued
                .unix_ms()
                .saturating_sub(SIGNED_LIFE_MAX.as_millis() as i64),
        );
        for at in self.book.approval_changes(from, now).into_iter().rev() {
            for set in [
                self.book.approvals_at(at),
                self.book
                    .approvals_at(Timestamp::from_unix_ms(at.unix_ms().saturating_sub(1))),
            ] {
                if !sets.contains(&set) {
                    sets.push(set);
                }
            }
        }
        sets.truncate(APPROVAL_SETS_MAX);
        sets
    }

    /// The keys of tokens as a bundle lists them, and those of siblings.
    pub(crate) fn token_keys(&self, foreign: &[TokenKey]) -> Vec<TokenKey> {
        let lives = self.book.of_purpose(Purpose::Run);
        let own = lives.filter_map(|life| {
            let state = life.state()?;
            Some(token_key(life.public_key, self.environment.clone(), state))
        });
        own.chain(foreign.iter().cloned()).collect()
    }

    /// The keys of approvals as a bundle lists them.
    pub(crate) fn approvals(&self) -> Vec<ApprovalKey> {
        let lives = self.book.of_purpose(Purpose::Approval);
        lives
            .filter_map(|life| {
                Some(ApprovalKey {
                    key: life.public_key,
                    state: life.state()?,
                })
            })
            .collect()
    }

    /// The keys that are here and that a root lets sign.
    pub(crate) fn signers(&self, allowed: &[VerifyingKey]) -> Vec<Arc<SigningKey>> {
        let here = allowed.iter().filter_map(|key| self.here.get(&key.id()));
        here.map(Arc::clone).collect()
    }
}

/// A key of the tokens of runs, as a bundle lists it.
pub(crate) fn token_key(key: VerifyingKey, environment: Environment, state: KeyState) -> TokenKey {
    TokenKey {
        key,
        environment,
        purpose: TokenPurpose::Run,
        state,
    }
}
