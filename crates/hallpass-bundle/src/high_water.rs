//! The newest a verifier has seen. Nothing older is believed afterwards.

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
}

impl HighWater {
    /// Marks of another authority say nothing about this one. They are met only after an operator pinned another trust
    /// root over an old state directory, and the pin is the operator's word.
    pub(crate) fn is_about(&self, root: &Root) -> bool {
        self.authority == *root.authority() && self.environment == *root.environment()
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
