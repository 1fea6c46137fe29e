//! Tokens that allow no call, as far as that is plain without one.

use hallpass_vocabulary::{Timestamp, ToolName};

use crate::caveat::{ArgumentCaveat, Bounds, Caveat, Condition, Quality, Rule, Test};
use crate::describe::Description;

/// Why a token allows no call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Useless {
    /// Two caveats on arguments that no call satisfies both; so it is with every tool that is left.
    #[error("no call can satisfy both `{first}` and `{second}`")]
    Contradiction {
        /// One, in words.
        first: String,
        /// The other.
        second: String,
    },
    /// It has ended.
    #[error("it has ended")]
    Ended,
    /// A caveat on arguments each alternative of which contradicts itself; so it is with every tool that is left.
    #[error("no call can satisfy `{caveat}`")]
    Impossible {
        /// The caveat, in words.
        caveat: String,
    },
    /// No service is in all of its sets.
    #[error("no service is left")]
    NoServices,
    /// No tool is in all of its sets.
    #[error("no tool is left")]
    NoTools,
    /// It has more blocks than one of its caveats allows.
    #[error("it has {blocks} blocks, and says `at most {most} blocks`")]
    TooManyBlocks {
        /// How many it has.
        blocks: usize,
        /// How many it may have.
        most: usize,
    },
}

impl Description {
    /// Why this token allows no call, where that is plain. `None` promises nothing: a caveat can still fail every call
    /// that a tool understands.
    pub fn useless(&self, now: Timestamp) -> Option<Useless> {
        let (blocks, most) = (self.blocks, self.blocks_max());
        if blocks > most {
            return Some(Useless::TooManyBlocks { blocks, most });
        }
        if now.unix_seconds() >= self.not_after.unix_seconds() {
            return Some(Useless::Ended);
        }
        if self.audiences_left().is_empty() {
            return Some(Useless::NoServices);
        }
        let mut tools = self.tools_left();
        tools.append(&mut self.needs_approval_left());
        if tools.is_empty() {
            return Some(Useless::NoTools);
        }
        let contradictions: Option<Vec<_>> =
            tools.iter().map(|tool| self.contradiction(tool)).collect();
        contradictions?.into_iter().next()
    }

    /// A caveat that no call of a tool satisfies, or two that none satisfies both.
    fn contradiction(&self, tool: &ToolName) -> Option<Useless> {
        let looking: Vec<(&ArgumentCaveat, &str)> = self
            .caveats
            .iter()
            .filter_map(|placed| match &placed.caveat {
                Caveat::Argument(argument) if argument.is_for(tool) => {
                    Some((argument, placed.words.as_str()))
                }
                _ => None,
            })
            .collect();
        let impossible = looking
            .iter()
            .find(|(one, _)| one.rule.alternatives().all(is_impossible));
        if let Some((_, caveat)) = impossible {
            let caveat = (*caveat).to_owned();
            return Some(Useless::Impossible { caveat });
        }
        looking
            .iter()
            .enumerate()
            .find_map(|(position, (one, first))| {
                let later = looking.iter().skip(position.saturating_add(1));
                let (_, second) = later.into_iter().find(|(other, _)| excludes(one, other))?;
                Some(Useless::Contradiction {
                    first: (*first).to_owned(),
                    second: (*second).to_owned(),
                })
            })
    }
}

/// Whether no arguments satisfy both: whichever alternatives of the two are taken, they exclude each other.
fn excludes(one: &ArgumentCaveat, other: &ArgumentCaveat) -> bool {
    one.rule.alternatives().all(|these| {
        is_impossible(these)
            || other.rule.alternatives().all(|those| {
                let pairs = |one| those.iter().any(|other| are_exclusive(one, other));
                is_impossible(those) || these.iter().any(pairs)
            })
    })
}

/// Whether no arguments satisfy all of these rules.
fn is_impossible(rules: &[Rule]) -> bool {
    let mut numbered = rules.iter().enumerate();
    numbered.any(|(number, one)| {
        let mut later = rules.iter().skip(number).skip(1);
        later.any(|other| are_exclusive(one, other))
    })
}

/// Whether no arguments satisfy both of two plain rules. Only what is plain.
fn are_exclusive(one: &Rule, other: &Rule) -> bool {
    match (one, other) {
        (Rule::Either(_), _) | (_, Rule::Either(_)) => false,
        // What a caveat looks at must be there.
        (Rule::Only(names), Rule::Test(test)) | (Rule::Test(test), Rule::Only(names)) => {
            !names.contains(member(test).as_str())
        }
        (Rule::Only(_), Rule::Only(_)) => false,
        (Rule::Test(one), Rule::Test(other)) => {
            one.pointer == other.pointer && (kind(one) != kind(other) || are_apart(one, other))
        }
    }
}

/// The name of the argument a pointer leads into.
fn member(test: &Test) -> String {
    let first = test.pointer.as_str().split('/').nth(1);
    first
        .unwrap_or_default()
        .replace("~1", "/")
        .replace("~0", "~")
}

