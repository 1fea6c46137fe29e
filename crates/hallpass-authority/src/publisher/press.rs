//! What makes publications: the roots, and the keys that sign under the last of them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use hallpass_bundle::{Bundle, BundleId, Heartbeat, Published, Root, SignError};
use hallpass_keys::SigningKey;
use hallpass_keys::dsse::Envelope;
use hallpass_vocabulary::{AuthorityId, Environment, Timestamp};

use super::edition::{Beat, Document, Edition};
use super::{Content, PublishError};
use crate::keys::ring::Ring;

/// How long a bundle is believed. Longer than any outage a service should ride out on old keys; the age of the last
/// heartbeat stops writes long before.
pub(super) const BUNDLE_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

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

/// The DSSE payload type of the time.
const CLOCK_PAYLOAD_TYPE: &str = "application/vnd.hallpass.clock+json";

/// What the clock of the authority showed, for one who asked.
#[derive(serde::Serialize)]
struct Reading<'a> {
    format: u32,
    authority: &'a AuthorityId,
    environment: &'a Environment,
    nonce: String,
    time: Timestamp,
}

/// Signs bundles and heartbeats.
pub(crate) struct Press {
    roots: Vec<Envelope>,
    root: Root,
    signers: Signers,
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

    /// Signs a bundle with this content, after the last one. It is measured, and nobody sees it yet.
    pub(super) fn edition(
        &self,
        content: Content,
        last: Option<&BundleId>,
        now: Timestamp,
    ) -> Result<Edition, PublishError> {
        let bundle = Bundle::new(&self.root, content.draft(now.after(BUNDLE_LIFE)), last, now)?;
        let signed = bundle.sign(&self.root, &all(&self.signers.bundle))?;
        let heartbeat =
            Heartbeat::new(&signed, now).sign(&self.root, &all(&self.signers.heartbeat))?;
        let published = Published::new(self.roots.clone(), &signed, heartbeat);
        let newest = Document::new(signed, published)?;
        Ok(Edition {
            content,
            issued: now,
            newest,
        })
    }

    /// Says that an edition is current now.
    pub(super) fn beat(&self, edition: &Edition, now: Timestamp) -> Result<Beat, PublishError> {
        let signed = Heartbeat::new(&edition.newest.signed, now)
            .sign(&self.root, &all(&self.signers.heartbeat))?;
        Ok(Beat::new(now, json(&signed), &edition.newest))
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
}

/// The JSON of an envelope.
pub(super) fn json(envelope: &Envelope) -> Bytes {
    // Strings only: writing them to memory cannot fail.
    serde_json::to_vec(envelope).unwrap_or_default().into()
}
