//! Believing a publication: every check between bytes from anywhere and a [`Snapshot`].

use std::fmt;
use std::time::Duration;

use hallpass_keys::Digest;
use hallpass_keys::dsse::{DsseError, Envelope};
use hallpass_vocabulary::Timestamp;

use crate::{
    BUNDLE_PAYLOAD_TYPE, Bundle, BundleId, HEARTBEAT_PAYLOAD_TYPE, Heartbeat, HighWater,
    InvalidDocument, PUBLISHED_BYTES_MAX, Published, ROOTS_MAX, Root, Snapshot, TrustRoot,
    TrustRootDigest,
};

/// How far a document may lie ahead of the local clock: no valid call is refused because a clock is 30 s off.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(30);
/// How far a bundle's version may lie ahead of the local clock, in milliseconds. Versions follow the clock, so one that
/// is a day ahead was made to keep every later one out.
pub const BUNDLE_VERSION_AHEAD_MAX_MS: u64 = 24 * 60 * 60 * 1000;

/// The largest heartbeat, in bytes: a real one has about 600, and one signature of sixteen more has 200.
pub const HEARTBEAT_BYTES_MAX: usize = 16 * 1024;

/// Which of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// The bundle.
    Bundle,
    /// The heartbeat.
    Heartbeat,
    /// A root.
    Root,
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bundle => "bundle",
            Self::Heartbeat => "heartbeat",
            Self::Root => "root",
        })
    }
}

/// Why a publication is not believed. The snapshot before it stays, and ages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Larger than [`PUBLISHED_BYTES_MAX`].
    #[error("the publication is larger than {PUBLISHED_BYTES_MAX} bytes")]
    TooLarge,
    /// Not the JSON of a publication.
    #[error("not a publication of roots, bundle and heartbeat")]
    NotPublished,
    /// No root, or more than [`ROOTS_MAX`].
    #[error("a publication has 1 to {ROOTS_MAX} roots, not {count}")]
    RootCount {
        /// How many there are.
        count: usize,
    },
    /// The pinned root is not among the roots.
    #[error("the pinned trust root `{pinned}` is not published")]
    UntrustedRoot {
        /// What is pinned.
        pinned: TrustRootDigest,
    },
    /// Not signed as it must be.
    #[error("the {document} is not signed as it must be")]
    Signature {
        /// Which document.
        document: Document,
        /// What is missing.
        #[source]
        source: DsseError,
    },
    /// Signed, and not of the form of such a document.
    #[error("the {document} is malformed or holds something unknown")]
    Malformed {
        /// Which document.
        document: Document,
    },
    /// Signed, and in contradiction with itself.
    #[error("the {document} is inconsistent")]
    Invalid {
        /// Which document.
        document: Document,
        /// What contradicts what.
        #[source]
        source: InvalidDocument,
    },
    /// Of another authority than the pinned one.
    #[error("the {document} is of another authority")]
    WrongAuthority {
        /// Which document.
        document: Document,
    },
    /// Of another environment than the pinned one.
    #[error("the {document} is of another environment")]
    WrongEnvironment {
        /// Which document.
        document: Document,
    },
    /// A root does not follow the one before it.
    #[error("root version {found} follows {after}")]
    RootGap {
        /// The version before.
        after: u64,
        /// The version found.
        found: u64,
    },
    /// Past its end.
    #[error("the {document} expired at {at}")]
    Expired {
        /// Which document.
        document: Document,
        /// When.
        at: Timestamp,
    },
    /// Further ahead of the local clock than [`CLOCK_SKEW_MAX`].
    #[error("the {document} is dated {time}, ahead of the local clock")]
    FromTheFuture {
        /// Which document.
        document: Document,
        /// Its date.
        time: Timestamp,
    },
    /// A version so far ahead that no later one could follow.
    #[error("bundle version {version} is too far ahead of the clock")]
    FastForward {
        /// The version.
        version: u64,
    },
    /// Older than what was seen before.
    #[error("{document} version {found} is older than {seen}, which was seen before")]
    Rollback {
        /// Which document.
        document: Document,
        /// The version found.
        found: u64,
        /// The newest version seen.
        seen: u64,
    },
    /// Another bundle of a version that was seen before.
    #[error("there are two different bundles of version {version}")]
    Fork {
        /// The version.
        version: u64,
    },
    /// The heartbeat speaks of another bundle.
    #[error("the heartbeat is not of the published bundle")]
    Mismatch,
    /// The heartbeat is older than one seen before: someone replays it.
    #[error("the heartbeat of {found} is older than {seen}, which was seen before")]
    Frozen {
        /// The time of the heartbeat.
        found: Timestamp,
        /// The time of the newest heartbeat seen.
        seen: Timestamp,
    },
}

