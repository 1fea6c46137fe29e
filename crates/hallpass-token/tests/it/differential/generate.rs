//! Grants, caveats and calls that lie close to each other, so that every rule is met from both sides.

use std::collections::BTreeSet;

use hallpass_args::Arguments;
use hallpass_token::Grant;
use hallpass_vocabulary::Timestamp;

use super::caveats::{Allowed, Stated};
use super::dice::Dice;
use crate::fixtures::{Call, environment, set, spec};

const TOOLS: [&str; 6] = [
    "kb.search",
    "tickets.get",
    "ticket.update",
    "ticket.close",
    "wiki.read",
    "mail.send",
];
const AUDIENCES: [&str; 4] = ["tickets", "kb", "mail", "wiki"];

pub fn grant(dice: &mut Dice) -> Grant {
    let mut spec = spec();
    spec.tools = BTreeSet::new();
    spec.needs_approval = BTreeSet::new();
    for tool in dice.some(&TOOLS, 9) {
        let into = if dice.roll(10) == 0 {
            &mut spec.needs_approval
        } else {
            &mut spec.tools
        };
        into.insert(tool.parse().unwrap());
    }
    spec.audiences = set(&dice.some(&AUDIENCES, 9));
    spec.expires = dice.seconds(10, 30);
    Grant::new(spec).unwrap()
}

pub fn call(dice: &mut Dice) -> Call {
    Call {
        // Sometimes before the token is issued; milliseconds, so that rounding matters.
        now: match dice.roll(64) {
            0 => dice.seconds(-90, -1),
            _ => Timestamp::from_unix_ms(dice.seconds(0, 12).unix_ms() + dice.roll(2) as i64 * 999),
        },
        audience: dice.pick(&AUDIENCES).parse().unwrap(),
        environment: environment(if dice.roll(64) == 0 { "prod" } else { "dev" }),
        tool: dice.pick(&TOOLS).parse().unwrap(),
        arguments: arguments(dice),
    }
}

/// An argument: its name, values on both sides of its caveats as JSON, and the caveats.
struct Family {
    name: &'static str,
    values: &'static [&'static str],
    allowed: fn(&mut Dice) -> Allowed,
}

