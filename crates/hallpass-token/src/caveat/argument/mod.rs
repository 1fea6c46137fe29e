//! Caveats on the arguments of a call.
//!
//! ```text
//! check if FACT(POINTER, $v), CONDITION
//! check all call:kind(POINTER, "array<KIND>"), ITEM_FACT(POINTER, $v), CONDITION
//! check if call:arg_names($n), {"limit", "path"}.contains($n)
//! ```
//!
//! and any of them with ` or call:tool($t), !{"fs.read"}.contains($t)`, which leaves calls of other tools alone.

mod builder;
pub(crate) mod condition;
pub(crate) mod quality;

use std::collections::BTreeSet;
use std::fmt;

use hallpass_args::{Arguments, Resolve as _};
use hallpass_vocabulary::{Pointer, ToolName};
use serde_json::Value;

use self::condition::{Condition, Constant};
use self::quality::{Lacking, Quality};
use crate::datalog::{Check, CheckKind, Operation, Predicate, Query, Term};
use crate::decide::CallFacts;
use crate::excerpt::Excerpt;
use crate::limits::{ARGUMENT_NAMES_MAX, ITEMS_MAX, SYMBOL_BYTES_MAX};
use crate::names::NameSet;

pub use builder::{ArgumentBuilder, InvalidArgumentCaveat, Literal};

/// The fact that holds the names of a call's arguments.
pub(crate) const NAMES_FACT: &str = "call:arg_names";
/// The fact that says what kind of value an argument is.
pub(crate) const KIND_FACT: &str = "call:kind";

/// A caveat on arguments: a rule, and the tools it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentCaveat {
    /// Calls of other tools are not looked at; `None` looks at every call.
    pub(crate) tools: Option<NameSet<ToolName>>,
    pub(crate) rule: Rule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The call has no other arguments than these.
    Only(BTreeSet<Box<str>>),
    Test(Test),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Test {
    pub(crate) pointer: Pointer,
    /// Every element of an array instead of the argument itself.
    pub(crate) each: bool,
    pub(crate) quality: Quality,
    pub(crate) condition: Condition,
}

/// Why a caveat on arguments does not hold. Names the argument, escaped, and says nothing of its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failing {
    /// The argument lacks what the caveat looks at.
    #[error("the argument `{0}` {1}")]
    Lacking(Excerpt, Lacking),
    /// It has it, and it is not what the caveat allows.
    #[error("the argument `{0}` is not what it allows")]
    NotAllowed(Excerpt),
    /// An argument that may not be there.
    #[error("the call has an argument `{0}`")]
    OtherArgument(Excerpt),
    /// More than any caveat on names can allow.
    #[error("the call has more than {ARGUMENT_NAMES_MAX} arguments")]
    TooManyArguments,
}

impl Failing {
    /// The argument it is about.
    pub(crate) fn argument(&self) -> Option<&Excerpt> {
        match self {
            Self::Lacking(name, _) | Self::NotAllowed(name) | Self::OtherArgument(name) => {
                Some(name)
            }
            Self::TooManyArguments => None,
        }
    }
}

