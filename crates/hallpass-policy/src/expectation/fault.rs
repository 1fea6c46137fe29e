//! What can be wrong with a file of expectations, and where.

use std::fmt;

use hallpass_vocabulary::{Role, ToolName};

use crate::decide::PolicyRefusal;
use crate::{POLICY_FILE_BYTES_MAX, PROSE_CHARS_MAX};

/// Everything that is wrong; never empty. Displays as one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectationErrors(pub(super) Vec<ExpectationError>);

/// One thing that is wrong, with its place. Displays as `file:line: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectationError {
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: ExpectationFault,
}

/// What is wrong with an expectation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpectationFault {
    /// The arguments of a call are no JSON object.
    #[error("`arguments` is no JSON object of a call: {0}")]
    Arguments(String),
    /// A refused request leaves no token to ask.
    #[error("`refused` stands alone: nothing is granted, so nothing else can be wanted")]
    BesideRefused,
    /// The file is larger than [`POLICY_FILE_BYTES_MAX`].
    #[error("the file is larger than {POLICY_FILE_BYTES_MAX} bytes")]
    FileTooLarge,
    /// Not TOML, an unknown key, a missing key, or a value of the wrong form.
    #[error("{0}")]
    Form(String),
    /// The question lacks a part.
    #[error("`{0}` is missing, here and under `[defaults]`")]
    Missing(&'static str),
    /// A name of nothing, or a very long one.
    #[error("`name` must be 1 to {PROSE_CHARS_MAX} characters on one line")]
    Name,
    /// Two expectations have one name.
    #[error("an expectation named `{0}` is already there")]
    NameTwice(String),
    /// It would hold whatever the policy says.
    #[error("nothing is wanted: give `allow`, `needs_approval`, `deny`, `calls` or `refused`")]
    NothingWanted,
    /// A refusal that does not exist.
    #[error("`{written}` is no refusal; {}", suggestion.as_deref().map_or_else(refusals, |code| format!("did you mean `{code}`?")))]
    RefusalUnknown {
        /// What was written.
        written: String,
        /// The nearest one.
        suggestion: Option<String>,
    },
    /// A role no file defines.
    #[error("no role `{written}` is defined{}", suggested(suggestion.as_deref()))]
    RoleUnknown {
        /// What was written.
        written: Role,
        /// The nearest name that exists.
        suggestion: Option<String>,
    },
    /// One tool in two lists, or twice in one.
    #[error("tool `{0}` is already listed")]
    ToolTwice(ToolName),
    /// A tool no file defines.
    #[error("no tool `{written}` is defined{}", suggested(suggestion.as_deref()))]
    ToolUnknown {
        /// What was written.
        written: ToolName,
        /// The nearest name that exists.
        suggestion: Option<String>,
    },
}

fn suggested(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn refusals() -> String {
    let codes: Vec<String> = PolicyRefusal::ALL
        .iter()
        .map(|refusal| format!("`{}`", refusal.code()))
        .collect();
    format!("there are {}", codes.join(", "))
}

impl ExpectationErrors {
    /// Each of them, by file and line.
    pub fn iter(&self) -> impl Iterator<Item = &ExpectationError> {
        self.0.iter()
    }
}

impl fmt::Display for ExpectationErrors {
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

impl std::error::Error for ExpectationErrors {}

impl fmt::Display for ExpectationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.fault)
    }
}

impl std::error::Error for ExpectationError {}
