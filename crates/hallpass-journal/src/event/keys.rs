//! What an authority records of its signing keys, and of the roots that say who may sign what.

use hallpass_keys::{Digest, KeyId, Purpose, VerifyingKey};
use hallpass_vocabulary::{OperatorId, Timestamp};

use crate::Text;

/// Where a key of the authority stands. Ordered along its life: a key never goes back.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum KeyStanding {
    /// Published, and signs nothing yet.
    Prepared,
    /// Signs.
    Active,
    /// Signs no more; believed until everything it signed has expired.
    Retiring,
    /// Not to be believed: someone else may have it.
    Tainted,
    /// Published no more, so nobody knows it.
    Retired,
}

/// A key, and where it stands from then on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyMoved {
    /// Its name.
    pub key: KeyId,
    /// Its public half.
    pub public_key: VerifyingKey,
    /// What it is for.
    pub purpose: Purpose,
    /// Where it stands.
    pub standing: KeyStanding,
}

/// Keys of the authority moved on, all of them at the moment of the record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyChanged {
    /// Which, and where to.
    pub keys: Vec<KeyMoved>,
    /// Why, in the operator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// Who did it; absent when its time had come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OperatorId>,
}

/// A root was installed, and is served from then on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RootInstalled {
    /// Its number.
    pub version: u64,
    /// The digest of its document.
    pub digest: Digest,
    /// Until when it is believed.
    pub expires: Timestamp,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OperatorId>,
}