const FAMILIES: [Family; 10] = [
    Family {
        name: "limit",
        values: &[
            "0",
            "1",
            "5",
            "9",
            "10",
            "11",
            "99",
            "100",
            "101",
            "-1",
            "9007199254740991",
            "10.0",
            "1e1",
        ],
        allowed: |dice| match dice.roll(6) {
            0 => Allowed::Integers(Some(1), Some(100)),
            1 => Allowed::Integers(None, Some(10)),
            2 => Allowed::Integers(Some(10), None),
            3 => Allowed::OneOf(vec!["1", "10", "100"]),
            4 => Allowed::NotOneOf(vec!["10", "0"]),
            _ => Allowed::Equals("10"),
        },
    },
    Family {
        name: "price",
        values: &[
            "0",
            "0.01",
            "0.009999",
            "0.0099999",
            "10",
            "10.5",
            "10.500001",
            "10.5000001",
            "99.95",
            "-0.5",
            "1e-7",
            "9223372036854",
            "9223372036855",
            "9007199254740990.5",
        ],
        allowed: |dice| match dice.roll(4) {
            0 => Allowed::Decimals(Some("0.01"), Some("10.5")),
            1 => Allowed::Decimals(None, Some("10.5")),
            2 => Allowed::Decimals(Some("10.0"), None),
            _ => Allowed::Equals("10.5"),
        },
    },
    Family {
        name: "mode",
        values: &[
            "\"fast\"",
            "\"Fast\"",
            "\"fas\"",
            "\"fast \"",
            "\"steadfast\"",
            "\"slow\"",
            "\"\"",
            "\"\\u00e9\"",
            "\"e\\u0301\"",
            "\"\\ud83d\\ude00\"",
            "\"faster\"",
            "\"10\"",
        ],
        allowed: |dice| match dice.roll(8) {
            0 => Allowed::Equals("\"fast\""),
            1 => Allowed::Equals("\"\\u00e9\""),
            2 => Allowed::OneOf(vec!["\"fast\"", "\"slow\""]),
            3 => Allowed::NotOneOf(vec!["\"fast\"", "\"\""]),
            4 => Allowed::StartsWith("fas"),
            5 => Allowed::EndsWith("fast"),
            6 => Allowed::Contains("as"),
            _ => Allowed::Length(Some(1), Some(3)),
        },
    },
    Family {
        name: "flag",
        values: &["true", "false", "null", "\"true\"", "0", "\"null\""],
        allowed: |dice| Allowed::Equals(dice.pick(&["true", "false", "null"])),
    },
    Family {
        name: "path",
        values: &[
            "\"/workspace\"",
            "\"/workspace/\"",
            "\"/workspace/a\"",
            "\"/workspace/b/./c\"",
            "\"/workspace-evil\"",
            "\"/workspace/../etc\"",
            "\"/workspace/%2e%2e/x\"",
            "\"/workspac\"",
            "\"/\"",
            "\"workspace/a\"",
            "\"./notes/x\"",
            "\"notes\"",
            "\"~/x\"",
            "\"/workspace/a\\\\b\"",
            "\"/workspace/a\\u0000\"",
        ],
        allowed: |dice| Allowed::Under(dice.pick(&["/workspace", "/workspace/a", "./notes"])),
    },
    Family {
        name: "url",
        values: &[
            "\"https://api.example.com/v1\"",
            "\"https://API.example.com:443\"",
            "\"https://example.com\"",
            "\"https://badexample.com\"",
            "\"http://api.example.com:8443/\"",
            "\"https://api.example.com@evil.test/\"",
            "\"https://api.example.com.evil.test/\"",
            "\"ftp://files.example.com\"",
            "\"https://10.0.0.1/\"",
            "\"https://2130706433/\"",
            "\"gopher://x.example.com/\"",
            "\"mailto:a@example.com\"",
        ],
        allowed: |dice| match dice.roll(4) {
            0 => Allowed::UrlScheme(vec!["https"]),
            1 => Allowed::UrlHost(vec!["api.example.com", "10.0.0.1"]),
            2 => Allowed::UrlDomain("example.com"),
            _ => Allowed::UrlPort(vec![8443, [443, 80][dice.roll(2) as usize]]),
        },
    },
    Family {
        name: "ip",
        values: &[
            "\"10.0.0.1\"",
            "\"10.255.255.255\"",
            "\"100.1.1.1\"",
            "\"11.0.0.0\"",
            "\"010.0.0.1\"",
            "\"2001:db8::1\"",
            "\"2001:db9::1\"",
            "\"::ffff:10.0.0.1\"",
            "\"9.255.255.255\"",
        ],
        allowed: |dice| Allowed::Within(dice.pick(&["10.0.0.0/8", "2001:db8::/32"])),
    },
    Family {
        name: "to",
        values: &[
            "\"a@example.com\"",
            "\"a@EXAMPLE.com\"",
            "\"a@sub.example.com\"",
            "\"a@badexample.com\"",
            "\"a@example.com.evil.test\"",
            "\"a@b@example.com\"",
            "\"<a@example.com>\"",
            "\"example.com\"",
        ],
        allowed: |_| Allowed::EmailDomain(vec!["example.com", "example.org"]),
    },
    Family {
        name: "list",
        values: &["[]", "[1]", "[1,2]", "[1,2,3]", "[[],[]]", "[null]"],
        allowed: |dice| match dice.roll(2) {
            0 => Allowed::Count(Some(1), Some(2)),
            _ => Allowed::Count(None, Some(1)),
        },
    },
    // What any caveat may meet.
    Family {
        name: "odd",
        values: &[
            "null",
            "{}",
            "[]",
            "\"10\"",
            "true",
            "10",
            "10.5",
            "[\"fast\"]",
        ],
        allowed: |dice| {
            let family = &FAMILIES[dice.roll(9) as usize];
            (family.allowed)(dice)
        },
    },
];

/// Elements of arrays go with the same caveats; `limit` to `to` have them.
const ARRAY_NAMES: [&str; 8] = [
    "limits", "prices", "modes", "flags", "paths", "urls", "ips", "tos",
];

pub fn arguments(dice: &mut Dice) -> Arguments {
    let mut members = Vec::new();
    for (number, family) in FAMILIES.iter().enumerate() {
        // One in sixteen missing.
        if dice.roll(16) > 0 {
            members.push(format!("\"{}\":{}", family.name, value(dice, family)));
        }
        if let Some(name) = ARRAY_NAMES.get(number)
            && dice.roll(16) > 0
        {
            let elements: Vec<&str> = (0..dice.roll(4)).map(|_| value(dice, family)).collect();
            members.push(format!("\"{name}\":[{}]", elements.join(",")));
        }
    }
    if dice.roll(8) == 0 {
        members.truncate(dice.roll(4) as usize);
    }
    Arguments::parse(format!("{{{}}}", members.join(",")).as_bytes()).unwrap()
}

