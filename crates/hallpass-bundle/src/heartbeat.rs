//! The heartbeat: which bundle was current, and when. Small, so that it can be signed every two seconds.

use hallpass_keys::dsse::Envelope;
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_vocabulary::{AuthorityId, Environment, Timestamp};

use crate::document::{self, FORMAT_VERSION};
use crate::{BundleId, InvalidDocument, Root, SignError, SignedBundle};

/// The DSSE payload type of a heartbeat.
pub const HEARTBEAT_PAYLOAD_TYPE: &str = "application/vnd.hallpass.heartbeat+json";

/// A heartbeat document, signed by nobody yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat(Fields);

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    format: u32,
    authority: AuthorityId,
    environment: Environment,
    bundle_version: u64,
    bundle_digest: Digest,
    time: Timestamp,
}

impl Heartbeat {
    /// Says that this bundle is current now. The caller sees to it that `now` never runs backwards: verifiers refuse a
    /// heartbeat older than one they have seen.
    pub fn new(bundle: &SignedBundle, now: Timestamp) -> Self {
        Self(Fields {
            format: FORMAT_VERSION,
            authority: bundle.authority().clone(),
            environment: bundle.environment().clone(),
            bundle_version: bundle.id().version,
            bundle_digest: bundle.id().digest,
            time: now,
        })
    }

    /// Signs it with heartbeat keys of this root.
    ///
    /// # Errors
    /// When the keys are not heartbeat keys of this environment, or do not meet the threshold.
    pub fn sign(&self, root: &Root, keys: &[&SigningKey]) -> Result<Envelope, SignError> {
        document::sign(
            HEARTBEAT_PAYLOAD_TYPE,
            document::write(&self.0),
            Purpose::Heartbeat,
            &self.0.environment,
            root.heartbeat(),
            keys,
        )
    }

    /// Reads the payload of an envelope; says nothing about who signed it.
    pub(crate) fn from_payload(payload: &[u8]) -> Option<Result<Self, InvalidDocument>> {
        document::read(payload).map(|fields: Fields| {
            document::check_format(fields.format)?;
            Ok(Self(fields))
        })
    }

    /// Whose it is.
    pub fn authority(&self) -> &AuthorityId {
        &self.0.authority
    }

    /// Where it is valid.
    pub fn environment(&self) -> &Environment {
        &self.0.environment
    }

    /// Which bundle was current.
    pub fn bundle(&self) -> BundleId {
        BundleId {
            version: self.0.bundle_version,
            digest: self.0.bundle_digest,
        }
    }

    /// When it was.
    pub fn time(&self) -> Timestamp {
        self.0.time
    }
}
