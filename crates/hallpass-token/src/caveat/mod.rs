//! Caveats: what a holder gives up. Each is one file with its published template, its words and its rule.
//!
//! A template is written once, as a function from the caveat to its check. Reading takes the parameters out of a
//! check, builds the check it should have been, and compares: so exactly the instances of the template are read, and
//! nothing that merely looks like one.

mod argument;
mod at_most_blocks;
mod doubt;
mod expires_before;
mod only_audiences;
mod only_tools;
mod words;

use hallpass_vocabulary::{Audience, DenialCode, Timestamp, ToolName};

use crate::datalog::Check;
use crate::decide::CallFacts;
use crate::names::NameSet;

pub(crate) use argument::condition::{Bounds, Condition};
pub(crate) use argument::quality::{Quality, Seen, kind_name};
pub use argument::{
    ArgumentBuilder, ArgumentCaveat, ArgumentRule, InvalidArgumentCaveat, Literal, Unmet,
};
pub(crate) use argument::{KIND_FACT, NAMES_FACT};
pub(crate) use argument::{Looks, Rule, Test};
pub use at_most_blocks::BlockCount;
pub use doubt::Doubt;
pub use words::InvalidCaveat;

/// A restriction every call must satisfy. Adding one never allows what was denied before.
///
/// In words (`Display`, `FromStr` and serde), such as `expires before 2026-11-21T09:31:00Z`, `only tools kb.search`,
/// `at most 3 blocks`, `/limit<=100`, `/path under /workspace`, `each /to email domain example.com`,
/// `for fs.read: only arguments path`, `either /limit<=10 or /mode==fast and /limit<=100`. docs/caveats.md has all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caveat {
    /// The arguments of the call are so: [`Caveat::arg`], [`Caveat::each`], [`Caveat::only_arguments`],
    /// [`Caveat::either`].
    Argument(ArgumentCaveat),
    /// The token has at most so many blocks.
    AtMostBlocks(BlockCount),
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
            Self::Argument(argument) => argument.check(),
            Self::AtMostBlocks(count) => at_most_blocks::check(*count),
            Self::ExpiresBefore(end) => expires_before::check(*end),
            Self::OnlyAudiences(audiences) => only_audiences::check(audiences),
            Self::OnlyTools(tools) => only_tools::check(tools),
        }
    }

    /// The caveat a check is an instance of, if of any.
    pub(crate) fn from_check(check: &Check<'_>) -> Option<Self> {
        let fact = check.queries.first()?.body.first()?.name;
        match fact {
            "call:audience" => only_audiences::read(check).map(Self::OnlyAudiences),
            "call:blocks" => at_most_blocks::read(check).map(Self::AtMostBlocks),
            "call:tool" => only_tools::read(check).map(Self::OnlyTools),
            "time" => expires_before::read(check).map(Self::ExpiresBefore),
            // Compares what it reads by itself: alternatives may stand in any order.
            _ => return ArgumentCaveat::read(check).map(Self::Argument),
        }
        .filter(|caveat| caveat.to_check() == *check)
    }

    /// Whether a token can hold it: a time may be out of the range of its dates.
    pub(crate) fn is_writable(&self) -> bool {
        match self {
            Self::ExpiresBefore(end) => crate::date::seconds(*end).is_some(),
            _ => true,
        }
    }

    /// Its Datalog, for people and for other engines.
    pub fn datalog(&self) -> String {
        self.to_check().to_string()
    }

    /// Bytes it holds beside the value itself, at most: what a cache of tokens counts.
    pub fn bytes_held(&self) -> usize {
        match self {
            Self::Argument(argument) => argument.bytes_held(),
            Self::AtMostBlocks(_) | Self::ExpiresBefore(_) => 0,
            Self::OnlyAudiences(names) => name_bytes(names),
            Self::OnlyTools(names) => name_bytes(names),
        }
    }

    /// The denial when it does not hold.
    pub(crate) fn denial(&self) -> DenialCode {
        match self {
            Self::ExpiresBefore(_) => DenialCode::TokenExpired,
            Self::OnlyAudiences(_) => DenialCode::WrongAudience,
            Self::Argument(_) | Self::AtMostBlocks(_) | Self::OnlyTools(_) => {
                DenialCode::CaveatFailed
            }
        }
    }

    /// Whether a call satisfies it, if made with a token of so many blocks.
    pub(crate) fn holds<'a>(
        &'a self,
        call: &CallFacts<'_>,
        blocks: usize,
        looks: &mut Looks<'a>,
    ) -> bool {
        match self {
            Self::Argument(argument) => argument.holds_with(call.tool, looks),
            Self::AtMostBlocks(count) => blocks <= count.get(),
            Self::ExpiresBefore(end) => expires_before::holds(*end, call),
            Self::OnlyAudiences(audiences) => audiences.contains(call.audience),
            Self::OnlyTools(tools) => tools.contains(call.tool),
        }
    }
}

/// Why a caveat does not hold, beside its words. Escaped, and says nothing of any argument's value.
pub(crate) struct Reason {
    /// The argument it fails on, where it is one: a pointer, or a name that may not be there.
    pub(crate) argument: Option<String>,
    /// In words.
    pub(crate) words: String,
}

impl Caveat {
    /// Why it does not hold, where there is more to say than its words.
    pub(crate) fn failing<'a>(
        &'a self,
        call: &CallFacts<'_>,
        blocks: usize,
        looks: &mut Looks<'a>,
    ) -> Option<Reason> {
        match self {
            Self::Argument(argument) => argument.failing(call.tool, looks).map(|failing| Reason {
                argument: failing.argument().map(ToString::to_string),
                words: failing.to_string(),
            }),
            Self::AtMostBlocks(_) => Some(Reason {
                argument: None,
                words: format!("the token has {blocks}"),
            }),
            Self::ExpiresBefore(_) | Self::OnlyAudiences(_) | Self::OnlyTools(_) => None,
        }
    }
}

/// A counted string of up to 64 bytes each, and its place in a half-empty tree node.
fn name_bytes<T: Ord>(names: &NameSet<T>) -> usize {
    const NAME_BYTES: usize = 160;
    names.iter().count().saturating_mul(NAME_BYTES)
}
