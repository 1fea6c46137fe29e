//! Who else a bundle names: operators, whose signed stops are obeyed, and the verifiers that are alive.

use hallpass_keys::VerifyingKey;
use hallpass_vocabulary::{Audience, OperatorId, OperatorRole, OriginId, PersonId};

/// The most operators in one bundle.
pub const OPERATORS_MAX: usize = 1_024;
/// The most keys of one operator.
pub const KEYS_PER_OPERATOR_MAX: usize = 16;
/// The most verifiers in one bundle.
pub const VERIFIERS_MAX: usize = 100_000;

/// An operator, by the keys it signs with.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedOperator {
    /// Its name.
    pub operator: OperatorId,
    /// The human being.
    pub person: PersonId,
    /// Its keys.
    pub keys: Vec<VerifyingKey>,
    /// What it may do.
    pub roles: Vec<OperatorRole>,
}

/// A verifier that has enrolled and lives.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedVerifier {
    /// Its journal.
    pub origin: OriginId,
    /// The service it is part of.
    pub audience: Audience,
    /// Its key.
    pub key: VerifyingKey,
}
