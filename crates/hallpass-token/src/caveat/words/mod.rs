//! Caveats as people write and read them: on the command line, in TOML, and printed back in the same words.

mod parse;
mod print;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::{Caveat, InvalidArgumentCaveat, Rule};
use crate::limits::{BLOCKS_MAX, CAVEAT_WORDS_BYTES_MAX, SET_ELEMENTS_MAX};

/// Words that are no caveat. Says what was expected, and repeats nothing of the words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCaveat {
    /// A caveat on arguments that cannot be.
    #[error(transparent)]
    Argument(#[from] InvalidArgumentCaveat),
    /// Words behind the end.
    #[error(
        "the caveat ends before its words do: one caveat at a time, and quotes, as in JSON, around a text with spaces"
    )]
    Behind,
    /// A number of blocks no token has.
    #[error("expected `at most N blocks` with N from 1 to {BLOCKS_MAX}")]
    Blocks,
    /// `<`, `>` or `!=`.
    #[error("bounds are inclusive: write `<=99` for less than 100; for unequal write `not one of`")]
    Comparison,
    /// `and` or `or` between rules that do not stand behind `either`.
    #[error(
        "`and` and `or` stand between the rules of `either RULE and RULE or RULE`; rules that must all hold are caveats of \
         their own"
    )]
    Either,
    /// What an alternative of `either` cannot begin with.
    #[error(
        "expected `/ARGUMENT …`, `only arguments …` or `no arguments` as a rule of `either`; `for TOOL:` stands before it"
    )]
    EitherRule,
    /// Not a number.
    #[error(
        "expected an integer such as `100`, or a decimal of at most six places such as `99.95`"
    )]
    Number,
    /// One bound is an integer, the other a decimal; or one that is neither where an integer must be.
    #[error(
        "the bounds must be both integers or both decimals, and a length or a count is an integer"
    )]
    NumberKinds,
    /// Not a name of a service, or none, or too many.
    #[error("expected 1 to {SET_ELEMENTS_MAX} services such as `tickets`, separated by commas")]
    Services,
    /// Not a pointer.
    #[error(
        "expected a pointer to an argument, such as `/path`; in quotes if it has other than `A-Z a-z 0-9 _ . / ~ $ @ -`"
    )]
    Pointer,
    /// Not a test of an argument.
    #[error(
        "expected `==`, `<=`, `>=`, `in LOW..HIGH`, `one of`, `not one of`, `length`, `count`, `starts with`, \
         `ends with`, `contains`, `under`, `url scheme|host|domain|port`, `within` or `email domain`"
    )]
    Test,
    /// Not a text.
    #[error(
        "expected a text; in quotes, as in JSON, if it has spaces, commas or unusual characters"
    )]
    Text,
    /// Not a time in whole seconds.
    #[error("expected a time in whole seconds, such as `2026-11-21T09:31:00Z`")]
    Time,
    /// More than [`CAVEAT_WORDS_BYTES_MAX`] bytes.
    #[error("more than {CAVEAT_WORDS_BYTES_MAX} bytes")]
    TooLong,
    /// Not a name of a tool, or none, or too many.
    #[error("expected 1 to {SET_ELEMENTS_MAX} tools such as `kb.search`, separated by commas")]
    Tools,
    /// None of the words a caveat begins with.
    #[error(
        "expected `/ARGUMENT …`, `each /ARGUMENT …`, `either … or …`, `for TOOL: …`, `only arguments …`, `no arguments`, \
         `only tools …`, `only services …`, `expires before TIME` or `at most N blocks`"
    )]
    Unknown,
    /// Strings and integers in one list.
    #[error("the values must be all strings or all integers")]
    ValueKinds,
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::caveat(self, f)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::rule(self, f)
    }
}

impl FromStr for Caveat {
    type Err = InvalidCaveat;

    fn from_str(words: &str) -> Result<Self, InvalidCaveat> {
        if words.len() > CAVEAT_WORDS_BYTES_MAX {
            return Err(InvalidCaveat::TooLong);
        }
        parse::caveat(words.trim())
    }
}

