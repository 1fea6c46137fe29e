//! A check that is no published caveat: admitted if the work it can make is bounded, and that work.

use std::collections::BTreeSet;
use std::fmt;
use std::fmt::Write as _;

use biscuit_auth::builder;
use hallpass_vocabulary::Pointer;

use crate::admission::Place;
use crate::datalog::{Check, Operation, Predicate, Query, Term};
use crate::engine::run;
use crate::limits::{
    EXTENDED_EXPRESSIONS_MAX, EXTENDED_PREDICATES_MAX, EXTENDED_QUERIES_MAX, EXTENDED_STEPS_MAX,
    EXTENDED_WORK_MAX,
};

/// Why a check is not admitted in the extended profile either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Unbounded {
    /// More than [`EXTENDED_EXPRESSIONS_MAX`] expressions in a query.
    #[error("a query has more than {EXTENDED_EXPRESSIONS_MAX} expressions")]
    Expressions,
    /// An expression that takes more values than there are, or leaves other than one.
    #[error("an expression is not well formed")]
    Malformed,
    /// Datalog beyond the extended profile: closures, regular expressions, arithmetic, calls, null, arrays, maps, nested
    /// sets, `reject if`.
    #[error("it uses Datalog that is not admitted")]
    NotAdmitted,
    /// More than [`EXTENDED_PREDICATES_MAX`] predicates in a query.
    #[error("a query has more than {EXTENDED_PREDICATES_MAX} predicates")]
    Predicates,
    /// No query, or more than [`EXTENDED_QUERIES_MAX`].
    #[error("it has no alternative, or more than {EXTENDED_QUERIES_MAX}")]
    Queries,
    /// More than [`EXTENDED_STEPS_MAX`] steps in an expression.
    #[error("an expression has more than {EXTENDED_STEPS_MAX} steps")]
    Steps,
    /// A variable of an expression that no predicate binds.
    #[error("an expression has a variable that no predicate binds")]
    Unbound,
}

/// An admitted check that is no published caveat.
#[derive(Debug, Clone)]
pub(crate) struct OtherCheck {
    pub(crate) place: Place,
    /// The beginning of its Datalog, escaped: it is a holder's text, and a short one can stand in it often.
    pub(crate) datalog: String,
    /// As the engine takes it.
    pub(crate) engine: builder::Check,
    /// The arguments it names.
    pub(crate) pointers: Vec<Pointer>,
    queries: Vec<Shape>,
    /// Bytes of its terms.
    bytes: usize,
}

/// Characters of the Datalog that are kept to be shown.
const SHOWN_BYTES_MAX: usize = 1_024;

/// What the work of one query depends on.
#[derive(Debug, Clone)]
struct Shape {
    /// Each predicate: its name, and its terms where they are constants.
    body: Vec<(String, Vec<Option<builder::Term>>)>,
    steps: u64,
}

impl OtherCheck {
    /// Admits a check by its shape; what it costs for one call is [`OtherCheck::work`].
    pub(crate) fn admit(place: Place, check: &Check<'_>) -> Result<Self, Unbounded> {
        if !(1..=EXTENDED_QUERIES_MAX).contains(&check.queries.len()) {
            return Err(Unbounded::Queries);
        }
        let queries = check.queries.iter().map(shape);
        let queries = queries.collect::<Result<Vec<_>, _>>()?;
        let predicates = check.queries.iter().flat_map(|query| &query.body);
        let pointers = predicates
            .filter(|predicate| predicate.name.starts_with("call:"))
            .filter_map(|predicate| match predicate.terms.first() {
                Some(Term::Text(text)) => text.parse().ok(),
                _ => None,
            });
        Ok(Self {
            place,
            datalog: beginning(check),
            bytes: weight(check),
            engine: run::check(check),
            pointers: pointers.collect(),
            queries,
        })
    }

    /// The names of the facts it looks at.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let bodies = self.queries.iter().flat_map(|query| &query.body);
        bodies.map(|(name, _)| name.as_str())
    }

    /// The most it can make the engine do over these facts, counted no further than [`EXTENDED_WORK_MAX`]: for each predicate the engine goes through all facts for every
    /// combination of those before it, and the expressions are evaluated for every combination of all. `text` is the work
    /// of one step on the longest text.
    pub(crate) fn work(&self, facts: &[builder::Fact], text: u64) -> u64 {
        let all = count(facts.len());
        let mut work: u64 = 0;
        for query in &self.queries {
            let mut combinations: u64 = 1;
            for (name, constants) in &query.body {
                work = work.saturating_add(combinations.saturating_mul(all));
                // Counting is work too.
                if work > EXTENDED_WORK_MAX {
                    return work;
                }
                let matching = facts.iter().filter(|fact| matches(fact, name, constants));
                combinations = combinations.saturating_mul(count(matching.count()));
            }
            let steps = query.steps.saturating_mul(text).saturating_add(1);
            work = work.saturating_add(combinations.saturating_mul(steps));
        }
        work
    }

    /// Bytes it holds beside the value itself, about: its terms as the engine takes them and in its shape.
    pub(crate) fn bytes_held(&self) -> usize {
        self.datalog
            .len()
            .saturating_add(self.bytes.saturating_mul(2))
    }
}

