//! Narrowing on the command line: every flag, every mistake and every warning, to the letter.

use std::os::unix::ffi::OsStrExt as _;

use hallpass_token::{Caveat, NextSecret, UnverifiedToken};

use crate::command::{Answer, Desk, transcripts};
use crate::world::{AT, World, minted, spec, token};

fn attenuate<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["tokens", "attenuate", "@token", "--at", AT], args].concat()
}

/// Narrows the desk's token; the token that comes out, random, is written to a file and left out of the transcript.
fn narrowed(desk: &Desk, args: &[&str]) -> Answer {
    let mut answer = desk.run(&attenuate(args));
    if answer.exit == 0 {
        assert_eq!(answer.stdout.lines().count(), 1);
        desk.write("narrower", &answer.stdout);
        answer.stdout = "TOKEN\n".to_owned();
    }
    answer
}

#[test]
fn each_flag_is_a_caveat() {
    let desk = World::new().desk();
    desk.write(
        "caveats.toml",
        "# what the agent may do\ncaveats = [\n  \"/limit<=100\", # not all\n  'for kb.search: only arguments query, limit',\n]\n",
    );
    desk.write("one.toml", "caveats = ['/path under \"/my files\"']");
    let answers: Vec<Answer> = [
        &["--arg", "/limit<=100", "--arg", "/path under /workspace"][..],
        &["--arg", "each /to email domain example.com"],
        &["--arg", "for kb.search: /query length<=80"],
        &[
            "--arg",
            "either /limit<=100 and /query length<=80 or /limit<=10",
        ],
        &["--only-arg", "query", "--only-arg", "a b"],
        &["--no-args"],
        &["--max-blocks", "3"],
        &[
            "--caveat",
            "only tools kb.search",
            "--caveat",
            "  /limit  <=  10 ",
        ],
        &["--caveats", "caveats.toml"],
        &["--caveats", "one.toml"],
        &[
            "--caveats",
            "caveats.toml",
            "--max-blocks",
            "3",
            "--only-tool",
            "kb.search",
            "--arg",
            "/limit<=100",
            "--expires-in",
            "60s",
        ],
    ]
    .iter()
    .map(|args| narrowed(&desk, args).expect(0))
    .collect();
    insta::assert_snapshot!(transcripts(&answers));
    let inspected = desk
        .run(&["tokens", "inspect", "@narrower", "--at", AT])
        .expect(0);
    insta::assert_snapshot!(inspected.stdout);
}

#[test]
fn each_mistake_has_its_words() {
    let desk = World::new().desk();
    for (file, content) in [
        (
            "unknown.toml",
            "caveats = [\"/limit<=1\"]\nreason = \"because\"\n",
        ),
        ("none.toml", "caveats = []\n"),
        ("empty.toml", ""),
        ("number.toml", "\ncaveats = [1]\n"),
        ("text.toml", "/limit<=1\n"),
        (
            "two.toml",
            "caveats = [\n \"/limit<1\",\n \"/limit<=1\",\n \"\\u001b[2J\\u202e\",\n]\n",
        ),
    ] {
        desk.write(file, content);
    }
    desk.write("latin.toml", b"caveats = [\"\xe9\"]");
    desk.write("large.toml", vec![b'#'; 256 * 1024 + 1]);
    let many: Vec<String> = (0..17).map(|n| format!("/a{n}==1")).collect();
    let many: Vec<&str> = many.iter().flat_map(|words| ["--arg", words]).collect();
    let long = format!("/q=={}", "x".repeat(300));
    let answers: Vec<Answer> = [
        &["--arg", "/limit<100"][..],
        &["--arg", "limit<=100"],
        &["--arg", "/limit"],
        &["--arg", ""],
        &["--arg", "only tools kb.search"],
        &["--arg", "/path under ../etc"],
        &["--arg", "/limit<=10 or /query==x"],
        &["--arg", "either /limit<=10 or each /ids<=2"],
        &["--arg", "either /limit<=10 and /query==x"],
        &["--arg", &long],
        &["--caveat", "a\u{1b}[2J\u{202e}b"],
        &["--caveat", "only tools *"],
        &["--caveat", "/q==5\nadded: /limit<=1"],
        &["--only-arg", ""],
        &["--only-arg", "query", "--no-args"],
        &["--max-blocks", "0"],
        &["--max-blocks", "9"],
        &["--max-blocks", "two"],
        &["--caveats", "absent.toml"],
        &["--caveats", "."],
        &["--caveats", "unknown.toml"],
        &["--caveats", "none.toml"],
        &["--caveats", "empty.toml"],
        &["--caveats", "number.toml"],
        &["--caveats", "text.toml"],
        &["--caveats", "two.toml"],
        &["--caveats", "latin.toml"],
        &["--caveats", "large.toml"],
        &many,
    ]
    .iter()
    .map(|args| {
        let answer = desk.run(&attenuate(args)).expect(2);
        assert_eq!(answer.stdout, "");
        answer
    })
    .collect();
    insta::assert_snapshot!(transcripts(&answers));
}

