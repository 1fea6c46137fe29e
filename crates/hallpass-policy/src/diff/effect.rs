//! What a route gives, as far as two of them can be compared.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_token::Caveat;
use hallpass_vocabulary::{Role, ToolName};

use crate::policy::{Policy, RouteRule};

/// How a tool may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Access {
    /// Without an approval.
    pub(super) outright: bool,
    /// What binds its calls from the start, each in words.
    pub(super) caveats: Vec<Caveat>,
}

/// What tokens get from a route when the subject's own token gives it certain roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) tools: BTreeMap<ToolName, Access>,
    pub(super) roles: BTreeSet<Role>,
}

impl Effect {
    pub(super) fn of(_policy: &Policy, rule: &RouteRule, _token_roles: &BTreeSet<Role>) -> Self {
        let access = |outright| Access {
            outright,
            caveats: Vec::new(),
        };
        let allowed = rule.tools().iter().map(|tool| (tool.clone(), access(true)));
        let withheld = rule
            .needs_approval()
            .iter()
            .map(|tool| (tool.clone(), access(false)));
        Self {
            tools: allowed.chain(withheld).collect(),
            roles: rule.grant.roles.iter().cloned().collect(),
        }
    }
}
