//! The keys of one issuer as they were last had: fetched when they are missing, old, or do not have a key that is named.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use hallpass_vocabulary::Timestamp;
use jsonwebtoken::Algorithm;
use tokio::sync::Mutex;

use super::key_set::{Found, Key, KeySet};
use super::source::Source;

/// The least time between two fetches because of keys that are not known: whoever invents key ids causes no more.
const UNKNOWN_INTERVAL: Duration = Duration::from_secs(30);
/// From when on keys are fetched anew beside their use. An issuer takes a stolen key off its set; this is when we notice.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// How long keys are good for while the issuer cannot be reached. Longer than outages, shorter than leaving a stolen key
/// in force unseen.
const KEEP_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct KeyRing {
    source: Source,
    /// Looked at by every request, without waiting for anybody.
    current: ArcSwapOption<Fetched>,
    /// Held while fetching, and only waited for by those who cannot go on without.
    fetching: Mutex<Tried>,
}

#[derive(Debug)]
struct Fetched {
    keys: KeySet,
    at: Timestamp,
}

/// When a fetch was last begun.
#[derive(Debug, Default)]
struct Tried(Option<Timestamp>);

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The issuer has none of this name.
    Unknown,
    /// The token names none, and there are several.
    Unnamed,
    /// The keys cannot be had.
    Unavailable,
}

impl KeyRing {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            current: ArcSwapOption::empty(),
            fetching: Mutex::default(),
        }
    }

    /// Whether a token that names this key (or none) verifies with it. Waits for the issuer once at most, and only without
    /// usable keys or for a key that is not known.
    pub(super) async fn verify(
        self: &Arc<Self>,
        id: Option<&str>,
        algorithm: Algorithm,
        now: Timestamp,
        verifies: impl Fn(&Key) -> bool,
    ) -> Result<bool, NoKey> {
        let judge = |fetched: &Fetched| match fetched.keys.find(id, algorithm) {
            Found::Key(key) => Ok(verifies(key)),
            Found::Unknown => Err(NoKey::Unknown),
            Found::Unnamed => Err(NoKey::Unnamed),
        };
        if let Some(fetched) = self.usable(now) {
            let judged = judge(&fetched);
            if judged != Err(NoKey::Unknown) {
                self.refresh_beside(&fetched, now);
                return judged;
            }
        }
        self.refresh(now).await;
        let fetched = self.usable(now).ok_or(NoKey::Unavailable)?;
        judge(&fetched)
    }

    fn usable(&self, now: Timestamp) -> Option<Arc<Fetched>> {
        let fetched = self.current.load_full()?;
        (now.since(fetched.at) <= KEEP_MAX).then_some(fetched)
    }

    /// Fetches in a task of its own when the keys are no longer fresh.
    fn refresh_beside(self: &Arc<Self>, fetched: &Fetched, now: Timestamp) {
        if now.since(fetched.at) <= FRESH {
            return;
        }
        let Ok(tried) = self.fetching.try_lock() else {
            return;
        };
        if tried.lately(now) {
            return;
        }
        drop(tried);
        let ring = Arc::clone(self);
        tokio::spawn(async move { ring.refresh(now).await });
    }

    /// Fetches, unless that was tried lately. Those who come meanwhile wait for the same fetch, which is bounded in time.
    async fn refresh(&self, now: Timestamp) {
        let mut tried = self.fetching.lock().await;
        if tried.lately(now) {
            return;
        }
        tried.0 = Some(now);
        match self.source.fetch().await {
            Ok(keys) => self
                .current
                .store(Some(Arc::new(Fetched { keys, at: now }))),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    issuer = self.source.issuer(),
                    "the keys of an issuer cannot be had"
                );
            }
        }
    }
}

impl Tried {
    fn lately(&self, now: Timestamp) -> bool {
        // A clock that went back must not keep the keys from being fetched until it is where it was.
        self.0
            .is_some_and(|at| now >= at && now.since(at) < UNKNOWN_INTERVAL)
    }
}
