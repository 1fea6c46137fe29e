//! `check if call:tool($t), {"kb.search", "tickets.get"}.contains($t)`

use std::str::FromStr;

use hallpass_vocabulary::ToolName;

use crate::datalog::{Check, Operation, Predicate, Query, Term};
use crate::names::NameSet;

pub(super) fn check(tools: &NameSet<ToolName>) -> Check<'_> {
    let t = Term::Variable("t");
    let query = Query::new([Predicate::new("call:tool", [t.clone()])]);
    Check::if_any([query.with(Term::set_of(tools.iter()), Operation::Contains, t)])
}

pub(super) fn read(check: &Check<'_>) -> Option<NameSet<ToolName>> {
    names_in(check, "call:tool")
}

/// The names in the set a check on this fact begins its expression with.
pub(super) fn names_in<T: FromStr + Ord>(check: &Check<'_>, fact: &str) -> Option<NameSet<T>> {
    let query = check.queries.first()?;
    query
        .body
        .first()
        .filter(|predicate| predicate.name == fact)?;
    let Operation::Value(Term::Set(elements)) = query.expressions.first()?.first()? else {
        return None;
    };
    let names = elements.iter().map(|element| match element {
        Term::Text(text) => text.parse().ok(),
        _ => None,
    });
    NameSet::new(names.collect::<Option<Vec<T>>>()?).ok()
}
