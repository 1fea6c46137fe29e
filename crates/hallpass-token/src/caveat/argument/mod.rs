//! Caveats on the arguments of a call.
//!
//! ```text
//! check if FACT(POINTER, $v), CONDITION
//! check all call:kind(POINTER, "array<KIND>"), ITEM_FACT(POINTER, $v), CONDITION
//! check if call:arg_names($n), {"limit", "path"}.contains($n)
//! check if FACT(POINTER, $v1), FACT(POINTER, $v2), CONDITION, CONDITION or FACT(POINTER, $v1), CONDITION
//! ```
//!
//! and any of them with ` or call:tool($t), !{"fs.read"}.contains($t)`, which leaves calls of other tools alone.

pub(crate) mod alternatives;
mod any_of;

mod builder;
pub(crate) mod condition;
mod demands;
mod failing;
mod looks;
pub(crate) mod quality;
mod rule;
mod test;

use hallpass_vocabulary::{Pointer, ToolName};

use crate::datalog::{Check, Operation, Predicate, Query, Term};
use crate::decide::CallFacts;
use crate::names::NameSet;

pub use builder::{ArgumentBuilder, InvalidArgumentCaveat, Literal};
pub(crate) use failing::Failing;
pub use failing::Unmet;
pub(crate) use looks::Looks;
pub use rule::ArgumentRule;
pub(crate) use rule::Rule;
pub(crate) use test::Test;

/// The fact that holds the names of a call's arguments.
pub(crate) const NAMES_FACT: &str = "call:arg_names";
/// The fact that says what kind of value an argument is.
pub(crate) const KIND_FACT: &str = "call:kind";

/// The fact of the query that leaves calls of other tools alone.
const TOOL_FACT: &str = "call:tool";

/// A caveat on arguments: a rule, and the tools it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentCaveat {
    /// Calls of other tools are not looked at; `None` looks at every call.
    pub(crate) tools: Option<NameSet<ToolName>>,
    pub(crate) rule: Rule,
}

impl ArgumentCaveat {
    /// Whether calls of a tool are looked at.
    pub fn is_for(&self, tool: &ToolName) -> bool {
        self.tools.as_ref().is_none_or(|tools| tools.contains(tool))
    }

    /// Why a call does not satisfy it; `None` when it does. What others than tokens demand of arguments is asked here.
    pub fn unmet(&self, call: &CallFacts<'_>) -> Option<Unmet> {
        self.failing(call.tool, &mut Looks::at(call.arguments))
            .map(Unmet)
    }

    /// The tools it is for; `None` for all.
    pub fn tools(&self) -> Option<&NameSet<ToolName>> {
        self.tools.as_ref()
    }

    /// The arguments it is on; those on their names are on none.
    pub fn pointers(&self) -> Vec<&Pointer> {
        self.rule.pointers()
    }

    pub(super) fn check(&self) -> Check<'_> {
        let (kind, mut queries) = self.rule.queries();
        if let Some(tools) = &self.tools {
            let t = Term::Variable("t");
            let other = Query::new([Predicate::new(TOOL_FACT, [t.clone()])]);
            queries.push(other.without(Term::set_of(tools.iter()), t));
        }
        Check { kind, queries }
    }

    /// The caveat a check is an instance of, if of any.
    pub(super) fn read(check: &Check<'_>) -> Option<Self> {
        let (last, before) = check.queries.split_last()?;
        let is_for_tools = last.body.first().is_some_and(|fact| fact.name == TOOL_FACT);
        let (tools, queries) = if is_for_tools {
            (Some(read_tools(last)?), before)
        } else {
            (None, check.queries.as_slice())
        };
        match queries {
            [query] => {
                // Sloppy on purpose: what it should have been decides.
                let rule = Rule::read(query)?;
                Some(Self { tools, rule }).filter(|caveat| caveat.check() == *check)
            }
            several => {
                // Alternatives may stand in any order, so their queries are compared where they are read.
                let rule = Rule::Either(alternatives::Alternatives::read(several)?);
                let kind = crate::datalog::CheckKind::If;
                let last_is = |caveat: &Self| caveat.check().queries.last() == Some(last);
                let caveat = Some(Self { tools, rule }).filter(|_| check.kind == kind);
                caveat.filter(|caveat| !is_for_tools || last_is(caveat))
            }
        }
    }

    /// Its test, if it is one of an argument.
    pub(crate) fn test(&self) -> Option<&Test> {
        match &self.rule {
            Rule::Either(_) | Rule::Only(_) => None,
            Rule::Test(test) => Some(test),
        }
    }

    /// Likewise, if it binds calls of this tool.
    pub(crate) fn test_for(&self, tool: &ToolName) -> Option<&Test> {
        self.test().filter(|_| self.is_for(tool))
    }

    /// Whether a call satisfies it, by what was looked at before or is now. Those that look at the same as a plain test are
    /// decided together with it, so what it looks at is not kept.
    pub(crate) fn holds_with<'a>(&'a self, tool: &ToolName, looks: &mut Looks<'a>) -> bool {
        !self.is_for(tool)
            || match &self.rule {
                Rule::Test(test) => test.holds_alone(looks),
                rule => rule.holds_with(looks),
            }
    }

    /// What a call lacks or has too much of.
    pub(crate) fn failing<'a>(&'a self, tool: &ToolName, looks: &mut Looks<'a>) -> Option<Failing> {
        if !self.is_for(tool) {
            return None;
        }
        self.rule.failing(looks)
    }

    /// Bytes held beside the value itself, at most.
    pub(super) fn bytes_held(&self) -> usize {
        let tools = self.tools.iter().flat_map(NameSet::iter);
        tools
            .map(|tool| tool.as_str().len().saturating_add(64))
            .fold(self.rule.bytes_held(), usize::saturating_add)
    }
}

fn read_tools(query: &Query<'_>) -> Option<NameSet<ToolName>> {
    let tools = read_set(query)?;
    let tools = tools.map(|tool| tool.parse().ok());
    NameSet::new(tools.collect::<Option<Vec<_>>>()?).ok()
}

/// The texts of the set that a query's expression begins with; every element must be a text.
fn read_set<'q>(query: &'q Query<'_>) -> Option<impl Iterator<Item = &'q str>> {
    let Operation::Value(Term::Set(elements)) = query.expressions.first()?.first()? else {
        return None;
    };
    let texts = elements.iter().map(|element| match element {
        Term::Text(text) => Some(text.as_ref()),
        _ => None,
    });
    Some(texts.collect::<Option<Vec<&str>>>()?.into_iter())
}
