//! What a token is to say: the policy's terms, on their way to the limits of a run.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_journal::Spent;
use hallpass_policy::Terms;
use hallpass_token::{BudgetUnit, Caveat};
use hallpass_vocabulary::{Audience, Catalogue, ProofRule, Role, Timestamp, ToolName};

/// What a token is to say. Tools with and without approval are disjoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) tools: BTreeSet<ToolName>,
    pub(super) needs_approval: BTreeSet<ToolName>,
    pub(super) roles: BTreeSet<Role>,
    pub(super) proof: ProofRule,
    pub(super) caveats: Vec<Caveat>,
    pub(super) budgets: BTreeMap<BudgetUnit, u64>,
    pub(super) expires: Timestamp,
    /// When the run ends at the latest.
    pub(super) run_ends: Timestamp,
}

impl Draft {
    /// The terms of a run that began then, for a token of now.
    pub(super) fn of(terms: &Terms, began: Timestamp, now: Timestamp) -> Self {
        Self {
            tools: terms.tools().clone(),
            needs_approval: terms.needs_approval().clone(),
            roles: terms.roles().iter().cloned().collect(),
            proof: terms.proof(),
            caveats: terms.caveats().to_vec(),
            budgets: terms.budgets().clone(),
            expires: now.after(terms.ttl()),
            run_ends: began.after(terms.run_max()),
        }
    }

    /// Every tool, with an approval or without.
    pub(super) fn all_tools(&self) -> impl Iterator<Item = &ToolName> {
        self.tools.iter().chain(&self.needs_approval)
    }

    /// Whether it grants nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.needs_approval.is_empty()
    }

    /// Drops the tools that are not wanted.
    pub(super) fn keep(&mut self, wanted: impl Fn(&ToolName) -> bool) {
        self.tools.retain(&wanted);
        self.needs_approval.retain(&wanted);
    }

    /// The services of its tools.
    pub(super) fn audiences(&self, catalogue: &Catalogue) -> BTreeSet<Audience> {
        self.all_tools()
            .filter_map(|tool| catalogue.tool(tool))
            .map(|tool| tool.audience.clone())
            .collect()
    }
}

/// Budgets as a record has them.
pub(super) fn recorded(budgets: &BTreeMap<BudgetUnit, u64>) -> Option<Spent> {
    let of = |unit| budgets.get(&unit).copied();
    (!budgets.is_empty()).then(|| Spent {
        calls: of(BudgetUnit::Calls),
        usd_micros: of(BudgetUnit::UsdMicros),
    })
}

/// Budgets as a token has them.
pub(super) fn budgets(recorded: Option<Spent>) -> BTreeMap<BudgetUnit, u64> {
    let Spent { calls, usd_micros } = recorded.unwrap_or_default();
    let of = |unit, amount: Option<u64>| amount.map(|amount| (unit, amount));
    [
        of(BudgetUnit::Calls, calls),
        of(BudgetUnit::UsdMicros, usd_micros),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_the_same_in_a_record_and_in_a_token() {
        assert_eq!(recorded(&BTreeMap::new()), None);
        for amounts in [
            vec![],
            vec![(BudgetUnit::Calls, 0)],
            vec![(BudgetUnit::UsdMicros, 7)],
            vec![(BudgetUnit::Calls, 1), (BudgetUnit::UsdMicros, 2)],
        ] {
            let all: BTreeMap<_, _> = amounts.into_iter().collect();
            assert_eq!(budgets(recorded(&all)), all);
        }
    }
}
