//! Running the engine: its limits, its panics, and our tree in its types.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use biscuit_auth::AuthorizerLimits;
use biscuit_auth::builder::{
    Binary, Check, CheckKind, Expression, Fact, Op, Policy, PolicyKind, Predicate, Rule, Term,
    Unary,
};

use crate::datalog;

/// How long the engine may take. A backstop only: what is admitted takes well under a millisecond, and at 100 ms no
/// valid call failed on a busy machine.
const ENGINE_TIME_MAX: Duration = Duration::from_millis(250);

/// Facts the engine may hold: those of the largest token and call, whose arrays have up to 1,024 elements with a dozen
/// facts each, and of several such arrays. Looked at between rounds of rules only, and admitted tokens have no rules.
const ENGINE_FACTS_MAX: u64 = 100_000;

/// Rounds of rules the engine may run. Admitted tokens have no rules.
const ENGINE_ITERATIONS_MAX: u64 = 10;

/// The engine panics in places; what it leaves behind is dropped with the closure.
pub(crate) fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

pub(crate) fn limits() -> AuthorizerLimits {
    AuthorizerLimits {
        max_facts: ENGINE_FACTS_MAX,
        max_iterations: ENGINE_ITERATIONS_MAX,
        max_time: ENGINE_TIME_MAX,
    }
}

/// `allow if true`: the checks of the token decide.
pub(crate) fn allow_all() -> Policy {
    let head = Predicate {
        name: "query".to_owned(),
        terms: Vec::new(),
    };
    let truth = Expression {
        ops: vec![Op::Value(Term::Bool(true))],
    };
    Policy {
        queries: vec![Rule::new(head, Vec::new(), vec![truth], Vec::new())],
        kind: PolicyKind::Allow,
    }
}

/// A term of ours as the engine's.
pub(crate) fn engine_term(term: datalog::Term<'_>) -> Term {
    match term {
        datalog::Term::Bool(value) => Term::Bool(value),
        datalog::Term::Bytes(bytes) => Term::Bytes(bytes.into_owned()),
        datalog::Term::Date(seconds) => Term::Date(seconds),
        datalog::Term::Integer(value) => Term::Integer(value),
        datalog::Term::Set(elements) => Term::Set(elements.into_iter().map(engine_term).collect()),
        datalog::Term::Text(text) => Term::Str(text.into_owned()),
        datalog::Term::Variable(name) => Term::Variable(name.to_owned()),
    }
}

/// A fact of ours as the engine's.
pub(crate) fn fact(fact: datalog::Predicate<'_>) -> Fact {
    let terms: Vec<_> = fact.terms.into_iter().map(engine_term).collect();
    Fact::new(fact.name.to_owned(), terms)
}

/// A check of ours as the engine's; what it trusts is left to the place it stands in.
pub(crate) fn check(check: &datalog::Check<'_>) -> Check {
    let queries = check.queries.iter().map(|query| {
        let body = query.body.iter().map(|predicate| Predicate {
            name: predicate.name.to_owned(),
            terms: predicate.terms.iter().cloned().map(engine_term).collect(),
        });
        let expressions = query.expressions.iter().map(|steps| Expression {
            ops: steps.iter().map(operation).collect(),
        });
        let head = Predicate {
            name: "query".to_owned(),
            terms: Vec::new(),
        };
        Rule::new(head, body.collect(), expressions.collect(), Vec::new())
    });
    Check {
        queries: queries.collect(),
        kind: match check.kind {
            datalog::CheckKind::All => CheckKind::All,
            datalog::CheckKind::If => CheckKind::One,
        },
    }
}

fn operation(step: &datalog::Operation<'_>) -> Op {
    use datalog::Operation as O;
    match step {
        O::And => Op::Binary(Binary::And),
        O::Contains => Op::Binary(Binary::Contains),
        O::EndsWith => Op::Binary(Binary::Suffix),
        O::Equal => Op::Binary(Binary::Equal),
        O::GreaterOrEqual => Op::Binary(Binary::GreaterOrEqual),
        O::GreaterThan => Op::Binary(Binary::GreaterThan),
        O::HeterogeneousEqual => Op::Binary(Binary::HeterogeneousEqual),
        O::HeterogeneousNotEqual => Op::Binary(Binary::HeterogeneousNotEqual),
        O::Length => Op::Unary(Unary::Length),
        O::LessOrEqual => Op::Binary(Binary::LessOrEqual),
        O::LessThan => Op::Binary(Binary::LessThan),
        O::Negate => Op::Unary(Unary::Negate),
        O::NotEqual => Op::Binary(Binary::NotEqual),
        O::Or => Op::Binary(Binary::Or),
        O::Parens => Op::Unary(Unary::Parens),
        O::StartsWith => Op::Binary(Binary::Prefix),
        O::Value(term) => Op::Value(engine_term(term.clone())),
    }
}
