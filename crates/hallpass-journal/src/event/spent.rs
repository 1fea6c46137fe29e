//! What a decision used up. Ids and totals, never differences: remembered twice is remembered once.

use hallpass_vocabulary::Timestamp;

use crate::memory::ClaimId;

/// Something that was used, and is not to be used again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Claimed {
    /// Which.
    pub id: ClaimId,
    /// When it ends: from then on it need not be remembered.
    pub until: Timestamp,
}

/// An idempotency key that belongs to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyKept {
    /// From when on the key may be used for something else.
    pub until: Timestamp,
}

/// What a run has spent in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Spent {
    /// Calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Millionths of a US dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd_micros: Option<u64>,
}
