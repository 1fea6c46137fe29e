//! Why a call does not satisfy a caveat on arguments.

use std::fmt;

use super::quality::Lacking;
use crate::excerpt::Excerpt;
use crate::limits::ARGUMENT_NAMES_MAX;

/// Why a caveat on arguments does not hold. Names the argument, escaped, and says nothing of its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failing {
    /// Each alternative of an `either`, and the first of its rules that does not hold.
    #[error("no alternative holds: {}", Numbered(.0))]
    Alternatives(Vec<Failing>),
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
    /// The argument it is about; of alternatives, the one that all of them fail on.
    pub(crate) fn argument(&self) -> Option<&Excerpt> {
        match self {
            Self::Lacking(name, _) | Self::NotAllowed(name) | Self::OtherArgument(name) => {
                Some(name)
            }
            Self::Alternatives(failing) => {
                let (first, others) = failing.split_first()?;
                let first = first.argument()?;
                let same = |other: &Failing| other.argument() == Some(first);
                others.iter().all(same).then_some(first)
            }
            Self::TooManyArguments => None,
        }
    }
}

/// What fails each alternative, numbered as they stand in the words.
struct Numbered<'a>(&'a [Failing]);

impl fmt::Display for Numbered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, failing) in (1..).zip(self.0) {
            let separator = if number == 1 { "" } else { "; " };
            write!(f, "{separator}{number}. {failing}")?;
        }
        Ok(())
    }
}

/// Why a call does not satisfy a caveat on arguments. Displays the argument, shortened and escaped, and what is wrong with
/// it; never its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet(pub(super) Failing);

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
