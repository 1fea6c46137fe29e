//! One grant: what a route gives by itself, or what a role gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hallpass_token::{ArgumentRule, Caveat};
use hallpass_vocabulary::{Role, ToolName};

/// What one route or one role gives, as it is written: what it includes and what a route denies is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantRule {
    pub(crate) allow: BTreeSet<ToolName>,
    pub(crate) require_approval: BTreeSet<ToolName>,
    pub(crate) without_approval: BTreeMap<ToolName, String>,
    pub(crate) caveats: Vec<BoundCaveat>,
}

/// A caveat of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundCaveat {
    pub(crate) caveat: Caveat,
    pub(crate) rule: ArgumentRule,
    pub(crate) tools: BTreeSet<ToolName>,
}

/// Who gives something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GrantSource {
    /// A role.
    Role(Role),
    /// The route itself.
    Route,
}

impl fmt::Display for GrantSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => write!(f, "role `{role}`"),
            Self::Route => f.write_str("the route itself"),
        }
    }
}

impl GrantRule {
    /// Tools callable at once, as far as this grant goes.
    pub fn allow(&self) -> &BTreeSet<ToolName> {
        &self.allow
    }

    /// Tools callable only with an approval, whatever other grants say.
    pub fn require_approval(&self) -> &BTreeSet<ToolName> {
        &self.require_approval
    }

    /// Tools under [`allow`](Self::allow) that write, each with the reason its author gave.
    pub fn without_approval(&self) -> &BTreeMap<ToolName, String> {
        &self.without_approval
    }

    /// Its caveats. Each binds only tools of this grant.
    pub fn caveats(&self) -> &[BoundCaveat] {
        &self.caveats
    }

    /// Whether it gives a tool, with or without approval.
    pub fn names(&self, tool: &ToolName) -> bool {
        self.allow.contains(tool) || self.require_approval.contains(tool)
    }

    /// All its tools.
    pub fn tools(&self) -> impl Iterator<Item = &ToolName> {
        self.allow.iter().chain(&self.require_approval)
    }

    /// What its caveats demand of calls of a tool.
    pub(crate) fn rules_for(&self, tool: &ToolName) -> impl Iterator<Item = &ArgumentRule> {
        let bound = self
            .caveats
            .iter()
            .filter(|caveat| caveat.tools.contains(tool));
        bound.map(|caveat| &caveat.rule)
    }
}

impl BoundCaveat {
    /// The caveat, for the tools it binds.
    pub fn caveat(&self) -> &Caveat {
        &self.caveat
    }

    /// What it demands, without the tools.
    pub fn rule(&self) -> &ArgumentRule {
        &self.rule
    }

    /// The tools it binds.
    pub fn tools(&self) -> &BTreeSet<ToolName> {
        &self.tools
    }
}
