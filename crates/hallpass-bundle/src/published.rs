//! The three documents as they travel together.

use hallpass_keys::dsse::Envelope;

use crate::SignedBundle;

/// The largest publication, in bytes. Room for a bundle with 1,000,000 tokens revoked (27 MiB in base64 twice) and 10,000
/// tools (about 2 MiB). Readers stop there: a source that never stops sending is refused, not buffered.
pub const PUBLISHED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The most roots in one publication: one rotation a year for longer than anyone pins one.
pub const ROOTS_MAX: usize = 64;

/// What `GET /v1/bundle?format=2` answers, and what is dropped as a file where there is no network.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Every root still pinned somewhere, oldest first, without gaps; the last one is in force.
    pub roots: Vec<Envelope>,
    /// The bundle.
    pub bundle: Envelope,
    /// The last heartbeat.
    pub heartbeat: Envelope,
}

/// A publication that no reader would take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the publication has {bytes} bytes, more than {PUBLISHED_BYTES_MAX}")]
pub struct TooLarge {
    /// Its size.
    pub bytes: usize,
}

impl Published {
    /// These documents together.
    pub fn new(roots: Vec<Envelope>, bundle: &SignedBundle, heartbeat: Envelope) -> Self {
        Self {
            roots,
            bundle: bundle.envelope().clone(),
            heartbeat,
        }
    }

    /// The JSON form.
    ///
    /// # Errors
    /// When it would be larger than readers accept.
    pub fn to_json(&self) -> Result<Vec<u8>, TooLarge> {
        let json = crate::document::write(self);
        if json.len() > PUBLISHED_BYTES_MAX {
            return Err(TooLarge { bytes: json.len() });
        }
        Ok(json)
    }
}