impl serde::Serialize for Caveat {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Caveat {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Cow::<'de, str>::deserialize(deserializer)?;
        words.parse().map_err(serde::de::Error::custom)
    }
}

/// Between the rules of an alternative.
pub(crate) const AND: &str = " and ";
const AT_MOST: &str = "at most ";
const BLOCKS: &str = " blocks";
const EACH: &str = "each ";
const EITHER: &str = "either ";
const EXPIRES_BEFORE: &str = "expires before ";
const FOR: &str = "for ";
const NO_ARGUMENTS: &str = "no arguments";
const ONLY_ARGUMENTS: &str = "only arguments ";
const ONLY_SERVICES: &str = "only services ";
const ONLY_TOOLS: &str = "only tools ";
/// Between alternatives.
const OR: &str = " or ";

/// Characters of a pointer that needs no quotes.
fn is_bare_in_pointer(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./~$@-".contains(c)
}

/// Characters of a text that is read without quotes. More than are written without: also what stands in hosts, networks
/// and patterns people are used to.
fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./:@+-[]~*%".contains(c)
}

/// Whether a text is read without quotes where a value can be a number too.
fn is_bare_value(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || "_/.@[".contains(c))
        && text.chars().all(is_bare)
        && !text.contains("..")
        && !matches!(text, "true" | "false" | "null")
}

