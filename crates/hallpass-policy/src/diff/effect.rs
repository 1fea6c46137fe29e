//! What a route gives, as far as two of them can be compared.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_token::ArgumentRule;
use hallpass_vocabulary::{Role, ToolName};

use crate::decide::Verified;
use crate::grant::{GrantRule, GrantSource};
use crate::policy::Policy;
use crate::route::RouteRule;

/// How a tool may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Access {
    /// Without an approval.
    pub(super) outright: bool,
    pub(super) bound: Bound,
}

/// What binds calls: one of these groups of rules must hold, and all rules of it. A group without rules binds nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound(Vec<BTreeMap<String, ArgumentRule>>);

/// What tokens get from a route when the subject's own token gives it certain roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) tools: BTreeMap<ToolName, Access>,
    pub(super) roles: BTreeSet<Role>,
}

impl Effect {
    pub(super) fn of(policy: &Policy, rule: &RouteRule, token_roles: &BTreeSet<Role>) -> Self {
        let verified = Verified {
            roles: token_roles.clone(),
        };
        let grants = policy.grants_of(rule, Some(&verified));
        let roles = grants.roles().clone();
        let (outright, withheld) = grants.tools();
        let sources = grants.into_sources();
        let access = |tool: ToolName, outright| {
            let bound = Bound::of(&sources, &tool);
            (tool, Access { outright, bound })
        };
        let outright = outright.into_iter().map(|tool| access(tool, true));
        let withheld = withheld.into_iter().map(|tool| access(tool, false));
        Self {
            tools: outright.chain(withheld).collect(),
            roles,
        }
    }
}

impl Bound {
    /// One group for each grant that gives the tool, but those that another makes superfluous.
    fn of(sources: &[(GrantSource, &GrantRule)], tool: &ToolName) -> Self {
        let mut groups: Vec<BTreeMap<String, ArgumentRule>> = Vec::new();
        for (_, grant) in sources.iter().filter(|(_, grant)| grant.names(tool)) {
            let rules = grant.rules_for(tool);
            let group: BTreeMap<String, ArgumentRule> =
                rules.map(|rule| (rule.to_string(), rule.clone())).collect();
            if !groups.iter().any(|other| demands(&group, other)) {
                groups.retain(|other| !demands(other, &group));
                groups.push(group);
            }
        }
        groups.sort_by(|a, b| a.keys().cmp(b.keys()));
        Self(groups)
    }

    /// Whether it binds nothing.
    pub(super) fn is_free(&self) -> bool {
        self.0.iter().any(BTreeMap::is_empty)
    }

    /// Whether everything it allows, the other allows. Only where that is plain.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        let mut groups = self.0.iter();
        groups.all(|group| other.0.iter().any(|wider| demands(group, wider)))
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_free() {
            return f.write_str("nothing");
        }
        for (index, group) in self.0.iter().enumerate() {
            let rules: Vec<String> = group.keys().map(|rule| format!("`{rule}`")).collect();
            let or = if index > 0 { ", or by " } else { "" };
            write!(f, "{or}{}", rules.join(" and "))?;
        }
        Ok(())
    }
}

/// Whether one group of rules demands all that the other does, as far as that is plain.
fn demands(more: &BTreeMap<String, ArgumentRule>, less: &BTreeMap<String, ArgumentRule>) -> bool {
    less.values()
        .all(|less| more.values().any(|more| more.demands(less)))
}
