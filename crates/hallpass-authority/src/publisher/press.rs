//! What makes publications: the roots, and the keys that sign under the last of them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use hallpass_bundle::{Bundle, Heartbeat, Published, Root, SignError, SignedBundle};
use hallpass_keys::SigningKey;
use hallpass_keys::dsse::Envelope;
use hallpass_vocabulary::{AuthorityId, Environment, Timestamp};

use super::edition::{Beat, Document, Edition};
use super::kept::Kept;
use super::number::Used;
use super::{Content, PublishError};
use crate::keys::ring::Ring;

/// How long a bundle is believed. Longer than any outage a service should ride out on old keys; the age of the last
/// heartbeat stops writes long before.
pub(super) const BUNDLE_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The DSSE payload type of the time.
const CLOCK_PAYLOAD_TYPE: &str = "application/vnd.hallpass.clock+json";

/// The signing keys a publisher needs.
pub(crate) struct Signers {
    pub(crate) bundle: Vec<Arc<SigningKey>>,
    pub(crate) heartbeat: Vec<Arc<SigningKey>>,
}

impl Signers {
    /// The keys that are here and that a root lets sign.
    pub(crate) fn of(root: &Root, ring: &Ring) -> Self {
        Self {
            bundle: ring.signers(root.bundle().keys()),
            heartbeat: ring.signers(root.heartbeat().keys()),
        }
    }
}

/// The keys, as signing takes them.
fn all(keys: &[Arc<SigningKey>]) -> Vec<&SigningKey> {
    keys.iter().map(Arc::as_ref).collect()
}

/// Signs bundles and heartbeats.
pub(crate) struct Press {
    roots: Vec<Envelope>,
    root: Root,
    signers: Signers,
}

/// How the numbers of bundles go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// From the clock, where that is ahead: what was published last may be lost.
    Anew,
    /// One more than the last.
    GoesOn,
}

/// What the clock of the authority showed, for one who asked.
#[derive(serde::Serialize)]
struct Reading<'a> {
    format: u32,
    authority: &'a AuthorityId,
    environment: &'a Environment,
    nonce: String,
    time: Timestamp,
}

impl Press {
    pub(crate) fn new(roots: Vec<Envelope>, root: Root, signers: Signers) -> Self {
        Self {
            roots,
            root,
            signers,
        }
    }

    /// The root it signs under.
    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    /// Signs a bundle with this content, as this publication, after the bundles there were. It is measured, and nobody sees it yet.
    ///
    /// While nothing is restricted it is signed in format 1 too, with the number before: whoever reads both takes the other.
    /// While something is, no bundle is signed that does not say so: what does not exist is not shown to anybody.
    pub(super) fn edition(
        &self,
        content: Content,
        (serial, used): (u64, Option<&Used>),
        start: Start,
        now: Timestamp,
    ) -> Result<Edition, PublishError> {
        let draft = || content.draft(now.after(BUNDLE_LIFE));
        let followed = used.and_then(|used| used.followed(now));
        if let (Some(used), None) = (used, followed) {
            tracing::error!(
                bundle.version = used.highest,
                "the last bundle's number is more than a day ahead of the clock; numbers go on from the clock"
            );
        }
        let bundle = match (followed, start) {
            (Some(last), Start::GoesOn) => Bundle::next(&self.root, draft(), &last, now),
            (last, _) => Bundle::new(&self.root, draft(), last.as_ref(), now),
        }?;
        let (format_1, newest) = if content.restrictions.is_empty() {
            let format_1 = self.signed(&bundle.in_format_1(&self.root)?)?;
            let newest = Bundle::next(&self.root, draft(), format_1.id(), now)?;
            (Some(format_1), self.signed(&newest)?)
        } else {
            (None, self.signed(&bundle)?)
        };
        let used = Used::with(used, *newest.id());
        self.laid_out(content, (serial, used), now, format_1, newest)
    }

    /// The edition that was written down, as it was signed; nothing where it was not signed under this root, or written by a
    /// release that did not keep it.
    pub(super) fn kept_edition(&self, kept: &Kept) -> Result<Option<Edition>, PublishError> {
        let read = |envelope: &Envelope| {
            SignedBundle::read(envelope.clone(), &self.root)
                .inspect_err(|error| {
                    let error = error as &dyn std::error::Error;
                    tracing::warn!(error, "the last bundle does not stand under this root");
                })
                .ok()
        };
        let Some((newest, draft)) = kept.newest.as_ref().and_then(read) else {
            return Ok(None);
        };
        let format_1 = kept.format_1.as_ref().and_then(read).map(|(it, _)| it);
        let used = (kept.serial, kept.used());
        self.laid_out(draft.into(), used, kept.issued, format_1, newest)
            .map(Some)
    }

    fn laid_out(
        &self,
        content: Content,
        (serial, used): (u64, Used),
        issued: Timestamp,
        format_1: Option<SignedBundle>,
        newest: SignedBundle,
    ) -> Result<Edition, PublishError> {
        let lay_out = |signed: SignedBundle| {
            let heartbeat = self.heartbeat(&signed, issued)?;
            let published = Published::new(self.roots.clone(), &signed, heartbeat);
            Document::new(signed, published)
        };
        Ok(Edition {
            content,
            used,
            serial,
            root: self.root.version(),
            issued,
            format_1: format_1.map(lay_out).transpose()?,
            newest: lay_out(newest)?,
        })
    }

    /// Says that an edition is current now.
    pub(super) fn beat(&self, edition: &Edition, now: Timestamp) -> Result<Beat, PublishError> {
        let of = |document: &Document| self.heartbeat(&document.signed, now).map(|it| json(&it));
        let format_1 = edition.format_1.as_ref().map(of).transpose()?;
        let newest = of(&edition.newest)?;
        Ok(Beat::new(now, format_1, newest, &edition.newest))
    }

    /// Says what time it is, to whoever sent this nonce.
    pub(super) fn clock(&self, nonce: [u8; 16], now: Timestamp) -> Result<Envelope, PublishError> {
        let reading = Reading {
            format: 1,
            authority: self.root.authority(),
            environment: self.root.environment(),
            nonce: hex::encode(nonce),
            time: now,
        };
        // Strings and numbers only: writing them to memory cannot fail.
        let payload = serde_json::to_vec(&reading).unwrap_or_default();
        let signed = Envelope::sign(CLOCK_PAYLOAD_TYPE, payload, &all(&self.signers.heartbeat));
        Ok(signed.map_err(SignError::from)?)
    }

    fn signed(&self, bundle: &Bundle) -> Result<SignedBundle, PublishError> {
        Ok(bundle.sign(&self.root, &all(&self.signers.bundle))?)
    }

    fn heartbeat(&self, bundle: &SignedBundle, now: Timestamp) -> Result<Envelope, PublishError> {
        Ok(Heartbeat::new(bundle, now).sign(&self.root, &all(&self.signers.heartbeat))?)
    }
}

/// The JSON of an envelope.
pub(super) fn json(envelope: &Envelope) -> Bytes {
    // Strings only: writing them to memory cannot fail.
    serde_json::to_vec(envelope).unwrap_or_default().into()
}
