//! Caveats: what a holder gives up. Each is one file with its published template, its words and its rule.
//!
//! A template is written once, as a function from the caveat to its check. Reading takes the parameter out of a
//! check, builds the check it should have been, and compares: so exactly the instances of the template are read, and
//! nothing that merely looks like one.

mod expires_before;
mod only_audiences;
mod only_tools;
mod words;

use hallpass_vocabulary::{Audience, DenialCode, Timestamp, ToolName};

use crate::datalog::Check;
use crate::decide::CallFacts;
use crate::names::NameSet;

pub use words::InvalidCaveat;

/// A restriction every call must satisfy. Adding one never allows what was denied before.
///
/// In words (`Display` and `FromStr`): `expires before 2026-11-21T09:31:00Z`, `only services tickets`,
/// `only tools kb.search, tickets.get`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caveat {
    /// The call is made before this time. Tokens keep whole seconds, so a fraction is dropped, which is earlier.
    ExpiresBefore(Timestamp),
    /// The call is for one of these services.
    OnlyAudiences(NameSet<Audience>),
    /// The call is of one of these tools.
    OnlyTools(NameSet<ToolName>),
}

impl Caveat {
    /// The check it is written as.
    pub(crate) fn to_check(&self) -> Check<'_> {
        match self {
            Self::ExpiresBefore(end) => expires_before::check(*end),
            Self::OnlyAudiences(audiences) => only_audiences::check(audiences),
            Self::OnlyTools(tools) => only_tools::check(tools),
        }
    }

    /// The caveat a check is an instance of, if of any.
    pub(crate) fn from_check(check: &Check<'_>) -> Option<Self> {
        let readers: [fn(&Check<'_>) -> Option<Self>; 3] = [
            |check| expires_before::read(check).map(Self::ExpiresBefore),
            |check| only_audiences::read(check).map(Self::OnlyAudiences),
            |check| only_tools::read(check).map(Self::OnlyTools),
        ];
        readers
            .iter()
            .find_map(|read| read(check))
            .filter(|caveat| caveat.to_check() == *check)
    }

    /// Its Datalog, for people and for other engines.
    pub fn datalog(&self) -> String {
        self.to_check().to_string()
    }

    /// The denial when it does not hold.
    pub(crate) fn denial(&self) -> DenialCode {
        match self {
            Self::ExpiresBefore(_) => DenialCode::TokenExpired,
            Self::OnlyAudiences(_) => DenialCode::WrongAudience,
            Self::OnlyTools(_) => DenialCode::CaveatFailed,
        }
    }

    /// Whether a call satisfies it.
    pub(crate) fn holds(&self, call: &CallFacts<'_>) -> bool {
        match self {
            Self::ExpiresBefore(end) => expires_before::holds(*end, call),
            Self::OnlyAudiences(audiences) => audiences.contains(call.audience),
            Self::OnlyTools(tools) => tools.contains(call.tool),
        }
    }
}
