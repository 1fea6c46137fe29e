//! What a subject gets in all: the union of the route's own grant and of those of its roles, less what the route denies.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hallpass_token::{BudgetUnit, Caveat};
use hallpass_vocabulary::{Audience, ProofRule, Role, ToolName};

use crate::grant::{GrantRule, GrantSource};
use crate::role::RoleRule;
use crate::route::RouteWritten;
use crate::tool::ToolRule;
use crate::union::{self, Unsayable};

pub(crate) type Roles = BTreeMap<Role, RoleRule>;
pub(crate) type Tools = BTreeMap<ToolName, ToolRule>;

/// What a token of one route, for one set of roles, may say. Tools with and without approval are disjoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Effective {
    pub(crate) tools: BTreeSet<ToolName>,
    pub(crate) needs_approval: BTreeSet<ToolName>,
    pub(crate) audiences: BTreeSet<Audience>,
    pub(crate) roles: Vec<Role>,
    pub(crate) caveats: Vec<Caveat>,
    pub(crate) budgets: BTreeMap<BudgetUnit, u64>,
    pub(crate) proof: ProofRule,
    pub(crate) run_max: Duration,
}

/// The grants that count for one set of roles.
pub(crate) struct Grants<'p> {
    route: &'p RouteWritten,
    roles: BTreeSet<Role>,
    grants: Vec<(GrantSource, &'p GrantRule)>,
}

impl<'p> Grants<'p> {
    /// The route's own grant and those of its roles and of these `further` ones, which it admits, with all they include.
    pub(crate) fn of<'r>(
        route: &'p RouteWritten,
        further: impl IntoIterator<Item = &'r Role>,
        known: &'p Roles,
    ) -> Self {
        let mut roles = BTreeSet::new();
        let mut give = |role: &Role| {
            // Every role of a route is known: `check` refuses any other.
            if let Some(rule) = known.get(role) {
                roles.extend(rule.all.iter().cloned());
            }
        };
        route.roles.iter().for_each(&mut give);
        further.into_iter().for_each(give);
        let of_roles = roles.iter().filter_map(|role| {
            let rule = known.get(role)?;
            Some((GrantSource::Role(role.clone()), &rule.grant))
        });
        let grants = std::iter::once((GrantSource::Route, &route.grant))
            .chain(of_roles)
            .collect();
        Self {
            route,
            roles,
            grants,
        }
    }

    pub(crate) fn roles(&self) -> &BTreeSet<Role> {
        &self.roles
    }

    pub(crate) fn into_sources(self) -> Vec<(GrantSource, &'p GrantRule)> {
        self.grants
    }

    /// Tools callable at once, and tools callable only with an approval: where any grant asks for one, it is needed.
    pub(crate) fn tools(&self) -> (BTreeSet<ToolName>, BTreeSet<ToolName>) {
        let permitted = |tool: &&ToolName| !self.route.deny.contains(*tool);
        let grants = || self.grants.iter().map(|(_, grant)| grant);
        let needs_approval: BTreeSet<ToolName> = grants()
            .flat_map(|grant| &grant.require_approval)
            .filter(permitted)
            .cloned()
            .collect();
        let tools = grants()
            .flat_map(|grant| &grant.allow)
            .filter(permitted)
            .filter(|tool| !needs_approval.contains(*tool))
            .cloned()
            .collect();
        (tools, needs_approval)
    }

    /// The caveats of a token with these tools.
    pub(crate) fn caveats<'t>(
        &self,
        tools: impl Iterator<Item = &'t ToolName>,
    ) -> Result<Vec<Caveat>, Unsayable> {
        let grants: Vec<&GrantRule> = self.grants.iter().map(|(_, grant)| *grant).collect();
        union::caveats(&grants, tools)
    }

    /// What a token with these tools of [`Grants::tools`] may say.
    pub(crate) fn effective(
        &self,
        tools: BTreeSet<ToolName>,
        needs_approval: BTreeSet<ToolName>,
        known: &Tools,
    ) -> Result<Effective, Unsayable> {
        let all = || tools.iter().chain(&needs_approval);
        let audiences = all().filter_map(|tool| Some(known.get(tool)?.audience.clone()));
        Ok(Effective {
            audiences: audiences.collect(),
            caveats: self.caveats(all())?,
            roles: self.roles.iter().cloned().collect(),
            budgets: self.route.budgets.clone(),
            proof: self.route.proof,
            run_max: self.route.run_max,
            tools,
            needs_approval,
        })
    }
}
