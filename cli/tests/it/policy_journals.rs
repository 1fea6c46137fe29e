//! Policies that rest on journals: what was used, and what would be answered otherwise.

use std::fs;

use crate::command::Answer;
use crate::reconcile::Laid;

/// What the tokens of these tests are minted under.
const POLICY: &str = r#"
[tools."kb.search"]
audience = "tickets"
impact = "read"
summary = "Search"
[tools."tickets.get"]
audience = "tickets"
impact = "read"
summary = "Read"
[tools."ticket.update"]
audience = "tickets"
impact = "write"
summary = "Write"

[clients.helpdesk]
summary = "Helpdesk"
actors = "agent:*"

[roles.support_agent]
summary = "Answers"
allow = ["tickets.get"]

# Everything of the tests goes here.
[routes."/support/send"]
summary = "Send"
clients = ["helpdesk"]
tenants = ["acme"]
actors = "agent:*"
roles = ["support_agent"]
allow = ["kb.search"]
require_approval = ["ticket.update"]
ttl_seconds = 600
proof = "waived"    # a test of what is said
waiver = "A test of what is said about policies"
"#;

fn laid() -> Laid {
    let laid = Laid::with(&[]);
    laid.desk.write("policy.toml", POLICY);
    laid
}

fn run(laid: &Laid, verb: &str, further: &[&str]) -> Answer {
    let args = [
        "policy",
        verb,
        "--policy",
        "policy.toml",
        "--journal",
        "authority",
        "tickets",
    ];
    laid.desk.run(&[&args[..], further].concat())
}

#[test]
fn a_narrower_policy_is_suggested_and_written_whole() {
    let laid = laid();
    let answer = run(&laid, "suggest", &["--out", "narrower"]).expect(0);
    assert!(
        answer.stdout.contains("would break nothing recorded"),
        "{}",
        answer.stdout
    );
    assert!(
        answer.stdout.contains("rests on 1 tokens and 1 calls"),
        "{}",
        answer.stdout
    );
    let written = fs::read_to_string(laid.desk.path().join("narrower/policy.toml")).unwrap();
    let line = "proof = \"waived\"    # a test of what is said\n";
    let expected = POLICY.replace(
        line,
        &format!("{line}deny = [\"ticket.update\", \"tickets.get\"]\n"),
    );
    assert_eq!(written, expected);
    let diff = [
        "policy",
        "diff",
        "policy.toml",
        "narrower",
        "--fail-on-widening",
    ];
    laid.desk.run(&diff).expect(0);
    laid.desk.run(&["policy", "check", "narrower"]).expect(0);
    let again = run(&laid, "suggest", &["--out", "narrower"]).expect(2);
    assert!(
        again.stderr.contains("`narrower` is not empty"),
        "{}",
        again.stderr
    );

    let json = run(&laid, "suggest", &["--json"]).expect(0).json();
    assert_eq!(json["unused"].as_array().unwrap().len(), 2);
    assert_eq!(
        json["edits"][0]["after"],
        "deny = [\"ticket.update\", \"tickets.get\"]"
    );
    assert_eq!(json["broken"]["calls"], 0);
    let since = run(&laid, "suggest", &["--since", "2030-01-01T00:00:00Z"]).expect(2);
    assert!(
        since.stderr.contains("no token is recorded in this time"),
        "{}",
        since.stderr
    );
}

#[test]
fn what_would_be_answered_otherwise_is_said_and_may_fail_a_pipeline() {
    let laid = laid();
    let same = run(&laid, "replay", &["--fail-on-flip"]).expect(0);
    assert!(
        same.stdout.contains("calls: 1 the same, 0 otherwise"),
        "{}",
        same.stdout
    );
    let other = POLICY.replace("tenants = [\"acme\"]", "tenants = [\"globex\"]");
    laid.desk.write("policy.toml", other);
    run(&laid, "replay", &[]).expect(0);
    let flips = run(&laid, "replay", &["--fail-on-flip", "--json"])
        .expect(1)
        .json();
    assert_eq!(flips["calls"]["flipped"], 1);
    assert_eq!(flips["rows"][0]["why"], "no token: `tenant_not_allowed`");
    assert_eq!(
        (&flips["rows"][0]["before"], &flips["rows"][0]["now"]),
        (&"allow".into(), &"deny".into())
    );
}

#[test]
fn journals_that_are_altered_or_given_twice_are_no_ground_for_a_policy() {
    let laid = laid();
    let twice = run(&laid, "suggest", &["tickets"]).expect(2);
    assert!(twice.stderr.contains("is given twice"), "{}", twice.stderr);
    let path = laid.segment("tickets");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("user:alice", "user:carol")).unwrap();
    for verb in ["suggest", "replay"] {
        let altered = run(&laid, verb, &[]).expect(2);
        assert!(
            altered.stderr.contains("is not as signed"),
            "{}",
            altered.stderr
        );
        assert!(
            altered
                .stderr
                .contains("hint: hallpass journal verify tickets"),
            "{}",
            altered.stderr
        );
    }
}
