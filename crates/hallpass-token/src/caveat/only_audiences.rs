//! `check if call:audience($a), {"kb", "tickets"}.contains($a)`

use hallpass_vocabulary::Audience;

use crate::datalog::{Check, Operation, Predicate, Query, Term};
use crate::names::NameSet;

pub(super) fn check(audiences: &NameSet<Audience>) -> Check<'_> {
    let a = Term::Variable("a");
    let query = Query::new([Predicate::new("call:audience", [a.clone()])]);
    Check::if_any([query.with(Term::set_of(audiences.iter()), Operation::Contains, a)])
}

pub(super) fn read(check: &Check<'_>) -> Option<NameSet<Audience>> {
    super::only_tools::names_in(check, "call:audience")
}
