//! Traps of the engine and weaknesses of neighbours that a caveat on arguments, or a call, would walk into: each input
//! as it was seen to work elsewhere, and our answer.

use biscuit_auth::format::schema;
use hallpass_args::{Arguments, ArgumentsError};
use hallpass_token::limits::TOOLS_MAX;
use hallpass_token::{AdmittedToken, Caveat, Clearance, Grant, Profile, Unbounded};
use hallpass_vocabulary::DenialCode;
use prost::Message as _;

use crate::fixtures::{Call, admitted, attenuated, call, grant, minted, verified};
use crate::forge;

fn narrowed(words: &str) -> AdmittedToken {
    let caveat: Caveat = words
        .parse()
        .unwrap_or_else(|error| panic!("{words}: {error}"));
    admitted(attenuated(minted(&grant()).expose(), &[caveat]).expose())
}

/// Whether a token with this caveat allows a call with these arguments; the other answer is `caveat_failed`.
fn allows(words: &str, arguments: &str) -> bool {
    let arguments = Arguments::parse(arguments.as_bytes())
        .unwrap_or_else(|error| panic!("{arguments}: {error}"));
    let call = Call {
        arguments,
        ..call()
    };
    match narrowed(words).decide(&call.facts()) {
        Ok(clearance) => clearance == Clearance::Allow,
        Err(denial) => {
            assert_eq!(denial.code, DenialCode::CaveatFailed, "{words}");
            false
        }
    }
}

/// One of each caveat on one argument.
const ON_ONE_ARGUMENT: [&str; 24] = [
    "/x==a",
    "/x==1",
    "/x==1.5",
    "/x==true",
    "/x==null",
    "/x one of a, b",
    "/x one of 1, 2",
    "/x not one of a, b",
    "/x not one of 1, 2",
    "/x in 1..5",
    "/x<=5.5",
    "/x length<=5",
    "/x count<=5",
    "/x starts with a",
    "/x ends with a",
    "/x contains a",
    "/x under /a",
    "/x url scheme https",
    "/x url host a.test",
    "/x url domain a.test",
    "/x url port 443",
    "/x within 10.0.0.0/8",
    "/x email domain a.test",
    "each /x not one of a, b",
];