/// Whether a text is written without quotes: docs/caveats.md, "The words".
fn is_written_bare(text: &str) -> bool {
    is_bare_value(text) && !text.contains(['[', ']', '~', '*', '%'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for words in [
            "expires before 2026-11-21T09:31:00Z",
            "only services kb, tickets",
            "only tools kb.search, tickets.get",
            "at most 3 blocks",
            "/limit<=100",
            "/limit>=-1",
            "/limit in 1..100",
            "/price<=99.95",
            "/price in 0.01..10.0",
            "/mode==fast",
            "/mode==\"on hold\"",
            "/mode==\"true\"",
            "/mode==\"5\"",
            "/mode==\"a..b\"",
            "/mode==\"\"",
            "/flag==true",
            "/flag==false",
            "/note==null",
            "/n==-5",
            "/n==5.5",
            "/status one of closed, \"on, hold\", open",
            "/n one of -1, 0, 1",
            "/status not one of closed",
            "/n not one of 7",
            "/q length<=100",
            "/q length in 1..100",
            "/to count>=1",
            "/id starts with T-",
            "/id ends with \" \"",
            "/id contains \"100\"",
            "/id contains \"[a]\"",
            "/mode==\"*\"",
            "/mode==\"a~b%\"",
            "only arguments \"null\"",
            "/path under /workspace",
            "/path under /",
            "/path under .",
            "/path under ./notes",
            "/path under \"/my files\"",
            "/url url scheme https",
            "/url url host [2001:db8::1], api.example.com",
            "/url url domain example.com",
            "/url url port 443, 8443",
            "/ip within 10.0.0.0/8",
            "/ip within 0.0.0.0/0",
            "/ip within 2001:db8::/32",
            "/ip within ::1/128",
            "/to email domain example.com, example.org",
            "each /to email domain example.com",
            "each /n in 1..9",
            "\"/a b\"==c",
            "/a~1b/0==c",
            "only arguments \"a b\", limit, path",
            "no arguments",
            "for kb.search: /limit<=100",
            "for kb.search, tickets.get: each /paths under /workspace",
            "for kb.search: no arguments",
            "either /mode==and or /mode==or",
            "either /a==1 and /b==2 or /c==3",
            "either /a one of and, or and /b==2 or /a==\"x and y\" or no arguments and only arguments a, b",
            "either /price in 0.01..10.0 and /to email domain example.com or only arguments \"a b\", c",
            "for kb.search, tickets.get: either /limit<=10 or /limit<=100 and /mode==fast",
            "/x==\"\\u202e\\u0000é\\ud83d\\ude00\"",
            "/x==\"a\\u3164\\u115f\\uffa0\"",
        ] {
            let caveat: Caveat = words
                .parse()
                .unwrap_or_else(|error| panic!("{words}: {error}"));
            assert_eq!(caveat.to_string(), words);
        }
    }

    #[test]
    fn other_spellings_are_printed_in_the_one_way() {
        for (words, printed) in [
            ("  /limit <= 100 ", "/limit<=100"),
            ("/limit in 1 .. 100", "/limit in 1..100"),
            ("/path under /workspace/", "/path under /workspace"),
            ("/path under notes", "/path under ./notes"),
            ("/path under /a/./b", "/path under /a/b"),
            ("/mode == \"fast\"", "/mode==fast"),
            ("/mode == a*", "/mode==\"a*\""),
            ("/id contains 100", "/id contains \"100\""),
            ("/id starts with ..", "/id starts with \"..\""),
            ("/price <= 99.950000", "/price<=99.95"),
            ("/status one of b,a , b", "/status one of a, b"),
            (
                "/url url host API.Example.com",
                "/url url host api.example.com",
            ),
            ("for kb.search :/limit<=1", "for kb.search: /limit<=1"),
            ("/q length <= 5", "/q length<=5"),
            ("only tools b.b,a.a", "only tools a.a, b.b"),
            (
                "either  /b == 1 or  /a == 1  and /a == 0 ",
                "either /a==0 and /a==1 or /b==1",
            ),
            (
                "either /b==1 and /a==1 or /c==1 or /a == 1 and /b==1 and /b==1",
                "either /a==1 and /b==1 or /c==1",
            ),
        ] {
            let caveat: Caveat = words
                .parse()
                .unwrap_or_else(|error| panic!("{words}: {error}"));
            assert_eq!(caveat.to_string(), printed);
        }
    }

    #[test]
    fn other_words_are_refused() {
        for bad in [
            "",
            "only tools",
            "only tools ",
            "only tools kb.search,",
            "only tools *",
            "Only tools kb.search",
            "only services Kb",
            "expires before tomorrow",
            "expires before 1969-12-31T23:59:59Z",
            "expires before 2026-11-21T09:31:00.5Z",
            "at most 0 blocks",
            "at most 9 blocks",
            "at most -1 blocks",
            "at most +2 blocks",
            "at most 02 blocks",
            "/",
            "limit<=100",
            "/limit",
            "/limit<100",
            "/limit>100",
            "/limit!=100",
            "/limit<=",
            "/limit<=1e3",
            "/limit<=01",
            "/limit<=1.0000001",
            "/limit<=9223372036854775808",
            "/limit<=100 or more",
            "/limit in 5..1",
            "/limit in 1..2.0",
            "/limit in 1.0..2",
            "/limit in 1",
            "/q length<=1.5",
            "/mode==a b",
            "/mode==\"a",
            "/mode==\"\\ud800\"",
            "/mode==",
            "/status one of",
            "/status one of a, 1",
            "/status one of a,",
            "/status one of true",
            "/status one of 1.5",
            "/id starts with",
            "/id starts with \"\"",
            "/path under",
            "/path under ..",
            "/path under /a/../b",
            "/path under %2e%2e",
            "/path under ~",
            "/url url",
            "/url url host a/b",
            "/url url host user@h",
            "/url url scheme https:",
            "/url url scheme file",
            "/path under -x",
            "/path under C:/x",
            "/url url domain .example.com",
            "/url url domain 10.0.0.1",
            "/url url port 0",
            "/url url port 65536",
            "/ip within 10.0.0.1/8",
            "/ip within 10.0.0.0",
            "/ip within 10.0.0.0/33",
            "/to email domain com",
            "/to email domain a@example.com",
            "each /x==1",
            "each /x count<=1",
            "each each /x<=1",
            "for : /x<=1",
            "for kb.search /x<=1",
            "for kb.search: only tools kb.search",
            "for kb.search: for tickets.get: /x<=1",
            "for kb.search: at most 2 blocks",
            "only arguments",
            "only arguments a b",
            "either",
            "either ",
            "either /a==1",
            "either /a==1 and /b==1",
            "either /a==1 or",
            "either /a==1 or ",
            "either or /a==1",
            "either /a==1 or or /b==1",
            "either /a==1 and or /b==1",
            "either /a==1 or /a==1",
            "either /a==1or /b==1",
            "either /a==\"1\"or /b==1",
            "either /a==1 or/b==1",
            "either /a==1, or /b==1",
            "either /a==1 Or /b==1",
            "either /a==1 or each /b one of c",
            "either /a==1 or either /b==1 or /c==1",
            "either /a==1 or for kb.search: /b==1",
            "either /a==1 or only tools kb.search",
            "either for kb.search: /a==1 or /b==1",
            "either /a==1 and /b==1 and /c==1 and /d==1 and /e==1 or /f==1",
            "either /a==1 or /a==2 or /a==3 or /a==4 or /a==5 or /a==6 or /a==7 or /a==8 or /a==9",
            "each either /a==1 or /b==1",
            "/a==1 and /b==1",
            "/a~2==1",
            "/a b==1",
        ] {
            let caveat = bad.parse::<Caveat>();
            assert!(caveat.is_err(), "{bad}: {caveat:?}");
        }
        assert_eq!(
            "x".repeat(200_000).parse::<Caveat>(),
            Err(InvalidCaveat::TooLong)
        );
        let many = format!("/x one of {}", vec!["a"; 65].join(","));
        assert!(many.parse::<Caveat>().is_ok(), "the same value counts once");
        let many = (0..65)
            .map(|n| format!("a{n}"))
            .collect::<Vec<_>>()
            .join(",");
        assert!(format!("/x one of {many}").parse::<Caveat>().is_err());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |words: &str| words.parse::<Caveat>().unwrap_err();
        assert_eq!(error("/limit<100"), InvalidCaveat::Comparison);
        assert_eq!(error("/limit like 5"), InvalidCaveat::Test);
        assert_eq!(error("/limit<=ten"), InvalidCaveat::Number);
        assert_eq!(error("limit<=1"), InvalidCaveat::Unknown);
        assert_eq!(error("/a==1 or /b==2"), InvalidCaveat::Either);
        assert_eq!(error("no arguments and /b==2"), InvalidCaveat::Either);
        assert_eq!(error("/a==1 other /b==2"), InvalidCaveat::Behind);
        assert_eq!(error("either /a==1 or b==2"), InvalidCaveat::EitherRule);
        assert_eq!(
            error("either /a==1 or only tools kb.search"),
            InvalidCaveat::EitherRule
        );
        for (words, wrong) in [
            (
                "either /a==1 and /b==2",
                InvalidArgumentCaveat::Alternatives,
            ),
            (
                "either /a==1 or each /b<=2",
                InvalidArgumentCaveat::EachInEither,
            ),
            (
                "either /a==1 or either /b==1 or /c==1",
                InvalidArgumentCaveat::EitherInEither,
            ),
            (
                "either /a==1 or /a<=1 and /a<=2 and /a<=3 and /a<=4 and /a<=5",
                InvalidArgumentCaveat::AlternativeRules,
            ),
        ] {
            assert_eq!(error(words), wrong.into(), "{words}");
        }
        assert_eq!(error("/a starts with b c"), InvalidCaveat::Behind);
        assert_eq!(error("only tools Kb"), InvalidCaveat::Tools);
        assert_eq!(error("for kb: /a==1"), InvalidCaveat::Tools);
        assert_eq!(error("only services Kb"), InvalidCaveat::Services);
        assert_eq!(
            error("each /x==1"),
            InvalidArgumentCaveat::NotForEach.into()
        );
    }
}