/// Why a call does not satisfy a caveat on arguments. Displays the argument, shortened and escaped, and what is wrong with
/// it; never its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet(Failing);

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ArgumentCaveat {
    /// Whether calls of a tool are looked at.
    pub fn is_for(&self, tool: &ToolName) -> bool {
        self.tools.as_ref().is_none_or(|tools| tools.contains(tool))
    }

    /// Why a call does not satisfy it; `None` when it does. What others than tokens demand of arguments is asked here.
    pub fn unmet(&self, call: &CallFacts<'_>) -> Option<Unmet> {
        self.failing(call).map(Unmet)
    }

    /// The tools it is for; `None` for all.
    pub fn tools(&self) -> Option<&NameSet<ToolName>> {
        self.tools.as_ref()
    }

    /// The argument it is on; `None` where it is on their names.
    pub fn pointer(&self) -> Option<&Pointer> {
        match &self.rule {
            Rule::Only(_) => None,
            Rule::Test(test) => Some(&test.pointer),
        }
    }

    pub(super) fn check(&self) -> Check<'_> {
        let (kind, query) = match &self.rule {
            Rule::Only(names) => {
                let n = Term::Variable("n");
                let query = Query::new([Predicate::new(NAMES_FACT, [n.clone()])]);
                let names = Term::set_of(names.iter());
                (CheckKind::If, query.with(names, Operation::Contains, n))
            }
            Rule::Test(test) => (test.check_kind(), test.query()),
        };
        let other = self.tools.as_ref().map(|tools| {
            let t = Term::Variable("t");
            Query::new([Predicate::new("call:tool", [t.clone()])])
                .without(Term::set_of(tools.iter()), t)
        });
        Check {
            kind,
            queries: std::iter::once(query).chain(other).collect(),
        }
    }

    /// Reads the parameters out of a check. Sloppy on purpose: the caller compares with [`ArgumentCaveat::check`].
    pub(super) fn read(check: &Check<'_>) -> Option<Self> {
        let query = check.queries.first()?;
        let tools = match check.queries.get(1) {
            Some(other) => Some(read_tools(other)?),
            None => None,
        };
        let first = query.body.first()?;
        let rule = if first.name == NAMES_FACT {
            Rule::Only(read_names(query)?)
        } else {
            Rule::Test(Test::read(query)?)
        };
        Some(Self { tools, rule })
    }

    /// Its test, if it is one of an argument.
    pub(crate) fn test(&self) -> Option<&Test> {
        match &self.rule {
            Rule::Only(_) => None,
            Rule::Test(test) => Some(test),
        }
    }

    /// Likewise, if it binds calls of this tool.
    pub(crate) fn test_for(&self, tool: &ToolName) -> Option<&Test> {
        self.test().filter(|_| self.is_for(tool))
    }

    /// What a call lacks or has too much of.
    pub(crate) fn failing(&self, call: &CallFacts<'_>) -> Option<Failing> {
        if !self.is_for(call.tool) {
            return None;
        }
        match &self.rule {
            Rule::Only(names) => {
                let members = call.arguments.members();
                if members.len() > ARGUMENT_NAMES_MAX {
                    return Some(Failing::TooManyArguments);
                }
                let other = members.keys().find(|name| !names.contains(name.as_str()));
                other.map(|name| Failing::OtherArgument(Excerpt::of(name)))
            }
            Rule::Test(test) => test.failing(call.arguments),
        }
    }

    /// Bytes held beside the value itself, at most.
    pub(super) fn bytes_held(&self) -> usize {
        let tools = self.tools.iter().flat_map(NameSet::iter);
        let tools = tools.map(|tool| tool.as_str().len());
        let names = match &self.rule {
            Rule::Only(names) => names.iter().map(|name| name.len()).collect(),
            Rule::Test(test) => vec![test.pointer.as_str().len(), test.condition.bytes_held()],
        };
        tools
            .chain(names)
            .map(|bytes| bytes.saturating_add(64))
            .fold(0, usize::saturating_add)
    }
}

impl Test {
    /// The test, if the quality can be looked at in this way.
    pub(crate) fn new(
        pointer: Pointer,
        each: bool,
        quality: Quality,
        condition: Condition,
    ) -> Option<Self> {
        let possible =
            !each || (quality.items().is_some() && !matches!(condition, Condition::Is(_)));
        (possible && quality.has(&condition)).then_some(Self {
            pointer,
            each,
            quality,
            condition,
        })
    }

