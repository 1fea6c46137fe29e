//! What a verifier knows at one moment.

use std::collections::BTreeMap;
use std::time::Duration;

use hallpass_keys::Digest;
use hallpass_vocabulary::{AuthorityId, Catalogue, Environment, Impact, Timestamp};

use crate::{
    ApprovalKey, Bundle, BundleId, Heartbeat, HighWater, Published, Root, Staleness, TokenKey,
};

/// A believed bundle. Immutable; [`accept`](crate::accept) is the only way to one.
#[derive(Debug, Clone)]
pub struct Snapshot {
    bundle: Bundle,
    keys_by_hint: BTreeMap<u32, TokenKey>,
    high_water: HighWater,
    published: Published,
}

impl Snapshot {
    /// For `accept`, after every check.
    pub(crate) fn believed(
        root: &Root,
        bundle: Bundle,
        id: BundleId,
        heartbeat: &Heartbeat,
        published: Published,
    ) -> Self {
        let keys_by_hint = bundle
            .token_keys()
            .iter()
            .map(|entry| (entry.id().hint(), entry.clone()))
            .collect();
        let high_water = HighWater {
            authority: root.authority().clone(),
            environment: root.environment().clone(),
            root_version: root.version(),
            bundle: id,
            heartbeat: heartbeat.time(),
        };
        Self {
            bundle,
            keys_by_hint,
            high_water,
            published,
        }
    }

    /// The token key with this hint: of any environment, purpose and state, all of which are the caller's to look at.
    pub fn key(&self, hint: u32) -> Option<&TokenKey> {
        self.keys_by_hint.get(&hint)
    }

    /// The tools.
    pub fn catalogue(&self) -> &Catalogue {
        self.bundle.catalogue()
    }

    /// The keys that sign approvals.
    pub fn approval_keys(&self) -> &[ApprovalKey] {
        self.bundle.approval_keys()
    }

    /// The digest of the policy in force.
    pub fn policy(&self) -> &Digest {
        self.bundle.policy()
    }

    /// Whose it is.
    pub fn authority(&self) -> &AuthorityId {
        self.bundle.authority()
    }

    /// Where it is valid.
    pub fn environment(&self) -> &Environment {
        self.bundle.environment()
    }

    /// Its number.
    pub fn version(&self) -> u64 {
        self.high_water.bundle.version
    }

    /// The digest of its payload.
    pub fn digest(&self) -> &Digest {
        &self.high_water.bundle.digest
    }

    /// Not believed from then on.
    pub fn expires(&self) -> Timestamp {
        self.bundle.expires()
    }

    /// The time of the last heartbeat.
    pub fn heartbeat(&self) -> Timestamp {
        self.high_water.heartbeat
    }

    /// How long ago the last heartbeat was; zero when it is ahead of `now`.
    pub fn age(&self, now: Timestamp) -> Duration {
        now.since(self.heartbeat())
    }

    /// Whether it is too old to allow a call of this impact: past the bound, or past its own end.
    pub fn is_stale(&self, impact: Impact, bounds: &Staleness, now: Timestamp) -> bool {
        now >= self.expires() || self.age(now) > bounds.bound(impact)
    }

    /// The marks below which nothing is believed any more.
    pub fn high_water(&self) -> &HighWater {
        &self.high_water
    }

    /// The documents it was made from, for keeping.
    pub(crate) fn published(&self) -> &Published {
        &self.published
    }

    /// Whether it is at least as new as another in every respect.
    pub(crate) fn is_not_older_than(&self, other: &Self) -> bool {
        let (new, old) = (&self.high_water, &other.high_water);
        new.root_version >= old.root_version
            && new.bundle.version >= old.bundle.version
            && new.heartbeat >= old.heartbeat
    }
}