#[test]
fn trap_9_a_missing_argument_fails_every_caveat_on_it() {
    for words in ON_ONE_ARGUMENT {
        assert!(!allows(words, "{}"), "{words}");
        assert!(!allows(words, r#"{"X":1,"y":null}"#), "{words}");
        assert!(!allows(words, r#"{"x":{}}"#), "{words}");
        assert!(
            !allows(words, r#"{"x":[]}"#) || words.contains("count"),
            "{words}"
        );
    }
}

#[test]
fn trap_9_what_rejects_is_not_admitted_and_so_never_passes_for_want_of_a_fact() {
    for code in [
        "reject if time($t), $t > 2026-11-21T09:31:00Z;",
        r#"reject if call:arg_int("/limit", $n), $n > 100;"#,
        "reject if true;",
    ] {
        let token = verified(&forge::appended(code));
        let refused = token.admit().map(|_| ()).unwrap_err();
        assert_eq!(refused.code(), DenialCode::CaveatUnknown, "{code}");
        let refused = token.admit_as(Profile::Extended).map(|_| ()).unwrap_err();
        assert_eq!(
            refused,
            hallpass_token::AdmissionError::CheckUnbounded {
                block: 1,
                check: 0,
                reason: Unbounded::NotAdmitted
            },
            "{code}"
        );
    }
}

#[test]
fn trap_13_a_holders_names_are_escaped_where_they_are_shown() {
    // Names of facts and variables are symbols: no Datalog text can say these, a token can.
    let text = forge::appended("check if some_name($some_variable);");
    let block = forge::to_schema(&text).blocks[0].block.clone();
    let mut block = schema::Block::decode(block.as_slice()).unwrap();
    for symbol in &mut block.symbols {
        *symbol = format!("{symbol}\n\u{1b}[2J\u{202e}`deny`");
    }
    let token = verified(&forge::appended_raw(block.encode_to_vec()));
    let token = token.admit_as(Profile::Extended).unwrap();
    let call = call();
    let denial = token.decide(&call.facts()).unwrap_err();
    let told = token.explain(&denial, &call.facts());
    assert!(told.contains("some_name"), "{told}");
    assert!(
        told.chars()
            .all(|c| c == ' ' || c.is_ascii_graphic() || c == '…'),
        "{told:?}"
    );
}

#[test]
fn trap_14_every_caveat_keeps_its_block_at_a_version_all_implementations_read() {
    let others = [
        "expires before 2026-11-21T09:31:00Z",
        "only tools kb.search",
        "only services tickets",
        "at most 2 blocks",
        "no arguments",
        "only arguments x",
        "for kb.search: /x<=5",
        "for kb.search: each /x email domain a.test",
    ];
    for words in ON_ONE_ARGUMENT.into_iter().chain(others) {
        // `check all` came with version 4; everything else is version 3.
        let expected = if words.contains("each") { 4 } else { 3 };
        let block = forge::caveat_block(words);
        assert_eq!(block.version, Some(expected), "{words}");
    }
}

#[test]
fn paths_that_climb_out_of_a_prefix_are_below_no_root() {
    for path in [
        "/workspace/../etc/passwd",
        "/workspace/a/../../etc/passwd",
        "/workspace/%2e%2e/etc/passwd",
        "/workspace/..%2fetc/passwd",
        "/workspace/%252e%252e/etc",
        "/workspace/..\\\\etc",
        "/workspace-evil/a",
        "/workspace//etc/passwd",
        "workspace/a",
        "/Workspace/a",
    ] {
        let arguments = format!(r#"{{"path":"{path}"}}"#);
        assert!(!allows("/path under /workspace", &arguments), "{path}");
    }
    assert!(allows(
        "/path under /workspace",
        r#"{"path":"/workspace/a/./b"}"#
    ));
    // `starts with` is about text, and says so: it is not for paths.
    let climbing = r#"{"path":"/workspace/../etc/passwd"}"#;
    assert!(allows("/path starts with /workspace/", climbing));
}

#[test]
fn urls_are_what_every_reader_of_urls_takes_them_for() {
    let url = |words: &str, url: &str| allows(words, &format!(r#"{{"url":"{url}"}}"#));
    // The port is a part of its own, and the scheme's where none is written.
    for (port, address) in [
        (true, "https://api.example.com/"),
        (true, "https://api.example.com:443/"),
        (false, "https://api.example.com:8443/"),
        (false, "http://api.example.com/"),
        (false, "https://api.example.com:0443/"),
    ] {
        assert_eq!(url("/url url port 443", address), port, "{address}");
    }
    for address in [
        "https://api.example.com@evil.test/",
        "https://evil.test#@api.example.com/",
        "https://evil.test\\\\@api.example.com/",
        "https://api.example.com.evil.test/",
        "https://notexample.com/",
        "//api.example.com/",
        "https:api.example.com",
        "https://api.example.com%2eevil.test/",
    ] {
        assert!(!url("/url url domain example.com", address), "{address}");
        assert!(!url("/url url host api.example.com", address), "{address}");
    }
}

#[test]
fn without_only_arguments_other_arguments_pass_and_with_it_none_does() {
    let more = r#"{"path":"/workspace/a","as_root":true}"#;
    assert!(allows("/path under /workspace", more));
    assert!(!allows("only arguments path", more));
    assert!(allows("only arguments path", r#"{"path":"/workspace/a"}"#));
    assert!(allows("only arguments path", "{}"));
    assert!(!allows("no arguments", more));
}

#[test]
fn booleans_integers_texts_and_null_are_never_one_another() {
    for (words, itself, others) in [
        (
            "/x==true",
            "true",
            ["1", "\"true\"", "[true]", "1.5", "null"],
        ),
        (
            "/x==false",
            "false",
            ["0", "\"\"", "null", "[]", "\"false\""],
        ),
        ("/x==1", "1", ["true", "\"1\"", "[1]", "1.5", "null"]),
        ("/x==0", "0", ["false", "null", "\"\"", "\"0\"", "[]"]),
        ("/x==null", "null", ["0", "false", "\"null\"", "\"\"", "[]"]),
        (
            "/x==\"1\"",
            "\"1\"",
            ["1", "true", "1.0", "[\"1\"]", "null"],
        ),
        ("/x<=5", "5", ["\"5\"", "true", "null", "[5]", "4.5"]),
        (
            "/x not one of 5",
            "4",
            ["\"4\"", "true", "null", "[4]", "4.5"],
        ),
    ] {
        assert!(allows(words, &format!(r#"{{"x":{itself}}}"#)), "{words}");
        for other in others {
            let arguments = format!(r#"{{"x":{other}}}"#);
            assert!(!allows(words, &arguments), "{words} {other}");
        }
    }
    // One number is one number, however it is written.
    for one in ["1.0", "1e0", "10e-1"] {
        assert!(allows("/x==1", &format!(r#"{{"x":{one}}}"#)), "{one}");
    }
}

#[test]
fn numbers_doubles_cannot_hold_apart_reach_no_caveat() {
    for number in [
        "9007199254740992",
        "9007199254740993",
        "-9007199254740993",
        "9007199254740993.0",
        "18446744073709551616",
        "1e300",
        "1e400",
    ] {
        let arguments = Arguments::parse(format!(r#"{{"x":{number}}}"#).as_bytes());
        assert!(
            matches!(arguments, Err(ArgumentsError::Strict(_))),
            "{number}"
        );
    }
    assert!(allows("/x<=9007199254740991", r#"{"x":9007199254740991}"#));
    assert!(!allows("/x<=9007199254740990", r#"{"x":9007199254740991}"#));
    // Decimals are compared exactly, in millionths; what has none is in no range.
    assert!(allows("/x<=10.5", r#"{"x":10.5}"#));
    assert!(!allows("/x<=10.5", r#"{"x":10.500001}"#));
    assert!(!allows("/x<=10.5", r#"{"x":10.4999999}"#));
    // Two values under one name are no arguments at all.
    let doubled = Arguments::parse(br#"{"x":1,"\u0078":1000}"#);
    assert!(matches!(doubled, Err(ArgumentsError::Strict(_))));
}

#[test]
fn trap_16_a_grant_has_64_tools_and_not_one_more() {
    let with = |count: usize| {
        let mut spec = crate::fixtures::spec();
        spec.needs_approval.clear();
        spec.tools = (0..count)
            .map(|n| format!("a.b{n}").parse().unwrap())
            .collect();
        Grant::new(spec)
    };
    let token = admitted(minted(&with(TOOLS_MAX).unwrap()).expose());
    for (tool, allowed) in [("a.b0", true), ("a.b63", true), ("a.b64", false)] {
        let call = Call {
            tool: tool.parse().unwrap(),
            ..call()
        };
        assert_eq!(token.decide(&call.facts()).is_ok(), allowed, "{tool}");
    }
    assert!(with(TOOLS_MAX + 1).is_err());
    // Nor can whoever has the root key sign one.
    let text = forge::reminted(|block| {
        let first = 1024 + block.symbols.len() as u64;
        let names = (0..=TOOLS_MAX as u64).map(|n| format!("z.b{n}"));
        block.symbols.extend(names);
        let tools = (first..=first + TOOLS_MAX as u64).map(|symbol| schema::Term {
            content: Some(schema::term::Content::String(symbol)),
        });
        let set = schema::TermSet {
            set: tools.collect(),
        };
        let named_tools = block.facts.iter_mut().find(|fact| {
            let name = fact.predicate.name;
            name >= 1024 && block.symbols[name as usize - 1024] == "tools"
        });
        named_tools.unwrap().predicate.terms = vec![schema::Term {
            content: Some(schema::term::Content::Set(set)),
        }];
    });
    let refused = verified(&text).admit().map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), DenialCode::TokenNotAdmitted);
}