#[test]
fn a_token_that_cannot_be_narrowed_says_what_to_do() {
    let desk = World::new().desk();
    let sealed = UnverifiedToken::parse(&token()).unwrap().seal().unwrap();
    desk.write("sealed", sealed.expose());
    let mut full = token();
    for seed in 20..27 {
        let caveats: [Caveat; 1] = ["/limit<=10".parse().unwrap()];
        let next = NextSecret::from_random([seed; 32]);
        let token = UnverifiedToken::parse(&full).unwrap();
        full = token.attenuate(&caveats, next).unwrap().expose().to_owned();
    }
    desk.write("full", &full);
    let one_of = |list: u8, length: usize| {
        let values = (0..64).map(|n| format!("{}{list}{n:02}", "x".repeat(length)));
        format!("/q{list} one of {}", values.collect::<Vec<_>>().join(","))
    };
    let answers = [
        desk.run(&["tokens", "attenuate", "@sealed", "--arg", "/limit<=10"]),
        desk.run(&["tokens", "attenuate", "@full", "--arg", "/limit<=10"]),
        desk.run(&["tokens", "attenuate", "--arg", "/limit<=10", "@absent"]),
        desk.run(&["tokens", "attenuate", "--no-args"]),
        desk.run(&["tokens", "attenuate", "/limit<=10", "--no-args"]),
    ];
    for answer in &answers {
        assert_eq!((answer.exit, answer.stdout.as_str()), (2, ""));
    }
    insta::assert_snapshot!(transcripts(&answers));
    let large = desk.run(&attenuate(&["--arg", &one_of(0, 200)])).expect(2);
    insta::assert_snapshot!(large.stderr, @r"
    error: cannot narrow the token: the token would have 14953 bytes, more than 8192
    hint: give fewer or shorter caveats, or narrow a token with fewer blocks
    ");
    let lists: Vec<String> = (0..4).map(|list| one_of(list, 1)).collect();
    let symbols: Vec<&str> = lists.iter().flat_map(|words| ["--arg", words]).collect();
    let symbols = desk.run(&attenuate(&symbols)).expect(2);
    insta::assert_snapshot!(symbols.stderr, @r"
    error: cannot narrow the token: the narrowed token would not be admitted: block 1 is not admitted: a block adds too many symbols
    hint: one block holds up to 64 values a set and 192 names and texts: narrow twice, with some of the caveats each time
    ");
}

#[test]
fn a_token_in_a_wrong_place_is_not_repeated() {
    let desk = World::new().desk();
    let token = token();
    let words = format!("/q starts with, {token}");
    let answers = [
        &["tokens", "attenuate", "@token", "--no-args", &token][..],
        &["tokens", "attenuate", "@token", "--arg", &token],
        &["tokens", "attenuate", "@token", "--arg", &words],
        &["tokens", "attenuate", "@token", "--max-blocks", &token],
        &["tokens", "verify", "@token", "--audience", &token],
        &["tokens", "inspect", &format!("@{token}")],
        &["tokens", "attenuate", "@token", "--caveats", &token],
        &["tokens", &token],
        &["why", &token],
    ]
    .map(|args| desk.run(args).expect(2));
    let said: Vec<&str> = answers
        .iter()
        .map(|answer| answer.stderr.as_str())
        .collect();
    let said = said.join("\n");
    assert!(!said.contains(&token[..8]), "{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn what_is_not_utf_8_is_refused() {
    let desk = World::new().desk();
    for flag in ["--arg", "--only-arg", "--caveat"] {
        let mut command = desk.command(&["tokens", "attenuate", "@token", flag]);
        command.arg(std::ffi::OsStr::from_bytes(b"/q==\xff"));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("invalid UTF-8"), "{said}");
    }
}

#[test]
fn what_is_probably_not_meant_is_said_beside_the_token() {
    let desk = World::new().desk();
    let answers: Vec<Answer> = [
        &["--arg", "for mail.send: /to email domain example.com"][..],
        &["--arg", "for kb.search, mail.send: /limit<=10"],
        &[
            "--only-tool",
            "kb.search",
            "--arg",
            "for tickets.get: /id starts with T-",
        ],
        &["--arg", "/path starts with /workspace"],
        &["--arg", "/url starts with https://example.com"],
        &["--arg", "/host ends with .example.com"],
        &["--caveat", "/to ends with @example.com"],
        &["--only-arg", "/limit"],
        &["--only-arg", "query,limit"],
        &["--caveat", "only tools mail.send"],
        &["--only-audience", "mail"],
        &["--max-blocks", "1"],
        &["--only-arg", "query", "--arg", "/limit<=10"],
        &["--no-args", "--arg", "for kb.search: /limit<=10"],
        &["--arg", "/limit<=10", "--arg", "/limit>=20"],
        &["--expires-in", "1h"],
        &["--caveat", "expires before 2026-11-21T09:30:10Z"],
        // Nothing to say.
        &[
            "--arg",
            "/id starts with T-",
            "--arg",
            "/file ends with txt",
        ],
    ]
    .iter()
    .map(|args| narrowed(&desk, args).expect(0))
    .collect();
    insta::assert_snapshot!(transcripts(&answers));

    let ended = desk
        .run(&[
            "tokens",
            "attenuate",
            "@token",
            "--no-args",
            "--at",
            "2026-11-21T10:00:00Z",
        ])
        .expect(0);
    insta::assert_snapshot!(ended.stderr, @r"
    added: no arguments
    warning: the token allowed no call before this: it has ended
    ");
}

#[test]
fn the_difference_is_shown_beside_the_token_or_in_the_json() {
    let desk = World::new().desk();
    let everything = [
        "--only-tool",
        "kb.search",
        "--only-audience",
        "mail",
        "--expires-in",
        "60s",
        "--arg",
        "/limit<=10",
        "--arg",
        "for kb.search: only arguments limit, query",
        "--arg",
        "for tickets.get: no arguments",
        "--max-blocks",
        "4",
        "--diff",
    ];
    let answers = [
        narrowed(&desk, &["--arg", "/limit<=10", "--diff"]).expect(0),
        narrowed(
            &desk,
            &["--caveat", "only services mail, tickets", "--diff"],
        )
        .expect(0),
        narrowed(&desk, &everything).expect(0),
        desk.run(&["tokens", "diff", "@token", "@narrower"])
            .expect(0),
        desk.run(&["tokens", "diff", "@token", "@narrower", "--json"])
            .expect(0),
        desk.run(&["tokens", "diff", "@token", "@token"]).expect(0),
        desk.run(&["tokens", "diff", "@narrower", "@token"])
            .expect(2),
        desk.run(&["tokens", "diff", "-", "-"]).expect(2),
    ];
    insta::assert_snapshot!(transcripts(&answers));

    let mut other = spec();
    other.actor = "agent:other".parse().unwrap();
    desk.write("other", minted(other, 1));
    let unrelated = desk.run(&["tokens", "diff", "@token", "@other"]).expect(2);
    insta::assert_snapshot!(unrelated.stderr, @r"
    error: the second token was not made from the first
    hint: `hallpass tokens inspect` shows where they part: both must have the same grant, and the second every caveat of the first
    ");

    let json = desk
        .run(&attenuate(&[&everything[..], &["--json"]].concat()))
        .expect(0);
    assert!(!json.stderr.contains("given up"), "{}", json.stderr);
    let json = json.json();
    assert_eq!(json["added"][3], "/limit<=10");
    assert_eq!(
        json["given_up"],
        serde_json::json!({
            "tools": ["tickets.get"],
            "needs_approval": ["ticket.update"],
            "services": ["tickets"],
            "life": {"from": "2026-11-21T09:40:00.000Z", "to": "2026-11-21T09:31:10.000Z"},
            "arguments": ["/limit<=10", "for kb.search: only arguments limit, query"],
            "blocks": {"from": 8, "to": 4},
            "sealed": false,
        })
    );
    assert!(json["token"].as_str().unwrap().starts_with("hp1."));
    let plain = desk.run(&attenuate(&["--no-args", "--json"])).expect(0);
    assert_eq!(plain.json().get("given_up"), None);
}
