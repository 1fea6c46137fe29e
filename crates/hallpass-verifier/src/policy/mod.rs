//! The service's own rules on top of tokens, as typed values: no engine, nothing evaluated but what is listed here.

mod breach;
mod builder;
mod clause;
mod document;
mod fault;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use hallpass_token::{CallFacts, Grant};
use hallpass_vocabulary::ToolName;

use self::breach::Breach;
use self::clause::Clause;

pub use builder::Rule;
pub use fault::{
    InvalidRule, NAMES_PER_LIST_MAX, REASON_CHARS_MAX, REQUIREMENTS_PER_RULE_MAX, RULES_MAX,
    RuleFault,
};

/// The rules of one service. Every rule must hold for a call; the first that does not, in the order they were given,
/// denies it as `policy_denied`. A rule can only deny: what a token does not allow stays denied.
///
/// Built here, or read from TOML through serde (docs/service-policy.md has every key):
///
/// ```
/// use hallpass_token::Caveat;
/// use hallpass_verifier::{Rule, ServicePolicy};
///
/// let policy = ServicePolicy::none()
///     .with(Rule::deny("only-leads-close").tools(["ticket.close"]).except_roles(["lead"]))?
///     .with(Rule::require("small-pages", [Caveat::arg("/limit").at_most(100)?]).tools(["kb.search"]))?
///     .with(Rule::require_holder("writes-are-bound").tools(["ticket.close", "ticket.update"]))?;
/// assert_eq!(policy.names().count(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePolicy {
    clauses: Vec<Clause>,
    /// The places in `clauses` of those that concern a tool some rule names, in order.
    by_tool: BTreeMap<ToolName, Vec<usize>>,
    /// The same for every other tool.
    otherwise: Vec<usize>,
}

impl ServicePolicy {
    /// No rules: what tokens allow is allowed. The start of every policy that is built.
    pub fn none() -> Self {
        Self {
            clauses: Vec::new(),
            by_tool: BTreeMap::new(),
            otherwise: Vec::new(),
        }
    }

    /// These rules and one more behind them.
    ///
    /// # Errors
    /// [`InvalidRule`], which names the rule.
    pub fn with(mut self, rule: Rule) -> Result<Self, InvalidRule> {
        let (name, clause) = rule.into_clause();
        clause
            .and_then(|clause| self.push(clause))
            .map_err(|fault| InvalidRule { rule: name, fault })?;
        Ok(self)
    }

    /// The names of its rules, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.clauses.iter().map(|clause| clause.name.as_str())
    }

    fn push(&mut self, clause: Clause) -> Result<(), RuleFault> {
        if self.clauses.iter().any(|other| other.name == clause.name) {
            return Err(RuleFault::NameTwice);
        }
        if self.clauses.len() == RULES_MAX {
            return Err(RuleFault::RulesTooMany);
        }
        let place = self.clauses.len();
        match &clause.tools {
            Some(tools) => {
                for tool in tools {
                    let places = self.by_tool.entry(tool.clone());
                    let places = places.or_insert_with(|| self.otherwise.clone());
                    places.push(place);
                }
            }
            None => {
                self.otherwise.push(place);
                for places in self.by_tool.values_mut() {
                    places.push(place);
                }
            }
        }
        self.clauses.push(clause);
        Ok(())
    }

    /// The first rule that a call breaks. Linear in the rules that concern its tool; allocates only for what it answers.
    pub(crate) fn check(&self, grant: &Grant, call: &CallFacts<'_>) -> Result<(), Breach<'_>> {
        let places = self.by_tool.get(call.tool).unwrap_or(&self.otherwise);
        let breach = places
            .iter()
            .filter_map(|place| self.clauses.get(*place))
            .find_map(|clause| clause.broken_by(grant, call));
        breach.map_or(Ok(()), Err)
    }
}
