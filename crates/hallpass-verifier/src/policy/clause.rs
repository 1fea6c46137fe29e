//! One rule as it is asked: whom it concerns, and what it demands of them.

use std::collections::BTreeSet;
use std::str::FromStr;

use hallpass_token::{ArgumentCaveat, CallFacts, Grant};
use hallpass_vocabulary::{Role, SubjectAssurance, Tenant, ToolName};

use super::breach::{Breach, Why};
use super::fault::{REASON_CHARS_MAX, RuleFault};

/// A valid rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) name: RuleName,
    pub(super) reason: Option<Reason>,
    /// The tools it concerns; `None` for every tool. [`super::ServicePolicy`] asks it for no others.
    pub(super) tools: Option<BTreeSet<ToolName>>,
    pub(super) roles: Filter<Role>,
    pub(super) tenants: Filter<Tenant>,
    pub(super) effect: Effect,
}

/// What a rule demands. A rule has exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// The call is not made at all.
    Deny,
    /// The arguments are so: each of these.
    Require(Vec<Requirement>),
    /// The token is bound to a key.
    RequireHolder,
    /// The authority checked who the subject is.
    RequireVerifiedSubject,
}

/// A demand on the arguments of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requirement {
    pub(super) caveat: ArgumentCaveat,
    /// The caveat in words, as a denial repeats them.
    pub(super) words: Box<str>,
}

impl Clause {
    /// How a call breaks it, if it does. The call is of a tool it concerns.
    pub(super) fn broken_by(&self, grant: &Grant, call: &CallFacts<'_>) -> Option<Breach<'_>> {
        if !self.roles.concerns_any(&grant.roles) || !self.tenants.concerns(&grant.tenant) {
            return None;
        }
        let why = match &self.effect {
            Effect::Deny => Why::Denied,
            Effect::Require(requirements) => requirements.iter().find_map(|requirement| {
                let unmet = requirement.caveat.unmet(call)?;
                Some(Why::Requirement(&requirement.words, unmet))
            })?,
            Effect::RequireHolder if grant.holder.is_none() => Why::NotBound,
            Effect::RequireVerifiedSubject if grant.assurance != SubjectAssurance::Verified => {
                Why::SubjectNotVerified
            }
            Effect::RequireHolder | Effect::RequireVerifiedSubject => return None,
        };
        Some(Breach {
            rule: &self.name,
            reason: self.reason.as_ref(),
            why,
        })
    }
}

/// Whom a rule concerns by one of their properties: those who have one of these, without those who have one of those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter<T: Ord> {
    /// `None` for everybody.
    pub(super) only: Option<BTreeSet<T>>,
    pub(super) except: Option<BTreeSet<T>>,
}

impl<T: Ord> Filter<T> {
    pub(super) const EVERYBODY: Self = Self {
        only: None,
        except: None,
    };

    fn concerns(&self, one: &T) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(one))
            && self.except.as_ref().is_none_or(|not| !not.contains(one))
    }

    fn concerns_any(&self, several: &BTreeSet<T>) -> bool {
        let meets = |listed: &BTreeSet<T>| !listed.is_disjoint(several);
        self.only.as_ref().is_none_or(meets) && !self.except.as_ref().is_some_and(meets)
    }

    /// What is on both sides, and so concerned by nothing.
    pub(super) fn contradiction(&self) -> Option<&T> {
        self.only
            .as_ref()?
            .intersection(self.except.as_ref()?)
            .next()
    }
}

/// The name of a rule: plain enough to stand in a log as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RuleName(Box<str>);

impl RuleName {
    /// The longest name, in bytes: as long as those of roles and tools.
    const BYTES_MAX: usize = 64;

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RuleName {
    type Err = RuleFault;

    fn from_str(text: &str) -> Result<Self, RuleFault> {
        let valid = text.len() <= Self::BYTES_MAX
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        valid.then(|| Self(text.into())).ok_or(RuleFault::Name)
    }
}

/// Why there is a rule, in the operator's words: one line, harmless on a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reason(Box<str>);

impl Reason {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reason {
    type Err = RuleFault;

    fn from_str(text: &str) -> Result<Self, RuleFault> {
        let chars = text.chars().count();
        let harmless = hallpass_journal::Text::new(text).as_str() == text;
        let valid = (1..=REASON_CHARS_MAX).contains(&chars) && harmless && text.trim() == text;
        valid.then(|| Self(text.into())).ok_or(RuleFault::Reason)
    }
}