    /// Whether both look at the same quality of the same argument.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        (self.quality, self.each) == (other.quality, other.each) && self.pointer == other.pointer
    }

    /// Which of these hold, a bit for each number; none when the first fails. They are all alike, and what they look at is
    /// derived once: a token can hold a hundred tests of one argument, and an argument can take milliseconds to normalise.
    pub(crate) fn holding<'t>(
        arguments: &Arguments,
        tests: impl Iterator<Item = (usize, &'t Self)> + Clone,
    ) -> u128 {
        let Some((_, any)) = tests.clone().next() else {
            return 0;
        };
        let Ok(Some(value)) = any.pointer.resolve_unambiguous(arguments.members()) else {
            return 0;
        };
        let mut holding = tests
            .clone()
            .fold(0, |bits, (number, _)| bits | 1 << number);
        let mut look_at = |value| {
            let Ok(seen) = any.quality.of(value) else {
                return 0;
            };
            // The first that fails is the answer, so the others are of no interest then.
            if !any.condition.holds(&seen) {
                return 0;
            }
            for (number, test) in tests.clone().skip(1) {
                if holding >> number & 1 == 1 && !test.condition.holds(&seen) {
                    holding &= !(1 << number);
                }
            }
            holding
        };
        if !any.each {
            return look_at(value);
        }
        match value {
            Value::Array(elements) if (1..=ITEMS_MAX).contains(&elements.len()) => {
                let mut all = 0;
                for element in elements {
                    all = look_at(element);
                    if all == 0 {
                        break;
                    }
                }
                all
            }
            _ => 0,
        }
    }

    fn check_kind(&self) -> CheckKind {
        if self.each {
            CheckKind::All
        } else {
            CheckKind::If
        }
    }

    fn query(&self) -> Query<'_> {
        let pointer = || Term::text(self.pointer.as_str());
        let value = self.condition.term();
        let body = match self.quality.items().filter(|_| self.each) {
            Some((fact, kind)) => vec![
                Predicate::new(KIND_FACT, [pointer(), Term::text(kind)]),
                Predicate::new(fact, [pointer(), value]),
            ],
            None => vec![Predicate::new(self.quality.fact(), [pointer(), value])],
        };
        self.condition.restrict(Query::new(body))
    }

    fn read(query: &Query<'_>) -> Option<Self> {
        let (each, fact) = match query.body.as_slice() {
            [fact] => (false, fact),
            [_, fact] => (true, fact),
            _ => return None,
        };
        let quality = Quality::ALL
            .into_iter()
            .find(|quality| match quality.items() {
                Some((items, _)) if each => items == fact.name,
                _ => !each && quality.fact() == fact.name,
            })?;
        let [Term::Text(pointer), value] = fact.terms.as_slice() else {
            return None;
        };
        let condition = match value {
            Term::Variable(_) => Condition::read(&query.expressions)?,
            Term::Bool(value) => Condition::Is(Constant::Bool(*value)),
            Term::Integer(value) => Condition::Is(Constant::Integer(*value)),
            Term::Text(_) if quality == Quality::Null => Condition::Is(Constant::Null),
            Term::Text(text) => Condition::Is(Constant::Text(text.as_ref().into())),
            _ => return None,
        };
        Self::new(pointer.parse().ok()?, each, quality, condition)
    }

    fn failing(&self, arguments: &Arguments) -> Option<Failing> {
        let name = || Excerpt::of(self.pointer.as_str());
        let lacking = |lacking| Some(Failing::Lacking(name(), lacking));
        let value = match self.pointer.resolve_unambiguous(arguments.members()) {
            Ok(Some(value)) => value,
            Ok(None) => return lacking(Lacking::Missing),
            Err(ambiguous) => return lacking(ambiguous.into()),
        };
        if !self.each {
            return match self.quality.of(value) {
                Ok(seen) if self.condition.holds(&seen) => None,
                Ok(_) => Some(Failing::NotAllowed(name())),
                Err(reason) => lacking(reason),
            };
        }
        let Value::Array(elements) = value else {
            return lacking(Lacking::Array);
        };
        if !(1..=ITEMS_MAX).contains(&elements.len()) {
            return lacking(Lacking::Array);
        }
        elements
            .iter()
            .find_map(|element| match self.quality.of(element) {
                Ok(seen) if self.condition.holds(&seen) => None,
                Ok(_) => Some(Failing::NotAllowed(name())),
                Err(reason) => lacking(Lacking::Element(Box::new(reason))),
            })
    }
}

fn read_tools(query: &Query<'_>) -> Option<NameSet<ToolName>> {
    let tools = read_set(query)?;
    let tools = tools.map(|tool| tool.parse().ok());
    NameSet::new(tools.collect::<Option<Vec<_>>>()?).ok()
}

fn read_names(query: &Query<'_>) -> Option<BTreeSet<Box<str>>> {
    let names: BTreeSet<Box<str>> = read_set(query)?.map(Into::into).collect();
    argument_names(names)
}

/// Names of arguments, few and short enough to stand in a check.
pub(crate) fn argument_names(names: BTreeSet<Box<str>>) -> Option<BTreeSet<Box<str>>> {
    let fits = names.len() <= ARGUMENT_NAMES_MAX
        && names.iter().all(|name| name.len() <= SYMBOL_BYTES_MAX);
    fits.then_some(names)
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
