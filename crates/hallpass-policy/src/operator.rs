//! The operators: people who may act on the authority, by keys of their own, and the groups of those who may approve.

use std::collections::BTreeSet;

use hallpass_keys::VerifyingKey;
use hallpass_vocabulary::{OperatorId, OperatorRole, PersonId};

use crate::place::Place;

/// One operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorRule {
    pub(crate) place: Place,
    pub(crate) person: PersonId,
    pub(crate) keys: Vec<VerifyingKey>,
    pub(crate) roles: BTreeSet<OperatorRole>,
}

impl OperatorRule {
    /// The human being. Two operators of one person are one where two people are asked for.
    pub fn person(&self) -> &PersonId {
        &self.person
    }

    /// The keys it signs with; at least one, and nobody else's.
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// What it may do; at least one.
    pub fn roles(&self) -> &BTreeSet<OperatorRole> {
        &self.roles
    }

    /// Where it is written.
    pub fn place(&self) -> &Place {
        &self.place
    }
}

/// A key of an operator, found by its id.
#[derive(Debug, Clone, Copy)]
pub struct OperatorKey<'p> {
    /// Whose it is.
    pub operator: &'p OperatorId,
    /// What it may do.
    pub rule: &'p OperatorRule,
    /// The key itself.
    pub key: &'p VerifyingKey,
}

/// A group of operators who may approve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRule {
    pub(crate) place: Place,
    pub(crate) summary: String,
    pub(crate) members: BTreeSet<OperatorId>,
}

impl GroupRule {
    /// What the group is, in its author's words.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Its members; at least one.
    pub fn members(&self) -> &BTreeSet<OperatorId> {
        &self.members
    }

    /// Where it is written.
    pub fn place(&self) -> &Place {
        &self.place
    }
}
