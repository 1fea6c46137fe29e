//! What a source believes so far, and of what comes next. Pure: bytes and time come in, the network is elsewhere.

use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::{
    BundleError, CLOCK_SKEW_MAX, HighWater, Published, Snapshot, Snapshots, TrustRoot,
    accept_heartbeat, accept_to_keep,
};
use hallpass_keys::dsse::Envelope;
use hallpass_vocabulary::{Clock, ClockBasis, Timestamp};

/// How far a heartbeat may be from the token clock, once that shows the authority's time, to prove anything: heartbeats are
/// 2 s old at most when they are sent, and the clock is known to 2 s.
pub const HEARTBEAT_APART_MAX: Duration = Duration::from_secs(5);

/// Something that is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unbelieved {
    /// A heartbeat too far from the token clock: under way for too long, or the clock at one end is wrong.
    #[error("the heartbeat of {heartbeat} came at {now} by the token clock")]
    Apart {
        /// Its time.
        heartbeat: Timestamp,
        /// The time of the token clock.
        now: Timestamp,
    },
    /// What is signed does not hold.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// What a heartbeat brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beat {
    /// What is held is current, as of a later time.
    Fresher,
    /// It was known already.
    Known,
    /// It is of an older bundle: from a replica that is behind.
    Older,
    /// It is of another bundle, which is to be fetched.
    Other,
}

/// The pinned root, the marks, and the place where snapshots are.
#[derive(Debug)]
pub(crate) struct Belief {
    pinned: TrustRoot,
    snapshots: Arc<Snapshots>,
    seen: Option<HighWater>,
}

/// What it takes to look at a publication: on another thread, for there may be megabytes of signed text in it.
#[derive(Debug)]
pub(crate) struct Examination {
    pinned: TrustRoot,
    seen: Option<HighWater>,
    now: Timestamp,
    basis: ClockBasis,
}

impl Belief {
    pub(crate) fn new(pinned: TrustRoot, snapshots: Arc<Snapshots>) -> Self {
        Self {
            pinned,
            snapshots,
            seen: None,
        }
    }

    pub(crate) fn snapshots(&self) -> &Arc<Snapshots> {
        &self.snapshots
    }

    pub(crate) fn pinned(&self) -> &TrustRoot {
        &self.pinned
    }

    /// Nothing older than these marks is believed from now on.
    pub(crate) fn remember(&mut self, seen: HighWater) {
        self.seen = Some(seen);
    }

    /// Puts a snapshot in force. `false` where something newer is.
    pub(crate) fn take(&mut self, snapshot: Snapshot) -> bool {
        self.seen = Some(snapshot.high_water().clone());
        self.snapshots.publish(snapshot)
    }

    /// What it takes to look at a publication that is there by now.
    pub(crate) fn examination(&mut self, clock: &impl Clock) -> Examination {
        self.disown(clock);
        Examination {
            pinned: self.pinned.clone(),
            seen: self.seen.clone(),
            now: clock.now(),
            basis: clock.basis(),
        }
    }

    /// Lets go of a heartbeat that is ahead of the authority's own time: its clock was wrong when it signed that, and nothing
    /// it signs now could follow. The versions of bundles stay marks; they count, and need no clock.
    fn disown(&mut self, clock: &impl Clock) {
        if clock.basis() != ClockBasis::Exchange {
            return;
        }
        let limit = clock.now().after(CLOCK_SKEW_MAX);
        if let Some(seen) = &self.seen
            && seen.heartbeat() > limit
        {
            tracing::warn!(heartbeat = %seen.heartbeat(), "a heartbeat was signed by a wrong clock");
            self.seen = Some(seen.without_heartbeat());
        }
        self.snapshots.disown_heartbeat_after(limit);
    }

    /// Believes a heartbeat that came alone, and puts it in force where it is of the bundle that is held.
    pub(crate) fn heartbeat(
        &mut self,
        bytes: &[u8],
        clock: &impl Clock,
    ) -> Result<Beat, Unbelieved> {
        self.disown(clock);
        let Some(held) = self.snapshots.load() else {
            return Ok(Beat::Other);
        };
        let now = clock.now();
        match accept_heartbeat(&held, bytes, now) {
            Ok(later) if later.heartbeat() == held.heartbeat() => Ok(Beat::Known),
            Ok(later) => {
                not_apart(later.heartbeat(), now, clock.basis(), Either::Way)?;
                self.take(later);
                Ok(Beat::Fresher)
            }
            // Its signature is good.
            Err(BundleError::Mismatch) => Ok(match named_version(bytes) {
                Some(version) if version < held.version() => Beat::Older,
                _ => Beat::Other,
            }),
            // There may be a new root, with other keys.
            Err(BundleError::Signature { .. } | BundleError::Expired { .. }) => Ok(Beat::Other),
            Err(error) => Err(error.into()),
        }
    }
}

impl Examination {
    /// Believes a publication or says why not.
    pub(crate) fn accept(&self, bytes: &[u8]) -> Result<(Snapshot, Published), Unbelieved> {
        let (snapshot, published) =
            accept_to_keep(bytes, &self.pinned, self.seen.as_ref(), self.now)?;
        // One that is behind is believed, for what it forbids; how old it is, it says itself.
        not_apart(snapshot.heartbeat(), self.now, self.basis, Either::Ahead)?;
        Ok((snapshot, published))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Either {
    Ahead,
    Way,
}

fn not_apart(
    heartbeat: Timestamp,
    now: Timestamp,
    basis: ClockBasis,
    either: Either,
) -> Result<(), Unbelieved> {
    let ahead = heartbeat.since(now) > HEARTBEAT_APART_MAX;
    let behind = either == Either::Way && now.since(heartbeat) > HEARTBEAT_APART_MAX;
    if basis == ClockBasis::Exchange && (ahead || behind) {
        return Err(Unbelieved::Apart { heartbeat, now });
    }
    Ok(())
}

/// The version of the bundle a heartbeat names, whoever signed it.
fn named_version(bytes: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Named {
        bundle_version: u64,
    }
    let envelope = Envelope::from_json(bytes).ok()?;
    let named: Named = serde_json::from_slice(envelope.unverified_payload()).ok()?;
    Some(named.bundle_version)
}
