//! What a caveat demands of the arguments, without the tools it is for.

use std::collections::BTreeSet;
use std::fmt;

use hallpass_vocabulary::{Pointer, ToolName};

use super::alternatives::Alternatives;
use super::failing::Failing;
use super::looks::Looks;
use super::test::Test;
use super::{ArgumentCaveat, NAMES_FACT};
use crate::caveat::Caveat;
use crate::datalog::{CheckKind, Operation, Predicate, Query, Term};
use crate::excerpt::Excerpt;
use crate::limits::{ARGUMENT_NAMES_MAX, SYMBOL_BYTES_MAX};
use crate::names::NameSet;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The rules of at least one alternative hold.
    Either(Alternatives),
    /// The call has no other arguments than these.
    Only(BTreeSet<Box<str>>),
    Test(Test),
}

/// A rule on arguments: a caveat on them without the tools it is for. Displays in words.
///
/// It comes from a caveat ([`ArgumentCaveat::rule`]) and goes into one: [`Caveat::on_arguments`], [`Caveat::either`],
/// [`Caveat::any_of`].
///
/// ```
/// use hallpass_token::Caveat;
///
/// let Caveat::Argument(caveat) = "for kb.search: /limit<=100".parse()? else {
///     unreachable!("it is on an argument")
/// };
/// assert_eq!(caveat.tools().map(|tools| tools.iter().count()), Some(1));
/// assert_eq!(caveat.rule().to_string(), "/limit<=100");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentRule(pub(crate) Rule);

impl fmt::Display for ArgumentRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ArgumentRule {
    /// The alternatives of an `either`, each with its rules, in the order of the words; none of another rule.
    pub fn alternatives(&self) -> Option<Vec<Vec<ArgumentRule>>> {
        let Rule::Either(alternatives) = &self.0 else {
            return None;
        };
        let rules = |rules: &[Rule]| rules.iter().cloned().map(ArgumentRule).collect();
        Some(alternatives.iter().map(rules).collect())
    }

    /// Whether it is on each element of an array. Such a rule cannot stand in an `either`.
    pub fn is_on_each(&self) -> bool {
        matches!(&self.0, Rule::Test(test) if test.each)
    }

    /// The arguments it is on; those on names are on none.
    pub fn pointers(&self) -> Vec<&Pointer> {
        self.0.pointers()
    }
}

impl ArgumentCaveat {
    /// What it demands, without the tools it is for.
    pub fn rule(&self) -> ArgumentRule {
        ArgumentRule(self.rule.clone())
    }
}

impl Caveat {
    /// The caveat that a rule is, for calls of these tools; `None` for all.
    pub fn on_arguments(tools: Option<NameSet<ToolName>>, rule: ArgumentRule) -> Self {
        Self::Argument(ArgumentCaveat {
            tools,
            rule: rule.0,
        })
    }
}

impl Rule {
    /// Its kind of check and its queries.
    pub(super) fn queries(&self) -> (CheckKind, Vec<Query<'_>>) {
        match self {
            Self::Either(alternatives) => (CheckKind::If, alternatives.queries()),
            Self::Only(_) => (CheckKind::If, vec![self.conjoined(Query::new([]), "n")]),
            Self::Test(test) => (test.check_kind(), vec![test.query()]),
        }
    }

    /// A query with this rule added to it. Alternatives and tests of elements are no part of a query.
    pub(super) fn conjoined<'a>(&'a self, query: Query<'a>, variable: &'a str) -> Query<'a> {
        match self {
            Self::Either(_) => query,
            Self::Only(names) => {
                let n = Term::Variable(variable);
                let query = query.and(Predicate::new(NAMES_FACT, [n.clone()]));
                query.with(Term::set_of(names.iter()), Operation::Contains, n)
            }
            Self::Test(test) => test.conjoined(query, variable),
        }
    }

    /// The rule of one query, whatever its variable.
    pub(super) fn read(query: &Query<'_>) -> Option<Self> {
        if query.body.first()?.name == NAMES_FACT {
            read_names(query).map(Self::Only)
        } else {
            Test::read(query).map(Self::Test)
        }
    }

    pub(super) fn holds_with<'a>(&'a self, looks: &mut Looks<'a>) -> bool {
        match self {
            Self::Either(alternatives) => alternatives.hold_with(looks),
            Self::Only(names) => other_argument(names, looks).is_none(),
            Self::Test(test) => test.holds_with(looks),
        }
    }

    /// What a call lacks or has too much of.
    pub(super) fn failing<'a>(&'a self, looks: &mut Looks<'a>) -> Option<Failing> {
        match self {
            Self::Either(alternatives) => alternatives.failing(looks),
            Self::Only(names) => other_argument(names, looks),
            Self::Test(test) => test.failing(looks),
        }
    }

    /// Each list of rules one of which has to hold whole; a plain rule is one by itself.
    pub(crate) fn alternatives(&self) -> impl Iterator<Item = &[Rule]> {
        let (several, plain) = match self {
            Self::Either(alternatives) => (Some(alternatives.iter()), None),
            Self::Only(_) | Self::Test(_) => (None, Some(std::slice::from_ref(self))),
        };
        several.into_iter().flatten().chain(plain)
    }

    pub(crate) fn pointers(&self) -> Vec<&Pointer> {
        match self {
            Self::Either(alternatives) => {
                let rules = alternatives.iter().flatten();
                rules.flat_map(Self::pointers).collect()
            }
            Self::Only(_) => Vec::new(),
            Self::Test(test) => vec![&test.pointer],
        }
    }

    /// Bytes held beside the value itself, at most.
    pub(super) fn bytes_held(&self) -> usize {
        match self {
            Self::Either(alternatives) => alternatives.bytes_held(),
            Self::Only(names) => names
                .iter()
                .map(|name| name.len().saturating_add(64))
                .fold(0, usize::saturating_add),
            Self::Test(test) => test.bytes_held(),
        }
    }
}

fn other_argument(names: &BTreeSet<Box<str>>, looks: &Looks<'_>) -> Option<Failing> {
    let members = looks.arguments().members();
    if members.len() > ARGUMENT_NAMES_MAX {
        return Some(Failing::TooManyArguments);
    }
    let other = members.keys().find(|name| !names.contains(name.as_str()));
    other.map(|name| Failing::OtherArgument(Excerpt::of(name)))
}

fn read_names(query: &Query<'_>) -> Option<BTreeSet<Box<str>>> {
    let names: BTreeSet<Box<str>> = super::read_set(query)?.map(Into::into).collect();
    argument_names(names)
}

/// Names of arguments, few and short enough to stand in a check.
pub(crate) fn argument_names(names: BTreeSet<Box<str>>) -> Option<BTreeSet<Box<str>>> {
    let fits = names.len() <= ARGUMENT_NAMES_MAX
        && names.iter().all(|name| name.len() <= SYMBOL_BYTES_MAX);
    fits.then_some(names)
}
