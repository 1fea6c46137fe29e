//! The number of the last bundle, on disk: none is used twice, also after a crash or with a clock that went back.

use std::path::{Path, PathBuf};

use hallpass_bundle::BundleId;
use hallpass_keys::Digest;
use hallpass_vocabulary::Timestamp;

use super::press::BUNDLE_LIFE;
use super::{Edition, PublishError};
use crate::file;
use crate::layout::BUNDLE_STATE_FILE;

/// The largest file with the number of the last bundle, in bytes. A real one has about 150.
const STATE_BYTES_MAX: usize = 4 * 1024;

/// What is kept on disk.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) bundle: BundleId,
    pub(super) issued: Timestamp,
    policy: Digest,
}

/// Where it is.
pub(super) struct StateFile(PathBuf);

impl StateFile {
    pub(super) fn of(directory: &Path) -> Self {
        Self(directory.join(BUNDLE_STATE_FILE))
    }

    pub(super) fn read(&self) -> Result<Option<State>, PublishError> {
        let parsed = file::read(&self.0, STATE_BYTES_MAX)?.map(|text| serde_json::from_str(&text));
        parsed.transpose().map_err(|_| PublishError::Damaged {
            path: self.0.clone(),
        })
    }

    /// Writes a bundle's number down, and the policy it names.
    pub(super) fn write(&self, edition: &Edition) -> Result<(), PublishError> {
        let state = State {
            bundle: *edition.id(),
            issued: edition.issued,
            policy: edition.content.policy,
        };
        // Numbers and strings only: writing them to memory cannot fail.
        let text = serde_json::to_vec(&state).unwrap_or_default();
        file::replace(&self.0, &text)?;
        Ok(())
    }
}

/// The policy the last bundle named; nothing when there was none yet.
pub(crate) fn last_policy(directory: &Path) -> Result<Option<Digest>, PublishError> {
    let last = StateFile::of(directory).read()?;
    Ok(last.map(|last| last.policy))
}

/// The number of the last bundle and until when it is believed; nothing when there was none yet.
pub(crate) fn last_expiry(directory: &Path) -> Result<Option<(u64, Timestamp)>, PublishError> {
    let last = StateFile::of(directory).read()?;
    Ok(last.map(|last| (last.bundle.version, last.issued.after(BUNDLE_LIFE))))
}