/// The text of a check, as far as it is kept.
fn beginning(check: &Check<'_>) -> String {
    struct Beginning(String);

    impl fmt::Write for Beginning {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            if self.0.len().saturating_add(text.len()) > SHOWN_BYTES_MAX {
                return Err(fmt::Error);
            }
            self.0.push_str(text);
            Ok(())
        }
    }

    let mut beginning = Beginning(String::new());
    match write!(beginning, "{check}") {
        Ok(()) => beginning.0,
        Err(fmt::Error) => beginning.0 + "…",
    }
}

/// About how many bytes its terms are.
fn weight(check: &Check<'_>) -> usize {
    const TERM_BYTES: usize = 96;
    fn of_term(term: &Term<'_>) -> usize {
        let own = match term {
            Term::Bytes(bytes) => bytes.len(),
            Term::Set(elements) => elements.iter().map(of_term).sum(),
            Term::Text(text) => text.len(),
            Term::Variable(name) => name.len(),
            Term::Bool(_) | Term::Date(_) | Term::Integer(_) => 0,
        };
        own.saturating_add(TERM_BYTES)
    }
    let of_query = |query: &Query<'_>| -> usize {
        let body = query.body.iter();
        let body = body.flat_map(|predicate| predicate.terms.iter().map(of_term));
        let steps = query.expressions.iter().flatten().map(|step| match step {
            Operation::Value(term) => of_term(term),
            _ => TERM_BYTES,
        });
        body.chain(steps).sum()
    };
    check.queries.iter().map(of_query).sum()
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn matches(fact: &builder::Fact, name: &str, constants: &[Option<builder::Term>]) -> bool {
    let predicate = &fact.predicate;
    predicate.name == name
        && predicate.terms.len() == constants.len()
        && predicate
            .terms
            .iter()
            .zip(constants)
            .all(|(term, constant)| constant.as_ref().is_none_or(|constant| constant == term))
}

fn shape(query: &Query<'_>) -> Result<Shape, Unbounded> {
    if query.body.len() > EXTENDED_PREDICATES_MAX {
        return Err(Unbounded::Predicates);
    }
    if query.expressions.len() > EXTENDED_EXPRESSIONS_MAX {
        return Err(Unbounded::Expressions);
    }
    if !query.trusting.is_empty() {
        return Err(Unbounded::NotAdmitted);
    }
    let bound: BTreeSet<&str> = query
        .body
        .iter()
        .flat_map(|predicate| &predicate.terms)
        .filter_map(variable)
        .collect();
    let mut steps = 0;
    for expression in &query.expressions {
        if expression.len() > EXTENDED_STEPS_MAX {
            return Err(Unbounded::Steps);
        }
        if !is_well_formed(expression) {
            return Err(Unbounded::Malformed);
        }
        let unbound = |step: &Operation<'_>| match step {
            Operation::Value(term) => variable(term).is_some_and(|name| !bound.contains(name)),
            _ => false,
        };
        if expression.iter().any(unbound) {
            return Err(Unbounded::Unbound);
        }
        steps += count(expression.len());
    }
    Ok(Shape {
        body: query.body.iter().map(constants).collect(),
        steps,
    })
}

fn variable<'a>(term: &Term<'a>) -> Option<&'a str> {
    match term {
        Term::Variable(name) => Some(name),
        _ => None,
    }
}

fn constants(predicate: &Predicate<'_>) -> (String, Vec<Option<builder::Term>>) {
    let terms = predicate.terms.iter().map(|term| match term {
        Term::Variable(_) => None,
        term => Some(run::engine_term(term.clone())),
    });
    (predicate.name.to_owned(), terms.collect())
}

/// Whether each step finds its operands and one value is left.
fn is_well_formed(expression: &[Operation<'_>]) -> bool {
    let mut depth = 0_usize;
    for step in expression {
        match depth.checked_sub(step.operands()) {
            Some(left) => depth = left + 1,
            None => return false,
        }
    }
    depth == 1
}
