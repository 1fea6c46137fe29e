//! What the journal records of itself.

use hallpass_keys::{Digest, VerifyingKey};
use hallpass_vocabulary::{DenialCode, Timestamp, TokenId};

use crate::Text;

/// The start of a writer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Opened {
    /// The unique name of this journal, fixed when it was created.
    pub origin: String,
    /// The public half of the key that signs its checkpoints.
    pub public_key: VerifyingKey,
    /// The software that writes it.
    pub software: Text,
    /// How many records were there before this one.
    pub previous_size: u64,
    /// Which start of the machine this is, where the system says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Text>,
}

/// Why a tail was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TornBecause {
    /// A line is not a record with the expected index.
    BadLine,
    /// The last line has no end.
    NoLineEnd,
}

/// What was cut off the end of a journal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Recovery {
    /// How many bytes.
    pub bytes: u64,
    /// How many line ends were among them.
    pub lines: u64,
    /// Their SHA-256.
    pub digest: Digest,
    /// Why.
    pub why: TornBecause,
}

/// Records that may be missing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PossibleLoss {
    /// The time of the last record that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How much may be missing, in milliseconds before the machine stopped.
    pub at_most_ms: u64,
}

/// Refusals of one code within one second, of which only the number is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refused {
    /// Why they were refused.
    pub code: DenialCode,
    /// Whose they were, when they were past the quota of one token; absent before a valid signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    /// How many.
    pub count: u64,
    /// When the first was refused.
    pub first: Timestamp,
    /// When the last was refused.
    pub last: Timestamp,
}

/// Records that were removed because they were old enough.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pruned {
    /// The first record that was kept.
    pub below: u64,
    /// The root of the Merkle tree over the records before it.
    pub root: Digest,
    /// When the journal was created: the time of its record 0.
    pub created: Timestamp,
    /// The time of the last record that was removed.
    pub last: Timestamp,
}

/// Keys of sensitive digests that were erased: nothing can be compared with those digests any more.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeysErased {
    /// Every sensitive digest before this record is one of an erased key.
    pub below: u64,
}

/// Records that callers asked for and that are not known to be in the journal: most of them decisions, of which only the
/// number is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unrecorded {
    /// How many.
    pub count: u64,
    /// How many of them took effect all the same, because the service chose so
    /// ([`Durability::DangerOpen`](crate::Durability::DangerOpen)). The others were told.
    pub allowed: u64,
    /// When the first was given up.
    pub first: Timestamp,
    /// When the last was given up.
    pub last: Timestamp,
}
