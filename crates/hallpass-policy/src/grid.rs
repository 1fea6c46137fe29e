//! The whole policy at a glance: each route, with each role a subject may bring, against each tool.

use std::collections::BTreeSet;
use std::fmt;

use hallpass_vocabulary::{Role, Route, ToolName};

use crate::policy::{Policy, RouteRule};

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
        let rows = self
            .routes()
            .map(|(route, rule)| GridRow {
                route: route.clone(),
                role: None,
                cells: cells(rule, &BTreeSet::new(), &tools),
            })
            .collect();
        Grid { tools, rows }
    }
}

fn cells(rule: &RouteRule, _roles: &BTreeSet<Role>, tools: &[ToolName]) -> Vec<Cell> {
    let cell = |tool| {
        if rule.tools().contains(tool) {
            Cell::Allow
        } else if rule.needs_approval().contains(tool) {
            Cell::Approval
        } else {
            Cell::No
        }
    };
    tools.iter().map(cell).collect()
}
