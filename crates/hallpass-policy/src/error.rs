//! Everything that is wrong with a policy, and where.

use std::fmt;

use crate::fault::Fault;
use crate::place::Place;

/// Everything that is wrong with a policy; never empty. Displays as one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyErrors(Vec<PolicyError>);

/// One thing that is wrong, with its place. Displays as `file:line: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// Where it is written.
    pub place: Place,
    /// What is wrong there.
    pub fault: Fault,
}

impl PolicyErrors {
    /// `None` when there is nothing wrong.
    pub(crate) fn of(errors: Vec<PolicyError>) -> Option<Self> {
        (!errors.is_empty()).then_some(Self(errors))
    }

    pub(crate) fn one(error: PolicyError) -> Self {
        Self(vec![error])
    }

    /// Each of them, by file and line.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyError> {
        self.0.iter()
    }
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyErrors {}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.fault)
    }
}

impl std::error::Error for PolicyError {}