/// The JSON type of what satisfies a test.
fn kind(test: &Test) -> &'static str {
    if test.each {
        return "array";
    }
    match test.quality {
        Quality::Bool => "bool",
        Quality::Count => "array",
        Quality::Decimal | Quality::Integer => "number",
        Quality::Null => "null",
        Quality::EmailDomain
        | Quality::Ip
        | Quality::Length
        | Quality::Path
        | Quality::Text
        | Quality::UrlDomain
        | Quality::UrlHost
        | Quality::UrlPort
        | Quality::UrlScheme => "string",
    }
}

/// Whether two tests look at the same and their bounds have nothing in common, or one names values that the other
/// does not allow.
fn are_apart(one: &Test, other: &Test) -> bool {
    if (one.each, one.quality) != (other.each, other.quality) {
        return false;
    }
    let (one, other) = (&one.condition, &other.condition);
    match (one, other) {
        (Condition::Within(one), Condition::Within(other)) => !meet(*one, *other),
        _ => one.allows_none_of(other) || other.allows_none_of(one),
    }
}

fn meet(one: Bounds, other: Bounds) -> bool {
    let low = one.low.max(other.low);
    let high = match (one.high, other.high) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    !matches!((low, high), (Some(low), Some(high)) if low > high)
}

#[cfg(test)]
mod tests {
    use crate::given_up::tests::{at, described};

    fn useless(caveats: &[&str]) -> Option<String> {
        described(&[caveats])
            .useless(at(5))
            .map(|useless| useless.to_string())
    }

    #[test]
    fn what_no_call_satisfies_is_found() {
        for (caveats, why) in [
            (&["only tools mail.send"][..], "no tool is left"),
            (
                &["only tools kb.search", "only tools ticket.close"],
                "no tool is left",
            ),
            (&["only services mail"], "no service is left"),
            (&["expires before 2026-11-21T09:30:05Z"], "it has ended"),
            (
                &["at most 1 blocks"],
                "it has 2 blocks, and says `at most 1 blocks`",
            ),
            (
                &["only arguments query", "/limit<=10"],
                "no call can satisfy both `only arguments query` and `/limit<=10`",
            ),
            (
                &["/a~1b/c==1", "no arguments"],
                "no call can satisfy both `/a~1b/c==1` and `no arguments`",
            ),
            (
                &["/n<=10", "/n in 11..20"],
                "no call can satisfy both `/n<=10` and `/n in 11..20`",
            ),
            (
                &["/p one of low, normal", "/p one of high"],
                "no call can satisfy both `/p one of low, normal` and `/p one of high`",
            ),
            (
                &["/p starts with a", "/p==b"],
                "no call can satisfy both `/p starts with a` and `/p==b`",
            ),
            (
                &["/n==1", "/n==2"],
                "no call can satisfy both `/n==1` and `/n==2`",
            ),
            (
                &[
                    "each /to email domain a.example",
                    "/to email domain a.example",
                ],
                "no call can satisfy both `each /to email domain a.example` and `/to email domain a.example`",
            ),
            (
                &["either /n==1 and /n==2 or /m==1 and no arguments"],
                "no call can satisfy `either /m==1 and no arguments or /n==1 and /n==2`",
            ),
            (
                &["either /n==1 or /n==2", "/n>=3"],
                "no call can satisfy both `either /n==1 or /n==2` and `/n>=3`",
            ),
            (
                &["/n>=3", "either /n==1 or /m==1 and /n<=2"],
                "no call can satisfy both `/n>=3` and `either /m==1 and /n<=2 or /n==1`",
            ),
            (
                &[
                    "either /n==1 or /n==2",
                    "either /n==3 or /n==1 and /n==2 or /n==4",
                ],
                "no call can satisfy both `either /n==1 or /n==2` and `either /n==1 and /n==2 or /n==3 or /n==4`",
            ),
        ] {
            assert_eq!(useless(caveats).as_deref(), Some(why), "{caveats:?}");
        }
    }

    #[test]
    fn what_some_call_satisfies_is_not() {
        for caveats in [
            &["only tools kb.search"][..],
            &["only arguments limit, query", "/limit<=10", "/limit>=10"],
            &["only arguments a/b", "/a~1b/c==1"],
            &["/n<=10", "/m>=11"],
            &["/p one of low, normal", "/p not one of low"],
            &["/p==a", "/p length<=1"],
            &["each /p one of a, b", "each /p one of b, c"],
            &["/n==1", "/n<=1.5"],
            &["/n<=10", "/n<=9.5"],
            &["/path under /a", "/path ends with .txt"],
            &["for kb.search: no arguments", "/limit<=10"],
            &["each /n<=10", "/n count<=3"],
            &["at most 2 blocks"],
            &["expires before 2026-11-21T09:30:06Z"],
            &["either /n==1 or /n==2", "/n==2"],
            &["either /n==1 and /n==2 or /m==1"],
            &["either /n==1 or /n==2", "either /n==2 or /n==3"],
            &["either /n==1 or /m==1", "either /n==2 or /m==2"],
            &["either /n==1 or no arguments", "only arguments limit"],
            &["for kb.search: either /n==1 and /n==2 or /n==3 and no arguments"],
            // Three that exclude each other, of which no two do: not found, and not claimed.
            &[
                "either /n==1 or /n==2",
                "either /n==2 or /n==3",
                "either /n==1 or /n==3",
            ],
        ] {
            assert_eq!(useless(caveats), None, "{caveats:?}");
        }
    }
}
