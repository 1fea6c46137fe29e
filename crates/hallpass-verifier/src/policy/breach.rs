//! How a call breaks a rule, in words for the journal.

use std::fmt;

use hallpass_token::Unmet;

use super::clause::{Reason, RuleName};

/// A rule, and how a call breaks it. Displays the rule's name first; names an argument, escaped, and never its value.
#[derive(Debug)]
pub(crate) struct Breach<'p> {
    pub(super) rule: &'p RuleName,
    pub(super) reason: Option<&'p Reason>,
    pub(super) why: Why<'p>,
}

#[derive(Debug)]
pub(super) enum Why<'p> {
    Denied,
    NotBound,
    /// A requirement in words, and why it is not met.
    Requirement(&'p str, Unmet),
    SubjectNotVerified,
}

impl fmt::Display for Breach<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule `{}` ", self.rule.as_str())?;
        match &self.why {
            Why::Denied => f.write_str("denies the call"),
            Why::NotBound => f.write_str("requires a token that is bound to a key"),
            Why::Requirement(words, unmet) => write!(f, "requires `{words}`, and {unmet}"),
            Why::SubjectNotVerified => {
                f.write_str("requires a verified subject, and the token's is asserted")
            }
        }?;
        match self.reason {
            Some(reason) => write!(f, ": {}", reason.as_str()),
            None => Ok(()),
        }
    }
}
