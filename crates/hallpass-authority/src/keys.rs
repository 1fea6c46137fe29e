//! The authority's signing keys: which there are, where each stands, and how one takes the place of another.
//!
//! Where a key stands comes from records of the journal ([`book`]); the private halves are files ([`files`]). Keys of tokens
//! and of approvals live by that alone. Who may sign bundles and heartbeats is for the root to say.

pub(crate) mod book;
pub(crate) mod change;
pub(crate) mod files;
pub(crate) mod kept;
pub(crate) mod open;
pub(crate) mod ring;
pub(crate) mod rotation;
pub(crate) mod upkeep;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use hallpass_bundle::TokenKey;
use hallpass_keys::{KeyId, Purpose};
use tokio::sync::Mutex;

use ring::Ring;

/// How long everything a key of tokens or approvals signed is good for, at most: a token's life, and the clock of whoever
/// reads it ([`CLOCK_SKEW_MAX`](hallpass_bundle::CLOCK_SKEW_MAX)).
pub(crate) const SIGNED_LIFE_MAX: Duration = Duration::from_secs(15 * 60 + 30);

/// How long a key stays published after another took its place. A replica that learns of it from the store goes on signing
/// for [`VIEW_AGE_MAX`].
pub(crate) const RETIRING: Duration = SIGNED_LIFE_MAX.saturating_add(VIEW_AGE_MAX);

/// The oldest that what a replica knows of the keys may be. Past it, it signs nothing: another replica may have gone on.
pub(crate) const VIEW_AGE_MAX: Duration = Duration::from_secs(30);

/// How long a key is published before it signs: whoever has not fetched it by then denies for the age of its bundle
/// (900 s, the bound for reads), by a clock that is 30 s off; and 30 s for the fetch under way.
pub(crate) const PUBLISHED_BEFORE: Duration = Duration::from_secs(15 * 60 + 30 + 30);

/// A key that became active less long ago is not replaced again unless somebody insists: whoever repeats a command that
/// has ended does not mean another rotation.
pub(crate) const ROTATED_LATELY: Duration = Duration::from_secs(60 * 60);

/// The purposes whose keys live by the journal.
pub(crate) const BY_JOURNAL: [Purpose; 2] = [Purpose::Approval, Purpose::Run];

/// The purposes whose keys live by the root.
pub(crate) const BY_ROOT: [Purpose; 2] = [Purpose::Bundle, Purpose::Heartbeat];

/// The keys of a running authority.
pub(crate) struct Keys {
    /// What signing needs, swapped whole.
    pub(crate) ring: Arc<ArcSwap<Ring>>,
    /// Where the files are.
    pub(crate) directory: PathBuf,
    /// Where the roots are.
    pub(crate) roots: PathBuf,
    /// Where it is kept what the records say.
    pub(crate) kept: PathBuf,
    /// Keys of sibling environments, whose tokens are told as strays.
    pub(crate) foreign: Vec<TokenKey>,
    /// One change at a time: each is made of what the one before left.
    pub(crate) turn: Mutex<()>,
    /// Whether what is known is not published yet.
    unpublished: AtomicBool,
    /// The bundle that first had a prepared key, since this start.
    first_in: std::sync::Mutex<HashMap<KeyId, u64>>,
}

impl Keys {
    pub(crate) fn new(
        ring: Arc<ArcSwap<Ring>>,
        directory: PathBuf,
        roots: PathBuf,
        kept: PathBuf,
        foreign: Vec<TokenKey>,
    ) -> Self {
        Self {
            ring,
            directory,
            roots,
            kept,
            foreign,
            turn: Mutex::new(()),
            unpublished: AtomicBool::new(false),
            first_in: std::sync::Mutex::default(),
        }
    }

    /// The bundle a verifier must have, or a later one, to know a key: the one of now where it is not remembered.
    fn first_in(&self, key: &KeyId, now: u64) -> u64 {
        let first_in = self.first_in.lock();
        let mut first_in = first_in.unwrap_or_else(PoisonError::into_inner);
        *first_in.entry(*key).or_insert(now)
    }

    /// What is known is to be published.
    pub(crate) fn unpublished(&self) {
        self.unpublished.store(true, Ordering::Release);
    }

    fn take_unpublished(&self) -> bool {
        self.unpublished.swap(false, Ordering::AcqRel)
    }

    /// What is known now.
    pub(crate) fn now(&self) -> Arc<Ring> {
        self.ring.load_full()
    }
}
