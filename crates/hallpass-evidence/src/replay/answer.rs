//! What was answered, what would be, and how often both differ.

use std::collections::BTreeMap;

use hallpass_vocabulary::{Route, ToolName};

/// The most examples of one row.
pub const EXAMPLES_MAX: usize = 5;
/// The most rows; past it what would be another is counted under its answers alone.
pub const ROWS_MAX: usize = 10_000;

/// What a request or a call is told, as far as a policy decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// It goes on.
    Allow,
    /// It goes on with an approval.
    Approval,
    /// It does not go on.
    Deny,
}

impl Answer {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Approval => "needs_approval",
            Self::Deny => "deny",
        }
    }
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asked {
    /// A call of a tool.
    Call,
    /// A request for a token.
    Mint,
}

impl Asked {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Mint => "mint",
        }
    }
}

/// What is alike in several records that would be answered otherwise, or of which that cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// What it would be; `None` where the records do not tell.
    pub now: Option<Answer>,
    /// What it was.
    pub before: Answer,
    /// What was asked.
    pub asked: Asked,
    /// Under which route.
    pub route: Option<Route>,
    /// Which tool is called, or is in the token.
    pub tool: Option<ToolName>,
    /// Why it would be so, or why that cannot be told.
    pub why: String,
}

/// How many records there are of a difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Often {
    /// How many.
    pub count: u64,
    /// The decisions or tokens of the first of them.
    pub examples: Vec<String>,
}

/// All differences.
#[derive(Debug, Default)]
pub(super) struct Differences(BTreeMap<Difference, Often>);

impl Differences {
    pub(super) fn add(&mut self, difference: Difference, example: Option<String>) {
        let difference = match self.0.len() >= ROWS_MAX && !self.0.contains_key(&difference) {
            true => Difference {
                route: None,
                tool: None,
                why: "further differences, each with reasons of its own".to_owned(),
                ..difference
            },
            false => difference,
        };
        let often = self.0.entry(difference).or_default();
        often.count = often.count.saturating_add(1);
        if often.examples.len() < EXAMPLES_MAX {
            often.examples.extend(example);
        }
    }

    pub(super) fn into_rows(self) -> Vec<(Difference, Often)> {
        self.0.into_iter().collect()
    }
}
