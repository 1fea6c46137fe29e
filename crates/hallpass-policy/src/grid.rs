//! The whole policy at a glance: each route, with each role a subject may bring, against each tool.

use std::fmt;

use hallpass_vocabulary::{Role, Route, ToolName};

use crate::decide::Verified;
use crate::policy::Policy;
use crate::route::RouteRule;

/// Every route against every tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// The columns.
    pub tools: Vec<ToolName>,
    /// One row for each route as every subject has it, then one for each role that a subject's own token may give.
    pub rows: Vec<GridRow>,
}

/// What one route gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridRow {
    /// The route.
    pub route: Route,
    /// The role of the subject's own token; none when `None`.
    pub role: Option<Role>,
    /// One for each of the grid's tools.
    pub cells: Vec<Cell>,
}

/// Whether a tool may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cell {
    /// At once.
    Allow,
    /// At once, with arguments that some caveat allows.
    AllowBound,
    /// With an approval.
    Approval,
    /// With an approval, and arguments that some caveat allows.
    ApprovalBound,
    /// Not at all.
    No,
}

impl Cell {
    /// The word in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "yes",
            Self::AllowBound => "yes, bound",
            Self::Approval => "approval",
            Self::ApprovalBound => "approval, bound",
            Self::No => "-",
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Policy {
    /// Everything the policy gives, at a glance.
    pub fn grid(&self) -> Grid {
        let tools: Vec<ToolName> = self.catalogue().iter().map(|it| it.name.clone()).collect();
        let mut rows = Vec::new();
        for (route, rule) in self.routes() {
            let admitted = rule.subject_roles().iter().cloned().map(Some);
            for role in std::iter::once(None).chain(admitted) {
                rows.push(GridRow {
                    route: route.clone(),
                    cells: self.cells(rule, role.as_ref(), &tools),
                    role,
                });
            }
        }
        Grid { tools, rows }
    }

    fn cells(&self, rule: &RouteRule, role: Option<&Role>, tools: &[ToolName]) -> Vec<Cell> {
        let verified = Verified {
            roles: role.into_iter().cloned().collect(),
        };
        let grants = self.grants_of(rule, Some(&verified));
        let (outright, withheld) = grants.tools();
        let sources = grants.into_sources();
        // One grant without caveats frees the tool.
        let is_bound = |tool: &ToolName| {
            let mut giving = sources.iter().filter(|(_, grant)| grant.names(tool));
            giving.all(|(_, grant)| grant.rules_for(tool).next().is_some())
        };
        let cell = |tool| match (outright.contains(tool), withheld.contains(tool)) {
            (true, _) if is_bound(tool) => Cell::AllowBound,
            (true, _) => Cell::Allow,
            (_, true) if is_bound(tool) => Cell::ApprovalBound,
            (_, true) => Cell::Approval,
            (false, false) => Cell::No,
        };
        tools.iter().map(cell).collect()
    }
}