/// Believes a publication, or says why not.
///
/// An old heartbeat is no error: the snapshot is then stale, and says so. `seen` is what was believed last, from
/// [`Snapshot::high_water`] or the [`store`](crate::store); `None` only where nothing was ever believed.
///
/// # Errors
/// One of [`BundleError`]; nothing of the publication is believed then.
pub fn accept(
    published: &[u8],
    pinned: &TrustRoot,
    seen: Option<&HighWater>,
    now: Timestamp,
) -> Result<Snapshot, BundleError> {
    accept_to_keep(published, pinned, seen, now).map(|(snapshot, _)| snapshot)
}

/// As [`accept`], with the documents, for [`store::save`](crate::store::save). They are as large as all that is revoked;
/// let go of them once they are saved.
///
/// # Errors
/// As [`accept`].
pub fn accept_to_keep(
    published: &[u8],
    pinned: &TrustRoot,
    seen: Option<&HighWater>,
    now: Timestamp,
) -> Result<(Snapshot, Published), BundleError> {
    if published.len() > PUBLISHED_BYTES_MAX {
        return Err(BundleError::TooLarge);
    }
    let published: Published =
        serde_json::from_slice(published).map_err(|_| BundleError::NotPublished)?;
    Ok((accept_published(&published, pinned, seen, now)?, published))
}

/// As [`accept`], of what is parsed already.
pub(crate) fn accept_published(
    published: &Published,
    pinned: &TrustRoot,
    seen: Option<&HighWater>,
    now: Timestamp,
) -> Result<Snapshot, BundleError> {
    let root = believe_root(&published.roots, pinned, now)?;
    let seen = seen.filter(|seen| seen.is_about(&root));
    let (bundle, id) = believe_bundle(&published.bundle, &root, now)?;
    let envelope = published.heartbeat.clone();
    let heartbeat = believe_heartbeat(&envelope, &root, &id, now)?;
    if let Some(seen) = seen {
        refuse_older(seen, &root, &id, &heartbeat)?;
    }
    Ok(Snapshot::believed(root, bundle, id, &heartbeat, envelope))
}

/// Believes a later heartbeat of the bundle that is held, or says why not.
///
/// # Errors
/// One of [`BundleError`]; [`BundleError::Mismatch`] where it is of another bundle, which is then to be fetched.
pub fn accept_heartbeat(
    held: &Snapshot,
    heartbeat: &[u8],
    now: Timestamp,
) -> Result<Snapshot, BundleError> {
    if heartbeat.len() > HEARTBEAT_BYTES_MAX {
        return Err(BundleError::TooLarge);
    }
    let envelope = serde_json::from_slice(heartbeat).map_err(|_| BundleError::NotPublished)?;
    accept_heartbeat_envelope(held, envelope, now)
}

/// As [`accept_heartbeat`], of what is parsed already.
pub(crate) fn accept_heartbeat_envelope(
    held: &Snapshot,
    envelope: Envelope,
    now: Timestamp,
) -> Result<Snapshot, BundleError> {
    let (root, id) = (held.root(), held.high_water().bundle());
    check_dates(Document::Root, root.issued(), root.expires(), now)?;
    let heartbeat = believe_heartbeat(&envelope, root, id, now)?;
    if heartbeat.time() < held.heartbeat() {
        return Err(BundleError::Frozen {
            found: heartbeat.time(),
            seen: held.heartbeat(),
        });
    }
    Ok(held.at_heartbeat(&heartbeat, envelope))
}

/// The root in force: the last of the chain that starts at the pinned one. Part of [`accept`]; by itself it is for the
/// authority, which reads back its own roots to sign under them.
///
/// # Errors
/// One of [`BundleError`], for the first link that does not hold.
pub fn believe_root(
    roots: &[Envelope],
    pinned: &TrustRoot,
    now: Timestamp,
) -> Result<Root, BundleError> {
    let document = Document::Root;
    let count = roots.len();
    if !(1..=ROOTS_MAX).contains(&count) {
        return Err(BundleError::RootCount { count });
    }
    // What comes before the pinned one is for verifiers that pinned earlier.
    let mut chain = roots
        .iter()
        .skip_while(|envelope| TrustRootDigest::of(envelope.unverified_payload()) != pinned.digest);
    let first = chain.next().ok_or(BundleError::UntrustedRoot {
        pinned: pinned.digest,
    })?;
    let mut root = read_root(first)?;
    for envelope in chain {
        root.verify(envelope)
            .map_err(|source| BundleError::Signature { document, source })?;
        let next = read_root(envelope)?;
        if Some(next.version()) != root.version().checked_add(1) {
            return Err(BundleError::RootGap {
                after: root.version(),
                found: next.version(),
            });
        }
        belongs(document, &next, pinned)?;
        root = next;
    }
    belongs(document, &root, pinned)?;
    check_dates(document, root.issued(), root.expires(), now)?;
    Ok(root)
}

