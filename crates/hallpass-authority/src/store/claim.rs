//! Idempotency keys: which request has one, and what became of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hallpass_args::IdempotencyKey;
use hallpass_journal::{Minted, Text};
use hallpass_keys::Digest;
use hallpass_vocabulary::{ClientId, Timestamp};

/// How long a key is held for a request of which nothing more is heard: many times what a mint takes.
pub(crate) const CLAIM_LAPSE: Duration = Duration::from_secs(30);

/// How long the token minted under a key is remembered.
pub(crate) const KEY_REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// The mark of a key that nobody can give back.
const UNMARKED: i64 = -1;

/// What a key stands for.
#[derive(Debug)]
pub(crate) enum Claim {
    /// Another request.
    Conflict,
    /// Nothing yet: it is this request's now.
    Fresh(Claimed),
    /// The same request, of which nothing is known yet.
    InFlight,
    /// The same request, and the token minted for it.
    Minted(Box<Minted>),
}

/// A key held for a request. Landing the token under it, releasing it and 30 seconds each end it.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(super) client: ClientId,
    pub(super) key: IdempotencyKey,
    /// Tells it from a later claim of the same key.
    pub(super) mark: i64,
}

/// The keys one process holds.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    next_mark: i64,
    keys: HashMap<(ClientId, IdempotencyKey), Holding>,
}

#[derive(Debug)]
struct Holding {
    mark: i64,
    request: Digest,
    since: Timestamp,
    /// There is a record: the key waits for its row, and never lapses before.
    recorded: bool,
}

/// What a process knows of a key without asking the store.
pub(super) enum Hold {
    Conflict,
    InFlight,
    Taken(Claimed),
}

impl Claims {
    pub(super) fn take(
        &self,
        client: &ClientId,
        key: &IdempotencyKey,
        request: Digest,
        now: Timestamp,
    ) -> Hold {
        let held = &mut *self.held();
        let mark = held.next_mark;
        let taken = Holding {
            mark,
            request,
            since: now,
            recorded: false,
        };
        match held.keys.entry((client.clone(), key.clone())) {
            Entry::Occupied(other) if other.get().stands(now) => {
                return if other.get().request == request {
                    Hold::InFlight
                } else {
                    Hold::Conflict
                };
            }
            Entry::Occupied(mut lapsed) => _ = lapsed.insert(taken),
            Entry::Vacant(free) => _ = free.insert(taken),
        }
        held.next_mark = mark.wrapping_add(1);
        Hold::Taken(Claimed {
            client: client.clone(),
            key: key.clone(),
            mark,
        })
    }

    pub(super) fn release(&self, claimed: Claimed) {
        let held = &mut *self.held();
        if let Entry::Occupied(entry) = held.keys.entry((claimed.client, claimed.key))
            && entry.get().mark == claimed.mark
        {
            entry.remove();
        }
    }

    /// The token of a key is recorded and not yet in the store.
    pub(super) fn is_recorded(&self, minted: &Minted) {
        let Some(name) = named_by(minted) else { return };
        let Some(request) = minted.request_digest else {
            return;
        };
        let held = &mut *self.held();
        let holding = held.keys.entry(name).or_insert(Holding {
            mark: UNMARKED,
            request,
            since: minted.issued,
            recorded: true,
        });
        holding.recorded = true;
    }

    /// What is said of a key whose token is recorded and not yet in the store.
    #[cfg(feature = "postgres")]
    pub(super) fn awaited(
        &self,
        client: &ClientId,
        key: &IdempotencyKey,
        request: Digest,
    ) -> Option<Claim> {
        let held = self.held();
        let holding = held.keys.get(&(client.clone(), key.clone()))?;
        Some(if holding.request == request {
            Claim::InFlight
        } else {
            Claim::Conflict
        })
    }

    /// The token of a key is in the store.
    pub(super) fn is_landed(&self, minted: &Minted) {
        if let Some(name) = named_by(minted) {
            self.held().keys.remove(&name);
        }
    }

    /// Forgets what has lapsed.
    pub(super) fn clean(&self, now: Timestamp) {
        self.held().keys.retain(|_, holding| holding.stands(now));
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The idempotency key a token was minted under, and the digest of what was asked.
pub(super) fn key_of(minted: &Minted) -> Option<(&Text, &Digest)> {
    Option::zip(
        minted.idempotency_key.as_ref(),
        minted.request_digest.as_ref(),
    )
}

/// The same as a name. The form of a key lets it into a record unchanged.
fn named_by(minted: &Minted) -> Option<(ClientId, IdempotencyKey)> {
    let key = minted.idempotency_key.as_ref()?.as_str().parse().ok()?;
    Some((minted.client.clone(), key))
}

impl Holding {
    fn stands(&self, now: Timestamp) -> bool {
        self.recorded || now.since(self.since) < CLAIM_LAPSE
    }
}
