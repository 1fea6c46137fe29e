//! What a verifier knows at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hallpass_keys::Digest;
use hallpass_keys::dsse::Envelope;
use hallpass_vocabulary::{AuthorityId, Catalogue, Environment, Impact, Timestamp};

use crate::restrained::Restrained;
use crate::{
    ApprovalKey, Bundle, BundleId, CLOCK_SKEW_MAX, Cutoff, Heartbeat, HighWater, ListedOperator,
    ListedVerifier, Restricted, Revocation, Root, Staleness, Standing, Stop, TokenKey,
};

/// A believed bundle. Immutable, and cheap to clone; [`accept`](crate::accept) is the only way to one, and
/// [`accept_heartbeat`](crate::accept_heartbeat) to a fresher one.
#[derive(Debug, Clone)]
pub struct Snapshot {
    content: Arc<Content>,
    high_water: HighWater,
    /// The last one, for keeping.
    heartbeat: Envelope,
}

/// What does not change from one heartbeat to the next.
#[derive(Debug)]
struct Content {
    root: Root,
    bundle: Bundle,
    restrained: Restrained,
    keys_by_hint: BTreeMap<u32, TokenKey>,
}

impl Snapshot {
    /// For `accept`, after every check.
    pub(crate) fn believed(
        root: Root,
        mut bundle: Bundle,
        id: BundleId,
        heartbeat: &Heartbeat,
        envelope: Envelope,
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
            signers: root.online_keys().collect(),
        };
        let restrained = Restrained::new(bundle.take_restrictions());
        Self {
            content: Arc::new(Content {
                root,
                bundle,
                restrained,
                keys_by_hint,
            }),
            high_water,
            heartbeat: envelope,
        }
    }

    /// The same bundle at a later heartbeat; for `accept_heartbeat`, after every check.
    pub(crate) fn at_heartbeat(&self, heartbeat: &Heartbeat, envelope: Envelope) -> Self {
        let mut later = self.clone();
        later.high_water.heartbeat = heartbeat.time();
        later.heartbeat = envelope;
        later
    }

    /// Why a call is denied that all else would allow: a stop, a revoked token, a cut-off.
    pub fn restriction(&self, call: &Standing<'_>, now: Timestamp) -> Option<Restricted> {
        self.content.restrained.restriction(call, now)
    }

    /// Whether anything is restricted at all.
    pub fn is_restricted(&self) -> bool {
        self.content.restrained.is_any()
    }

    /// The stops in it, also those that have ended by themselves.
    pub fn stops(&self) -> &[Stop] {
        self.content.restrained.stops()
    }

    /// The cut-offs.
    pub fn cutoffs(&self) -> &[Cutoff] {
        self.content.restrained.cutoffs()
    }

    /// The tokens revoked.
    pub fn revocations(&self) -> &[Revocation] {
        self.content.restrained.revocations()
    }

    /// Whose signed stops are obeyed.
    pub fn operators(&self) -> &[ListedOperator] {
        self.content.bundle.operators()
    }

    /// The verifiers that are alive.
    pub fn verifiers(&self) -> &[ListedVerifier] {
        self.content.bundle.verifiers()
    }

    /// The root it is believed under.
    pub fn root(&self) -> &Root {
        &self.content.root
    }

    /// The token key with this hint: of any environment, purpose and state, all of which are the caller's to look at.
    pub fn key(&self, hint: u32) -> Option<&TokenKey> {
        self.content.keys_by_hint.get(&hint)
    }

    /// The tools.
    pub fn catalogue(&self) -> &Catalogue {
        self.content.bundle.catalogue()
    }

    /// The keys that sign approvals.
    pub fn approval_keys(&self) -> &[ApprovalKey] {
        self.content.bundle.approval_keys()
    }

    /// The digest of the policy in force.
    pub fn policy(&self) -> &Digest {
        self.content.bundle.policy()
    }

    /// Whose it is.
    pub fn authority(&self) -> &AuthorityId {
        self.content.bundle.authority()
    }

    /// Where it is valid.
    pub fn environment(&self) -> &Environment {
        self.content.bundle.environment()
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
        self.content.bundle.expires()
    }

    /// The time of the last heartbeat.
    pub fn heartbeat(&self) -> Timestamp {
        self.high_water.heartbeat
    }

    /// How long ago the last heartbeat was; zero when it is ahead of `now`.
    pub fn age(&self, now: Timestamp) -> Duration {
        now.since(self.heartbeat())
    }

    /// Whether it is too old to allow a call of this impact: past the bound, or past its own end. Also where its heartbeat is
    /// further ahead of `now` than clocks may be apart: one of the clocks was wrong, and how old it is nobody knows.
    pub fn is_stale(&self, impact: Impact, bounds: &Staleness, now: Timestamp) -> bool {
        now >= self.expires()
            || self.age(now) > bounds.bound(impact)
            || self.heartbeat() > now.after(CLOCK_SKEW_MAX)
    }

    /// The same as if no heartbeat had come yet; for one that a wrong clock has signed.
    pub(crate) fn without_heartbeat(&self) -> Self {
        let mut without = self.clone();
        without.high_water = self.high_water.without_heartbeat();
        without
    }

    /// The marks below which nothing is believed any more.
    pub fn high_water(&self) -> &HighWater {
        &self.high_water
    }

    /// The last heartbeat as it is signed.
    pub(crate) fn heartbeat_envelope(&self) -> &Envelope {
        &self.heartbeat
    }

    /// Whether it is at least as new as another in every respect.
    pub(crate) fn is_not_older_than(&self, other: &Self) -> bool {
        let (new, old) = (&self.high_water, &other.high_water);
        let newer = new.bundle.version >= old.bundle.version && new.heartbeat >= old.heartbeat;
        new.root_version >= old.root_version && (newer || !old.counts_under(self.root()))
    }
}
