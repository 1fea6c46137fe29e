//! Rehearsed decisions explained: every step, every caveat, and the Biscuit engine's word on it.

use crate::command::{Answer, Desk, transcripts};
use crate::world::{AT, World, minted_with, spec, token};

/// A desk with a token whose route and two holders restricted arguments.
fn desk() -> Desk {
    let desk = World::new().desk();
    desk.write(
        "route",
        minted_with(spec(), 1, &["/limit<=100", "for tickets.get: no arguments"]),
    );
    for (from, to, args) in [
        (
            "@route",
            "once",
            &["--only-tool", "kb.search", "--arg", "/limit<=10"][..],
        ),
        (
            "@once",
            "twice",
            &[
                "--only-arg",
                "limit",
                "--only-arg",
                "query",
                "--expires-in",
                "60s",
                "--only-audience",
                "tickets",
            ],
        ),
    ] {
        let narrower = desk
            .run(&[&["tokens", "attenuate", from, "--at", AT], args].concat())
            .expect(0);
        desk.write(to, narrower.stdout);
    }
    desk
}

fn verify(desk: &Desk, args: &[&str]) -> Answer {
    let trust = [
        "--trust-root",
        "trust-root.txt",
        "--bundle",
        "bundle.json",
        "--at",
        AT,
    ];
    desk.run(&[&["tokens", "verify"], args, &trust].concat())
}

fn call<'a>(token: &'a str, tool: &'a str, arguments: &'a str) -> Vec<&'a str> {
    vec![
        token,
        "--audience",
        "tickets",
        "--tool",
        tool,
        "--args",
        arguments,
    ]
}