/// The root of an envelope, consistent in itself and believed by nobody: for whoever is to sign it, or to make the one after it.
///
/// # Errors
/// When it is no root document.
pub fn unverified_root(envelope: &Envelope) -> Result<Root, BundleError> {
    parsed(
        Document::Root,
        Root::from_payload(envelope.unverified_payload()),
    )
}

/// A root that its own keys have signed.
fn read_root(envelope: &Envelope) -> Result<Root, BundleError> {
    let document = Document::Root;
    let root = parsed(document, Root::from_payload(envelope.unverified_payload()))?;
    root.verify(envelope)
        .map_err(|source| BundleError::Signature { document, source })?;
    Ok(root)
}

fn believe_bundle(
    envelope: &Envelope,
    root: &Root,
    now: Timestamp,
) -> Result<(Bundle, BundleId), BundleError> {
    let document = Document::Bundle;
    let role = root.bundle();
    let payload = envelope
        .verify(BUNDLE_PAYLOAD_TYPE, role.keys(), role.threshold())
        .map_err(|source| BundleError::Signature { document, source })?;
    let bundle = parsed(document, Bundle::from_payload(payload, root))?;
    if bundle.authority() != root.authority() {
        return Err(BundleError::WrongAuthority { document });
    }
    if bundle.environment() != root.environment() {
        return Err(BundleError::WrongEnvironment { document });
    }
    let newest = u64::try_from(now.unix_ms())
        .unwrap_or(0)
        .saturating_add(BUNDLE_VERSION_AHEAD_MAX_MS);
    if bundle.version() > newest {
        return Err(BundleError::FastForward {
            version: bundle.version(),
        });
    }
    check_dates(document, bundle.issued(), bundle.expires(), now)?;
    let id = BundleId {
        version: bundle.version(),
        digest: Digest::of(payload),
    };
    Ok((bundle, id))
}

fn believe_heartbeat(
    envelope: &Envelope,
    root: &Root,
    id: &BundleId,
    now: Timestamp,
) -> Result<Heartbeat, BundleError> {
    let document = Document::Heartbeat;
    let role = root.heartbeat();
    let payload = envelope
        .verify(HEARTBEAT_PAYLOAD_TYPE, role.keys(), role.threshold())
        .map_err(|source| BundleError::Signature { document, source })?;
    let heartbeat = parsed(document, Heartbeat::from_payload(payload))?;
    if heartbeat.authority() != root.authority() {
        return Err(BundleError::WrongAuthority { document });
    }
    if heartbeat.environment() != root.environment() {
        return Err(BundleError::WrongEnvironment { document });
    }
    if heartbeat.bundle() != *id {
        return Err(BundleError::Mismatch);
    }
    check_not_ahead(document, heartbeat.time(), now)?;
    Ok(heartbeat)
}

fn refuse_older(
    seen: &HighWater,
    root: &Root,
    id: &BundleId,
    heartbeat: &Heartbeat,
) -> Result<(), BundleError> {
    if root.version() < seen.root_version {
        return Err(BundleError::Rollback {
            document: Document::Root,
            found: root.version(),
            seen: seen.root_version,
        });
    }
    if !seen.counts_under(root) {
        return Ok(());
    }
    if id.version < seen.bundle.version {
        return Err(BundleError::Rollback {
            document: Document::Bundle,
            found: id.version,
            seen: seen.bundle.version,
        });
    }
    if id.version == seen.bundle.version && id.digest != seen.bundle.digest {
        return Err(BundleError::Fork {
            version: id.version,
        });
    }
    if heartbeat.time() < seen.heartbeat {
        return Err(BundleError::Frozen {
            found: heartbeat.time(),
            seen: seen.heartbeat,
        });
    }
    Ok(())
}

fn parsed<T>(
    document: Document,
    read: Option<Result<T, InvalidDocument>>,
) -> Result<T, BundleError> {
    read.ok_or(BundleError::Malformed { document })?
        .map_err(|source| BundleError::Invalid { document, source })
}

fn belongs(document: Document, root: &Root, pinned: &TrustRoot) -> Result<(), BundleError> {
    if *root.authority() != pinned.authority {
        return Err(BundleError::WrongAuthority { document });
    }
    if *root.environment() != pinned.environment {
        return Err(BundleError::WrongEnvironment { document });
    }
    Ok(())
}

fn check_dates(
    document: Document,
    issued: Timestamp,
    expires: Timestamp,
    now: Timestamp,
) -> Result<(), BundleError> {
    check_not_ahead(document, issued, now)?;
    if now >= expires {
        return Err(BundleError::Expired {
            document,
            at: expires,
        });
    }
    Ok(())
}

fn check_not_ahead(document: Document, time: Timestamp, now: Timestamp) -> Result<(), BundleError> {
    if time > now.after(CLOCK_SKEW_MAX) {
        return Err(BundleError::FromTheFuture { document, time });
    }
    Ok(())
}
