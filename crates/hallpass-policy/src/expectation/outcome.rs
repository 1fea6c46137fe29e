//! An expectation, held to the policy.

use std::collections::BTreeSet;
use std::fmt;

use hallpass_vocabulary::ToolName;

use super::{Expectation, Granted, Wanted, WantedCall};
use crate::decide::{PolicyRefusal, Terms};
use crate::policy::Policy;
use crate::rehearsal::{CallAnswer, Rehearsal};

/// What became of one expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Everything that is not as wanted; nothing when it holds.
    pub differences: Vec<Difference>,
}

/// One thing that is not as wanted. Displays as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// A call is answered otherwise.
    Call {
        /// The tool that is called.
        tool: ToolName,
        /// Its arguments, as canonical JSON.
        arguments: String,
        /// The wanted answer.
        wanted: &'static str,
        /// The answer.
        found: CallAnswer,
    },
    /// A tool is given that should not be.
    Given {
        /// The tool.
        tool: ToolName,
        /// Where it is: `allow` or `needs_approval`.
        list: &'static str,
    },
    /// The request is granted and should not be.
    GrantedInstead(PolicyRefusal),
    /// A tool is not given that should be.
    Lacking {
        /// The tool.
        tool: ToolName,
        /// Where it should be: `allow` or `needs_approval`.
        list: &'static str,
    },
    /// The request is refused and should be granted.
    Refused(PolicyRefusal),
    /// It is refused for another reason.
    RefusedOtherwise {
        /// The wanted refusal.
        wanted: PolicyRefusal,
        /// The refusal.
        found: PolicyRefusal,
    },
    /// No token can say what the policy grants.
    Unmintable(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call {
                tool,
                arguments,
                wanted,
                found,
            } => {
                let found_word = found.as_str();
                write!(f, "`{tool}` with {arguments}: {found_word}, not {wanted}")?;
                match found {
                    CallAnswer::Deny { code, why } => write!(f, " ({}: {why})", code.as_str()),
                    CallAnswer::Allow | CallAnswer::NeedsApproval => Ok(()),
                }
            }
            Self::Given { tool, list } => write!(f, "`{tool}` is in `{list}`"),
            Self::GrantedInstead(wanted) => {
                write!(f, "granted, not refused as `{}`", wanted.code())
            }
            Self::Lacking { tool, list } => write!(f, "`{tool}` is not in `{list}`"),
            Self::Refused(found) => write!(f, "refused as `{}`: {found}", found.code()),
            Self::RefusedOtherwise { wanted, found } => write!(
                f,
                "refused as `{}`, not as `{}`: {found}",
                found.code(),
                wanted.code()
            ),
            Self::Unmintable(why) => write!(f, "no token can say what is granted: {why}"),
        }
    }
}

impl Outcome {
    /// Whether the expectation holds.
    pub fn holds(&self) -> bool {
        self.differences.is_empty()
    }
}

impl Policy {
    /// Holds one of its expectations to it.
    pub fn meets(&self, expectation: &Expectation) -> Outcome {
        let answer = self.decide(&expectation.question.request());
        let mut differences = Vec::new();
        match (&expectation.wanted, answer) {
            (Wanted::Granted(wanted), Ok(terms)) => {
                granted(wanted, &terms, &mut differences);
                self.hold_calls(expectation, &terms, &wanted.calls, &mut differences);
            }
            (Wanted::Granted(_), Err(found)) => differences.push(Difference::Refused(found)),
            (Wanted::Refused(wanted), Ok(_)) => {
                differences.push(Difference::GrantedInstead(*wanted));
            }
            (Wanted::Refused(wanted), Err(found)) if *wanted == found => {}
            (Wanted::Refused(wanted), Err(found)) => {
                let wanted = *wanted;
                differences.push(Difference::RefusedOtherwise { wanted, found });
            }
        }
        Outcome { differences }
    }

    /// What the token that an expectation asks for says to each of the calls in it; nothing where no token is granted.
    pub fn calls(&self, expectation: &Expectation) -> Vec<CallAnswer> {
        let Wanted::Granted(wanted) = &expectation.wanted else {
            return Vec::new();
        };
        let Ok(terms) = self.decide(&expectation.question.request()) else {
            return Vec::new();
        };
        let Ok(rehearsal) = Rehearsal::new(self, &expectation.question, &terms) else {
            return Vec::new();
        };
        let calls = wanted.calls.iter();
        calls
            .map(|call| rehearsal.call(&call.tool, &call.arguments))
            .collect()
    }

    fn hold_calls(
        &self,
        expectation: &Expectation,
        terms: &Terms,
        calls: &[WantedCall],
        differences: &mut Vec<Difference>,
    ) {
        if calls.is_empty() {
            return;
        }
        let rehearsal = match Rehearsal::new(self, &expectation.question, terms) {
            Ok(rehearsal) => rehearsal,
            Err(why) => {
                differences.push(Difference::Unmintable(why));
                return;
            }
        };
        for call in calls {
            let found = rehearsal.call(&call.tool, &call.arguments);
            if found.as_str() != call.answer.as_str() {
                differences.push(Difference::Call {
                    tool: call.tool.clone(),
                    arguments: call.shown.clone(),
                    wanted: call.answer.as_str(),
                    found,
                });
            }
        }
    }
}

fn granted(wanted: &Granted, terms: &Terms, differences: &mut Vec<Difference>) {
    exactly("allow", wanted.allow.as_ref(), terms.tools(), differences);
    let withheld = wanted.needs_approval.as_ref();
    exactly(
        "needs_approval",
        withheld,
        terms.needs_approval(),
        differences,
    );
    for tool in &wanted.deny {
        let list = if terms.tools().contains(tool) {
            "allow"
        } else if terms.needs_approval().contains(tool) {
            "needs_approval"
        } else {
            continue;
        };
        let given = Difference::Given {
            tool: tool.clone(),
            list,
        };
        if !differences.contains(&given) {
            differences.push(given);
        }
    }
}

fn exactly(
    list: &'static str,
    wanted: Option<&BTreeSet<ToolName>>,
    found: &BTreeSet<ToolName>,
    differences: &mut Vec<Difference>,
) {
    let Some(wanted) = wanted else { return };
    for tool in wanted.difference(found) {
        let tool = tool.clone();
        differences.push(Difference::Lacking { tool, list });
    }
    for tool in found.difference(wanted) {
        let tool = tool.clone();
        differences.push(Difference::Given { tool, list });
    }
}
