//! The last bundle on disk, with its number: none is used twice, also after a crash.
//!
//! It is there before anyone sees the bundle. After a crash in between, the next start takes the next number.

use std::path::{Path, PathBuf};

use hallpass_bundle::{BundleId, PUBLISHED_BYTES_MAX};
use hallpass_keys::Digest;
use hallpass_keys::dsse::Envelope;
use hallpass_vocabulary::Timestamp;

use super::number::Used;
use super::press::BUNDLE_LIFE;
use super::{Edition, PublishError};
use crate::file;
use crate::layout::BUNDLE_STATE_FILE;
use crate::store::StoreError;

/// The largest file with the last bundle, in bytes: one in each format, of which only one may be large.
const KEPT_BYTES_MAX: usize = 2 * PUBLISHED_BYTES_MAX;

/// What is kept on disk. Release 0.1.0 kept the first three.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) bundle: BundleId,
    pub(super) issued: Timestamp,
    policy: Digest,
    /// Counts publications.
    #[serde(default)]
    pub(super) serial: u64,
    /// The version of the root it was signed under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) root: Option<u64>,
    /// The highest number there ever was, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    highest: Option<u64>,
    /// The bundle, as it was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) newest: Option<Envelope>,
    /// The same in format 1, where it could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) format_1: Option<Envelope>,
}

/// Where it is.
#[derive(Debug)]
pub(super) struct KeptFile(PathBuf);

impl Kept {
    pub(super) fn of(edition: &Edition) -> Self {
        let used = edition.used;
        Self {
            bundle: used.last,
            issued: edition.issued,
            policy: edition.content.policy,
            serial: edition.serial,
            root: Some(edition.root),
            highest: (used.highest != used.last.version).then_some(used.highest),
            newest: Some(edition.newest.signed.envelope().clone()),
            format_1: edition
                .format_1
                .as_ref()
                .map(|document| document.signed.envelope().clone()),
        }
    }

    /// Others have used numbers up to this one.
    pub(super) fn raise(&mut self, highest: u64) {
        self.highest = Some(self.used().highest.max(highest));
    }

    /// As it is written in the store.
    pub(super) fn from_body(body: &str) -> Result<Self, StoreError> {
        serde_json::from_str(body).map_err(|_| StoreError::Malformed { column: "body" })
    }

    pub(super) fn to_body(&self) -> String {
        // Strings and numbers only: writing them to memory cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn used(&self) -> Used {
        Used {
            last: self.bundle,
            highest: self.highest.unwrap_or(0).max(self.bundle.version),
        }
    }
}

impl KeptFile {
    pub(super) fn of(directory: &Path) -> Self {
        Self(directory.join(BUNDLE_STATE_FILE))
    }

    pub(super) fn read(&self) -> Result<Option<Kept>, PublishError> {
        let parsed = file::read(&self.0, KEPT_BYTES_MAX)?.map(|text| serde_json::from_str(&text));
        parsed.transpose().map_err(|_| PublishError::Damaged {
            path: self.0.clone(),
        })
    }

    /// Writes an edition down, and waits until it is on disk.
    pub(super) fn write(&self, edition: &Edition) -> Result<(), PublishError> {
        file::replace(&self.0, Kept::of(edition).to_body().as_bytes())?;
        Ok(())
    }
}

/// The policy the last bundle named; nothing when there was none yet.
pub(crate) fn last_policy(directory: &Path) -> Result<Option<Digest>, PublishError> {
    let last = KeptFile::of(directory).read()?;
    Ok(last.map(|last| last.policy))
}

/// The number of the last bundle and until when it is believed; nothing when there was none yet.
pub(crate) fn last_expiry(directory: &Path) -> Result<Option<(u64, Timestamp)>, PublishError> {
    let last = KeptFile::of(directory).read()?;
    Ok(last.map(|last| (last.bundle.version, last.issued.after(BUNDLE_LIFE))))
}