fn value(dice: &mut Dice, family: &Family) -> &'static str {
    // One in twenty-four of another family.
    let family = if dice.roll(24) == 0 {
        &FAMILIES[dice.roll(FAMILIES.len() as u64) as usize]
    } else {
        family
    };
    // The first values are those that caveats tend to allow: as many as all the others.
    let first = (family.values.len() as u64).min(4);
    match dice.roll(3) {
        0 => family.values[dice.roll(first) as usize],
        _ => family.values[dice.roll(family.values.len() as u64) as usize],
    }
}

pub fn caveat(dice: &mut Dice) -> Stated {
    match dice.roll(18) {
        0 => Stated::ExpiresBefore(dice.seconds(4, 30)),
        1 => Stated::OnlyServices(dice.some(&AUDIENCES, 9)),
        2 => Stated::OnlyTools(dice.some(&TOOLS, 9)),
        3 => Stated::AtMostBlocks(dice.roll(4) as usize + 1),
        4 => {
            let names = names(dice);
            Stated::OnlyArguments {
                tools: scope(dice),
                names,
            }
        }
        16 | 17 => either(dice),
        roll => argument(dice, roll >= 12),
    }
}

fn names(dice: &mut Dice) -> Vec<&'static str> {
    let mut names: Vec<&str> = FAMILIES.iter().map(|family| family.name).collect();
    names.extend(ARRAY_NAMES);
    match dice.roll(4) {
        0 => dice.some(&names, 5),
        1 => Vec::new(),
        _ => names,
    }
}

/// Two alternatives of one or two rules mostly: of more, one nearly always holds, or none.
fn either(dice: &mut Dice) -> Stated {
    let tools = scope(dice);
    let mut alternatives: Vec<Vec<Stated>> = Vec::new();
    let wanted = [2, 2, 2, 3, 8][dice.roll(5) as usize];
    while alternatives.len() < wanted {
        let rules = [1, 1, 2, 2, 4][dice.roll(5) as usize];
        let rules = (0..rules).map(|_| match dice.roll(8) {
            0 => Stated::OnlyArguments {
                tools: Vec::new(),
                names: names(dice),
            },
            _ => rule(dice),
        });
        let rules: Vec<Stated> = rules.collect();
        // None may stand twice, in whatever order.
        let words =
            |rules: &[Stated]| -> BTreeSet<String> { rules.iter().map(Stated::words).collect() };
        if alternatives
            .iter()
            .all(|known| words(known) != words(&rules))
        {
            alternatives.push(rules);
        }
    }
    Stated::Either {
        tools,
        alternatives,
    }
}

/// A test of one argument, for every tool.
fn rule(dice: &mut Dice) -> Stated {
    match argument(dice, false) {
        Stated::Argument {
            each,
            pointer,
            allowed,
            ..
        } => Stated::Argument {
            tools: Vec::new(),
            each,
            pointer,
            allowed,
        },
        other => other,
    }
}

fn argument(dice: &mut Dice, each: bool) -> Stated {
    const POINTERS: [&str; 10] = [
        "/limit", "/price", "/mode", "/flag", "/path", "/url", "/ip", "/to", "/list", "/odd",
    ];
    const ARRAYS: [&str; 8] = [
        "/limits", "/prices", "/modes", "/flags", "/paths", "/urls", "/ips", "/tos",
    ];
    let (family, pointer) = if each {
        let family = weighted(dice, ARRAYS.len());
        (family, ARRAYS[family])
    } else {
        let family = weighted(dice, POINTERS.len());
        // An element of an array by its index, now and then.
        match (family, dice.roll(8)) {
            (0, 0) => (0, "/limits/0"),
            (2, 0) => (2, "/modes/1"),
            _ => (family, POINTERS[family]),
        }
    };
    // One in sixteen asks something the argument never is.
    let other = dice.roll(16) == 0;
    let asked = if other { dice.roll(9) as usize } else { family };
    let allowed = (FAMILIES[asked].allowed)(dice);
    if each && matches!(allowed, Allowed::Equals(_) | Allowed::Count(..)) {
        return argument(dice, each);
    }
    Stated::Argument {
        tools: scope(dice),
        each,
        pointer,
        allowed,
    }
}

/// A family; those that more caveats look at come more often.
fn weighted(dice: &mut Dice, families: usize) -> usize {
    match dice.roll(2) {
        0 => [0, 1, 2, 2, 2, 5, 5][dice.roll(7) as usize],
        _ => dice.roll(families as u64) as usize,
    }
}

/// One in four is for some tools only.
fn scope(dice: &mut Dice) -> Vec<&'static str> {
    match dice.roll(4) {
        0 => dice.some(&TOOLS, 5),
        _ => Vec::new(),
    }
}
