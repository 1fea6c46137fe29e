//! Who answers with a denial code.

use std::fmt;

/// The part of Hallpass that answers with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnsweredBy {
    /// What reads a request, before there is a call.
    Binding,
    /// The pipeline around a tool call.
    Guard,
    /// No part of this version. The code is kept, with everything about it, for what is named here.
    Reserved(&'static str),
    /// The verifier, and the permits it hands out.
    Verifier,
}

impl fmt::Display for AnsweredBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binding => f.write_str("binding"),
            Self::Guard => f.write_str("guard"),
            Self::Reserved(kept_for) => write!(f, "reserved: {kept_for}"),
            Self::Verifier => f.write_str("verifier"),
        }
    }
}
