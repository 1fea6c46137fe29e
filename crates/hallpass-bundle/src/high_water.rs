//! The newest a verifier has seen. Nothing older is believed afterwards.

use hallpass_keys::KeyId;
use hallpass_vocabulary::{AuthorityId, Environment, Timestamp};

use crate::{BundleId, Root};

/// The newest root, bundle and heartbeat seen from one authority. Kept across restarts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HighWater {
    pub(crate) authority: AuthorityId,
    pub(crate) environment: Environment,
    pub(crate) root_version: u64,
    pub(crate) bundle: BundleId,
    pub(crate) heartbeat: Timestamp,
    /// The keys that could sign that bundle and heartbeat; none where a release wrote it that did not keep them.
    #[serde(default)]
    pub(crate) signers: Vec<KeyId>,
}

impl HighWater {
    /// Marks of another authority say nothing about this one. They are met only after an operator pinned another trust
    /// root over an old state directory, and the pin is the operator's word.
    pub(crate) fn is_about(&self, root: &Root) -> bool {
        self.authority == *root.authority() && self.environment == *root.environment()
    }

    /// Whether the marks of bundle and heartbeat still count under this root. They do not once it is a later root, all of
    /// whose keys for both are others: that is how an authority starts over after somebody, or a clock, has signed a
    /// number or a time so high that nothing could follow. What the old keys signed is not believed under the new root anyway.
    pub(crate) fn counts_under(&self, root: &Root) -> bool {
        root.version() <= self.root_version
            || self.signers.is_empty()
            || root.online_keys().any(|key| self.signers.contains(&key))
    }

    /// The same without the mark of a heartbeat. For whoever knows from a signed exchange that it was made by a clock that was
    /// wrong: otherwise every heartbeat of the right time would be older, until that time had come.
    #[must_use]
    pub fn without_heartbeat(&self) -> Self {
        Self {
            heartbeat: Timestamp::from_unix_ms(0),
            ..self.clone()
        }
    }

    /// The newest bundle seen.
    pub fn bundle(&self) -> &BundleId {
        &self.bundle
    }

    /// The time of the newest heartbeat seen.
    pub fn heartbeat(&self) -> Timestamp {
        self.heartbeat
    }
}
