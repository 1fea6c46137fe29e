//! `check if time($t), $t < 2026-11-21T09:31:00Z`

use hallpass_vocabulary::Timestamp;

use crate::datalog::{Check, Operation, Term};
use crate::date;
use crate::decide::CallFacts;

pub(super) fn check<'a>(end: Timestamp) -> Check<'a> {
    crate::authority::before(end)
}

pub(super) fn read(check: &Check<'_>) -> Option<Timestamp> {
    let query = check.queries.first()?;
    match query.expressions.first()?.as_slice() {
        [_, Operation::Value(Term::Date(seconds)), _] => date::timestamp(*seconds),
        _ => None,
    }
}

pub(super) fn holds(end: Timestamp, call: &CallFacts<'_>) -> bool {
    // Whole seconds on both sides, as the engine has them.
    call.now.unix_seconds() < end.unix_seconds()
}
