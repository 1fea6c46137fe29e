//! The roles: grants with a name.

use std::collections::BTreeSet;

use hallpass_vocabulary::Role;

use crate::grant::GrantRule;
use crate::place::Place;

/// One role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRule {
    pub(crate) place: Place,
    pub(crate) summary: String,
    pub(crate) includes: BTreeSet<Role>,
    pub(crate) all: BTreeSet<Role>,
    pub(crate) grant: GrantRule,
}

impl RoleRule {
    /// Who has it, in its author's words.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The roles it includes, as they are written.
    pub fn includes(&self) -> &BTreeSet<Role> {
        &self.includes
    }

    /// Itself and every role it includes, over all steps.
    pub fn all(&self) -> &BTreeSet<Role> {
        &self.all
    }

    /// What it gives by itself, without what it includes.
    pub fn grant(&self) -> &GrantRule {
        &self.grant
    }

    /// Where it is written.
    pub fn place(&self) -> &Place {
        &self.place
    }
}
