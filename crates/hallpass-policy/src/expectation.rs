//! Expectations: what a policy's authors want of it, written beside it and held to it.
//!
//! Each is a question and the exact answer. The format is described in `docs/policy-tools.md`.

mod document;
mod fault;
mod outcome;
mod read;

use std::collections::BTreeSet;

use hallpass_args::Arguments;
use hallpass_vocabulary::ToolName;

use crate::decide::PolicyRefusal;
use crate::question::Question;

pub use fault::{ExpectationError, ExpectationErrors, ExpectationFault};
pub use outcome::{Difference, Outcome};

/// One expectation.
#[derive(Debug, Clone)]
pub struct Expectation {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) question: Question,
    pub(crate) wanted: Wanted,
}

/// The answer that is wanted.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    Granted(Granted),
    Refused(PolicyRefusal),
}

/// What a granted token must say. What is `None` is not looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Granted {
    /// Exactly the tools callable at once.
    pub(crate) allow: Option<BTreeSet<ToolName>>,
    /// Exactly the tools callable with an approval.
    pub(crate) needs_approval: Option<BTreeSet<ToolName>>,
    /// Tools that are neither.
    pub(crate) deny: BTreeSet<ToolName>,
    pub(crate) calls: Vec<WantedCall>,
}

/// A call, and what the token must say to it.
#[derive(Debug, Clone)]
pub(crate) struct WantedCall {
    pub(crate) tool: ToolName,
    pub(crate) arguments: Arguments,
    pub(crate) shown: String,
    pub(crate) answer: CallWord,
}

/// The word for an answer to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallWord {
    Allow,
    Deny,
    NeedsApproval,
}

impl CallWord {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::NeedsApproval => "needs_approval",
        }
    }
}

impl Expectation {
    /// The file it stands in.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line it begins at.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What its author calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is asked.
    pub fn question(&self) -> &Question {
        &self.question
    }
}
