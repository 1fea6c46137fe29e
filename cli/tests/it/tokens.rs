//! Reading, checking and narrowing tokens.

use hallpass_token::UnverifiedToken;

use crate::command::{MINT, transcripts};
use crate::world::{AT, World, damaged, minted, spec, token};

const TRUST: [&str; 4] = ["--trust-root", "trust-root.txt", "--bundle", "bundle.json"];

fn with_trust<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &TRUST, &["--at", AT]].concat()
}

#[test]
fn inspect_says_who_may_do_what_where_until_when() {
    let desk = World::new().desk();
    desk.write("damaged", damaged(&token()));
    let answers = [
        desk.run(&["tokens", "inspect", "@token", "--at", AT]),
        desk.run(&with_trust(&["tokens", "inspect", "@token"])),
        desk.run(&[
            "tokens",
            "inspect",
            "@token",
            "--at",
            "2026-11-21T09:41:00Z",
        ]),
        desk.run(&["tokens", "inspect", "@token", "--json"]),
        desk.run(&with_trust(&["tokens", "inspect", "@damaged"])),
        desk.run(&["tokens", "inspect", "@absent"]),
        desk.run(&["tokens", "inspect", "hp1.AAAA"]),
        desk.run(&["tokens", "inspect", "a token"]),
    ];
    insta::assert_snapshot!(transcripts(&answers));
}

#[test]
fn inspect_reads_standard_input_and_the_argument_alike() {
    let desk = World::new().desk();
    let file = desk
        .run(&["tokens", "inspect", "@token", "--at", AT])
        .expect(0);
    let piped = desk.run_with(
        &["tokens", "inspect", "--at", AT],
        &format!("{}\n", token()),
    );
    let given = desk.run(&["tokens", "inspect", &token(), "--at", AT]);
    assert_eq!(piped.expect(0).stdout, file.stdout);
    assert_eq!(given.expect(0).stdout, file.stdout);
}

#[test]
fn verify_answers_with_words_and_exit_status() {
    let desk = World::new().desk();
    desk.write("damaged", damaged(&token()));
    desk.write(
        "narrow",
        desk.run(&["tokens", "attenuate", "@token", "--only-tool", "kb.search"])
            .expect(0)
            .stdout,
    );
    let call = |token, tool| {
        with_trust(&[
            "tokens",
            "verify",
            token,
            "--audience",
            "tickets",
            "--tool",
            tool,
        ])
    };
    let answers = [
        desk.run(&with_trust(&["tokens", "verify", "@token"]))
            .expect(0),
        desk.run(&call("@token", "kb.search")).expect(0),
        desk.run(&call("@token", "ticket.close")).expect(1),
        desk.run(&call("@token", "ticket.update")).expect(1),
        desk.run(&call("@narrow", "tickets.get")).expect(1),
        desk.run(&with_trust(&["tokens", "verify", "@damaged"]))
            .expect(1),
        desk.run(&[&call("@token", "ticket.close")[..], &["--json"]].concat())
            .expect(1),
        desk.run(&[&call("@token", "kb.search")[..], &["--json"]].concat())
            .expect(0),
        desk.run(&[&call("@token", "kb.search")[..], &["--args", "[1]"]].concat())
            .expect(2),
        desk.run(&["tokens", "verify", "@token"]).expect(2),
        desk.run(&[
            "tokens",
            "verify",
            "@token",
            "--trust-root",
            "trust-root.txt",
        ])
        .expect(2),
        desk.run(&[
            "tokens",
            "verify",
            "@token",
            "--trust-root",
            "token",
            "--bundle",
            "bundle.json",
        ])
        .expect(2),
    ];
    insta::assert_snapshot!(transcripts(&answers));
}

