//! What an authority records of stops, of revoked tokens and of cut-offs.

use hallpass_keys::KeyId;
use hallpass_vocabulary::{OperatorId, PersonId, StopId, Timestamp, TokenId};

use crate::Text;

/// Tokens of something are no longer good if they were issued before a time.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CutOff {
    /// What it is about, as `kind:name`.
    pub selector: Text,
    /// Tokens issued before then are refused.
    pub before: Timestamp,
    /// Why.
    pub reason: Text,
}

/// One of the two people whom a wide stop takes to be lifted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StopLiftAsked {
    /// Which stop.
    pub stop: StopId,
    /// Who asks.
    pub by: OperatorId,
    /// The human being behind it.
    pub person: PersonId,
    /// The key that signed.
    pub key: KeyId,
}

/// A stop was lifted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StopLifted {
    /// Which stop.
    pub stop: StopId,
    /// Who lifted it: two, where one is not enough.
    pub by: Vec<OperatorId>,
    /// Tokens of what was stopped are refused if they were issued before then, where the stop has such an effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<Timestamp>,
}

/// A stop was placed: nothing of what it is about is minted, renewed or carried out until it is lifted or ends.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StopPlaced {
    /// Which stop.
    pub stop: StopId,
    /// What it is about, as `kind:name` or `everything`.
    pub selector: Text,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Tokens of what is stopped are refused if they were issued before then, also once the stop is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<Timestamp>,
    /// Why, in the words of whoever placed it.
    pub reason: Text,
    /// Who placed it.
    pub by: OperatorId,
}

/// A token was revoked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TokenRevoked {
    /// Which token.
    pub token: TokenId,
    /// When it has expired at the latest.
    pub expires: Timestamp,
    /// Why, in the words of whoever revoked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// Who revoked it.
    pub by: OperatorId,
}