#[test]
fn every_step_is_explained() {
    let desk = desk();
    let explained = |mut args: Vec<&str>| {
        args.push("--explain");
        verify(&desk, &args)
    };
    let answers = [
        explained(call("@twice", "kb.search", r#"{"limit":5}"#)).expect(0),
        explained(call("@twice", "kb.search", r#"{"limit":50}"#)).expect(1),
        explained(call(
            "@twice",
            "kb.search",
            r#"{"limit":5,"tenant":"a secret"}"#,
        ))
        .expect(1),
        explained(call("@route", "kb.search", "{}")).expect(1),
        explained(call("@token", "ticket.update", "{}")).expect(1),
        explained(vec!["@twice"]).expect(0),
        explained(vec!["hp1.AAAA"]).expect(1),
    ];
    for answer in &answers {
        assert!(!answer.stdout.contains("secret\""), "{}", answer.stdout);
    }
    insta::assert_snapshot!(transcripts(&answers));
}

#[test]
fn the_engine_is_asked_too() {
    let desk = desk();
    let asked = |mut args: Vec<&str>, json: bool| {
        args.push("--engine");
        args.extend(json.then_some("--json"));
        verify(&desk, &args)
    };
    let no_call = verify(&desk, &["@twice", "--engine"]).expect(2);
    let answers = [
        asked(call("@twice", "kb.search", r#"{"limit":5}"#), false).expect(0),
        asked(call("@twice", "kb.search", r#"{"limit":50}"#), false).expect(1),
        asked(call("@token", "ticket.update", "{}"), false).expect(1),
        asked(call("@twice", "kb.search", r#"{"limit":50}"#), true).expect(1),
        asked(call("@twice", "kb.search", r#"{"limit":5}"#), true).expect(0),
        asked(call("hp1.AAAA", "kb.search", "{}"), false).expect(1),
        no_call,
    ];
    insta::assert_snapshot!(transcripts(&answers));
}

#[test]
fn alternatives_are_inspected_explained_and_asked_of_the_engine() {
    let desk = World::new().desk();
    let words = "for kb.search: either /limit<=10 or /limit<=100 and /query length<=8";
    desk.write("several", minted_with(spec(), 1, &[words]));
    let asked = |arguments| {
        let mut args = call("@several", "kb.search", arguments);
        args.extend(["--explain", "--engine"]);
        verify(&desk, &args)
    };
    let answers = [
        desk.run(&["tokens", "inspect", "@several", "--at", AT])
            .expect(0),
        asked(r#"{"limit":100,"query":"refund"}"#).expect(0),
        asked(r#"{"limit":100,"query":"a secret"}"#).expect(0),
        asked(r#"{"limit":100,"query":"a long secret"}"#).expect(1),
        asked(r#"{"query":"refund"}"#).expect(1),
    ];
    insta::assert_snapshot!(transcripts(&answers));
}

#[test]
fn the_json_of_an_explanation_has_the_caveat_and_the_argument() {
    let desk = desk();
    let mut args = call("@twice", "kb.search", r#"{"limit":50}"#);
    args.extend(["--explain", "--json"]);
    let json = verify(&desk, &args).expect(1).json();
    assert_eq!(json["verdict"], "deny");
    let last = json["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(
        *last,
        serde_json::json!({
            "step": "caveat", "block": 1, "check": 1, "words": "/limit<=10", "outcome": "fails",
            "argument": "/limit", "why": "the argument `/limit` is not what it allows",
        })
    );
    let mut args = call("@twice", "kb.search", r#"{"limit":5}"#);
    args.extend(["--explain", "--json"]);
    let json = verify(&desk, &args).expect(0).json();
    let steps = json["steps"].as_array().unwrap();
    let outcomes = steps.iter().map(|step| step["outcome"].as_str().unwrap());
    assert_eq!(
        outcomes
            .filter(|outcome| *outcome != "holds")
            .collect::<Vec<_>>(),
        ["other_tool"]
    );
    assert_eq!(json.get("engine"), None);
}

#[test]
fn arguments_come_from_a_file_or_standard_input() {
    let desk = desk();
    desk.write("call.json", r#"{"limit":50}"#);
    desk.write("array.json", "[1]");
    desk.write("large.json", vec![b' '; 1 << 21]);
    let from_file = verify(&desk, &call("@twice", "kb.search", "@call.json")).expect(1);
    let args = [
        &["tokens", "verify"],
        &call("@twice", "kb.search", "-")[..],
        &["--trust-root", "trust-root.txt", "--bundle", "bundle.json"],
        &["--at", AT],
    ]
    .concat();
    let piped = desk.run_with(&args, r#"{"limit":50}"#).expect(1);
    assert_eq!(from_file.stdout, piped.stdout);
    let answers = [
        from_file,
        verify(&desk, &call("-", "kb.search", "-")).expect(2),
        verify(&desk, &call("@twice", "kb.search", "@absent")).expect(2),
        verify(&desk, &call("@twice", "kb.search", "@array.json")).expect(2),
        verify(&desk, &call("@twice", "kb.search", "@large.json")).expect(2),
        verify(&desk, &call("@twice", "kb.search", "")).expect(2),
    ];
    insta::assert_snapshot!(transcripts(&answers));
}

#[test]
fn inspect_prints_every_block_in_words_and_as_datalog() {
    let desk = desk();
    let hostile = desk
        .run(&[
            "tokens",
            "attenuate",
            "@twice",
            "--at",
            AT,
            "--arg",
            "/q==\"\\u001b[2J\\u202eit's\"",
            "--only-arg",
            "a\u{1b}[2J\u{202e}",
        ])
        .expect(0);
    desk.write("hostile", &hostile.stdout);
    let inspect = |args: &[&str]| {
        let answer = desk
            .run(&[&["tokens", "inspect"], args, &["--at", AT]].concat())
            .expect(0);
        let plain = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
        assert!(answer.stdout.chars().all(plain), "{:?}", answer.stdout);
        answer
    };
    let answers = [
        inspect(&["@hostile"]),
        inspect(&["@hostile", "--datalog"]),
        inspect(&[
            "@once",
            "--datalog",
            "--trust-root",
            "trust-root.txt",
            "--bundle",
            "bundle.json",
        ]),
    ];
    insta::assert_snapshot!(transcripts(&answers));
    let json = inspect(&["@hostile", "--json"]).json();
    assert_eq!(json["caveats"][0]["block"], 0);
    assert_eq!(json["caveats"][0]["words"], "/limit<=100");
    assert_eq!(
        json["caveats"][0]["datalog"],
        "check if call:arg_int(\"/limit\", $v), $v <= 100"
    );
    assert!(!hostile.stderr.contains(['\u{1b}', '\u{202e}']));
    assert_ne!(hostile.stdout.trim(), token());
}