#[test]
fn attenuate_prints_the_narrower_token_alone() {
    let desk = World::new().desk();
    let narrower = desk
        .run(&[
            "tokens",
            "attenuate",
            "@token",
            "--only-tool",
            "kb.search",
            "--only-audience",
            "tickets",
            "--expires-in",
            "60s",
            "--at",
            AT,
        ])
        .expect(0);
    insta::assert_snapshot!(narrower.stderr, @r"
    added: only tools kb.search
    added: only services tickets
    added: expires before 2026-11-21T09:31:10Z
    ");
    let text = narrower.stdout.strip_suffix('\n').unwrap();
    assert_eq!(UnverifiedToken::parse(text).unwrap().blocks(), 2);
    desk.write("narrower", text);
    let inspected = desk
        .run(&with_trust(&["tokens", "inspect", "@narrower"]))
        .expect(0);
    insta::assert_snapshot!(inspected.transcript());
    assert_ne!(text, token(), "the original is left as it is");
}

#[test]
fn attenuate_warns_of_what_is_probably_not_meant_and_refuses_what_cannot_be() {
    let desk = World::new().desk();
    let sealed = UnverifiedToken::parse(&token()).unwrap().seal().unwrap();
    desk.write("sealed", sealed.expose());
    let warned = desk
        .run(&[
            "tokens",
            "attenuate",
            "@token",
            "--only-tool",
            "mail.send",
            "--expires-in",
            "1h",
            "--at",
            AT,
        ])
        .expect(0);
    insta::assert_snapshot!(warned.stderr, @r"
    added: only tools mail.send
    added: expires before 2026-11-21T10:30:10Z
    warning: the token does not grant mail.send, and narrowing adds nothing
    warning: the token ends before that anyway
    warning: the narrower token allows no call: no tool is left
    ");
    let refused = desk
        .run(&["tokens", "attenuate", "@sealed", "--only-tool", "kb.search"])
        .expect(2);
    assert_eq!(refused.stdout, "");
    insta::assert_snapshot!(refused.stderr, @r"
    error: cannot narrow the token: the token is sealed
    hint: use it as it is, or ask the authority for another
    ");
    let json = desk
        .run(&[
            "tokens",
            "attenuate",
            "@token",
            "--only-tool",
            "kb.search",
            "--json",
        ])
        .expect(0)
        .json();
    assert_eq!(json["added"], serde_json::json!(["only tools kb.search"]));
    assert!(json["token"].as_str().unwrap().starts_with("hp1."));
}

#[test]
fn a_token_of_another_environment_is_named_as_such() {
    let desk = World::new().desk();
    let mut prod = spec();
    prod.environment = crate::world::environment("prod");
    desk.write("prod", minted(prod, 2));
    let answer = desk
        .run(&with_trust(&["tokens", "verify", "@prod"]))
        .expect(1);
    insta::assert_snapshot!(answer.stdout, @r"
    deny wrong_environment: The token belongs to another environment.
    detail  signed by a key of `prod`, the bundle is of `dev`
    next    Use a token minted for this environment.
    ");
}

#[test]
fn minting_says_the_environment_first_and_what_is_missing() {
    let mut desk = World::new().desk();
    desk.set("HALLPASS_CLIENT_ID", "helpdesk");
    desk.set("HALLPASS_ENV", "dev");
    let remote = desk
        .run(&[&MINT[..], &["--authority", "http://192.0.2.1:80"]].concat())
        .expect(2);
    let port = hallpass_testkit::free_port();
    let url = format!("http://127.0.0.1:{port}");
    desk.set("HALLPASS_AUTHORITY", &url);
    let no_secret = desk.run(&MINT).expect(2);
    desk.write("secret", "hps_abc\n");
    let unreachable = desk
        .run(&[&MINT[..], &["--client-secret-file", "secret"]].concat())
        .expect(2);
    assert!(
        unreachable
            .stderr
            .starts_with("environment dev, authority http://127.0.0.1:")
    );
    assert!(
        unreachable
            .stderr
            .contains("error: no token: the server cannot be reached"),
        "{}",
        unreachable.stderr
    );
    assert!(!unreachable.transcript().contains("hps_abc"));
    let text = transcripts(&[remote, no_secret]).replace(&url, "URL");
    insta::assert_snapshot!(text);
}
