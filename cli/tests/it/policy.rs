//! `hallpass policy`, as its users meet it.

use std::process::Command;

use crate::command::{Answer, Desk, transcripts};

const TESTS: &str = r#"[defaults]
client = "demo-orchestrator"
environment = "dev"
tenant = "acme"
actor = "agent:support-bot"

[[expect]]
name = "drafting reads and changes nothing"
route = "/support/draft"
allow = ["kb.search", "tickets.get"]
needs_approval = []

[[expect]]
name = "closing a ticket is for triage"
route = "/support/send"
deny = ["ticket.close"]
calls = [
  { tool = "ticket.update", arguments = { id = "T-1" }, answer = "needs_approval" },
]

[[expect]]
name = "nobody drafts for a stranger"
route = "/support/draft"
tenant = "initech"
refused = "tenant_not_allowed"
"#;

/// A desk with the starter policy in `policy`, and its expectations.
fn desk() -> Desk {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.path().join("policy/tests")).unwrap();
    desk.write("policy/starter.toml", hallpass_policy::starter());
    desk.write("policy/tests/support.toml", TESTS);
    desk
}

fn rewrite(desk: &Desk, file: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(desk.path().join(file)).unwrap();
    assert!(text.contains(from), "{from}");
    desk.write(file, text.replace(from, to));
}

/// The digest is of the starter policy, which changes.
fn shown(answers: &[Answer]) -> String {
    let text = transcripts(answers);
    let mut shown = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("sha256:") {
        shown.push_str(before);
        shown.push_str("sha256:…");
        rest = after.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    shown + rest
}

#[test]
fn check_says_everything_that_is_wrong_and_what_is_probably_not_meant() {
    let desk = desk();
    let mut answers = vec![
        desk.run(&["policy", "check"]).expect(0),
        desk.run(&["policy", "check", "policy/starter.toml", "--json"])
            .expect(0),
    ];
    rewrite(
        &desk,
        "policy/starter.toml",
        "tenants = [\"acme\", \"globex\"]",
        "tenants = [\"*\"]",
    );
    answers.push(desk.run(&["policy", "check"]).expect(0));
    answers.push(
        desk.run(&["policy", "check", "--fail-on-warning"])
            .expect(1),
    );
    rewrite(
        &desk,
        "policy/starter.toml",
        "\"kb.search\", \"tickets.get\"]",
        "\"kb.serch\"]",
    );
    answers.push(desk.run(&["policy", "check"]).expect(1));
    answers.push(desk.run(&["policy", "check", "--json"]).expect(1));
    answers.push(desk.run(&["policy", "check", "nowhere"]).expect(2));
    answers.push(desk.run(&["policy", "grid"]).expect(2));
    insta::assert_snapshot!(shown(&answers));
}

#[test]
fn test_holds_the_policy_to_what_stands_beside_it() {
    let desk = desk();
    let mut answers = vec![
        desk.run(&["policy", "test"]).expect(0),
        desk.run(&["policy", "test", "policy", "--only", "drafting", "--json"])
            .expect(0),
    ];
    rewrite(
        &desk,
        "policy/starter.toml",
        "allow = [\"kb.search\", \"tickets.get\"]\nttl_seconds = 600",
        "allow = [\"kb.search\"]\nttl_seconds = 600",
    );
    rewrite(
        &desk,
        "policy/starter.toml",
        "\"globex\"",
        "\"globex\", \"initech\"",
    );
    answers.push(desk.run(&["policy", "test"]).expect(1));
    answers.push(desk.run(&["policy", "test", "--json"]).expect(1));
    rewrite(
        &desk,
        "policy/tests/support.toml",
        "needs_approval = []",
        "needs_aproval = []",
    );
    answers.push(desk.run(&["policy", "test"]).expect(2));
    answers.push(
        desk.run(&["policy", "test", "policy/starter.toml"])
            .expect(2),
    );
    answers.push(
        desk.run(&["policy", "test", "--tests", "nowhere"])
            .expect(2),
    );
    desk.write("none.toml", "");
    answers.push(
        desk.run(&["policy", "test", "--tests", "none.toml"])
            .expect(2),
    );
    insta::assert_snapshot!(shown(&answers));
}

#[test]
fn diff_names_what_is_allowed_more_and_less() {
    let desk = desk();
    desk.write("old.toml", hallpass_policy::starter());
    let diff =
        |more: &[&str]| desk.run(&[&["policy", "diff", "old.toml", "policy"], more].concat());
    let mut answers = vec![diff(&["--fail-on-widening"]).expect(0)];
    rewrite(&desk, "policy/starter.toml", "\"globex\"", "\"initech\"");
    rewrite(
        &desk,
        "policy/starter.toml",
        "Search the knowledge base, nothing else",
        "Search",
    );
    answers.push(diff(&[]).expect(0));
    answers.push(diff(&["--fail-on-widening", "--all"]).expect(1));
    answers.push(diff(&["--json"]).expect(0));
    desk.write("policy/starter.toml", hallpass_policy::starter());
    rewrite(
        &desk,
        "policy/starter.toml",
        "ttl_seconds = 600",
        "ttl_seconds = 60",
    );
    answers.push(diff(&["--fail-on-widening"]).expect(0));
    answers.push(desk.run(&["policy", "diff", "old.toml"]).expect(2));
    answers.push(
        desk.run(&["policy", "diff", "old.toml", "policy", "--git", "main"])
            .expect(2),
    );
    desk.write("bad.toml", "nonsense");
    answers.push(
        desk.run(&["policy", "diff", "bad.toml", "policy"])
            .expect(2),
    );
    insta::assert_snapshot!(shown(&answers));
}

#[test]
fn diff_reads_the_policy_before_from_git() {
    let mut desk = desk();
    desk.set("PATH", &std::env::var("PATH").unwrap());
    let git = |arguments: &[&str]| {
        let done = Command::new("git")
            .args(["-c", "user.name=x", "-c", "user.email=x@example.com"])
            .args(arguments)
            .current_dir(desk.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "--quiet", "--initial-branch", "main"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "first"]);
    rewrite(
        &desk,
        "policy/starter.toml",
        "\"globex\"",
        "\"globex\", \"initech\"",
    );
    // What git does not have is not compared with: tests beside the policy are none of it.
    let diff = |more: &[&str]| desk.run(&[&["policy", "diff", "--git"], more].concat());
    let answers = [
        diff(&["main", "policy", "--fail-on-widening"]).expect(1),
        diff(&["elsewhere", "policy"]).expect(2),
        diff(&["--", "policy"]).expect(2),
        diff(&["main", "old", "policy"]).expect(2),
        diff(&["main", "."]).expect(2),
    ];
    insta::assert_snapshot!(shown(&answers));
}

#[test]
fn grid_shows_the_policy_at_a_glance() {
    let desk = desk();
    let answers = [
        desk.run(&["policy", "grid"]).expect(0),
        desk.run(&["policy", "grid", "policy", "--route", "/research", "--json"])
            .expect(0),
        desk.run(&["policy", "grid", "--route", "/nowhere"])
            .expect(2),
    ];
    insta::assert_snapshot!(shown(&answers));
}

#[test]
fn explain_says_which_rule_decided_and_where_each_tool_comes_from() {
    let desk = desk();
    let explain = |more: &[&str]| {
        let asked = [
            "policy",
            "explain",
            "--client",
            "demo-orchestrator",
            "--env",
            "dev",
        ];
        desk.run(&[&asked[..], more].concat())
    };
    let draft = [
        "--route",
        "/support/draft",
        "--tenant",
        "acme",
        "--actor",
        "agent:bot",
    ];
    let triage = [
        "--route",
        "/ops/triage",
        "--tenant",
        "acme",
        "--actor",
        "agent:triage-1",
    ];
    let answers = [
        explain(&draft).expect(0),
        explain(&triage).expect(0),
        explain(
            &[
                &triage[..],
                &["--tool", "ticket.close", "--verified", "--json"],
            ]
            .concat(),
        )
        .expect(0),
        explain(&[
            "--route",
            "/ops/triage",
            "--tenant",
            "initech",
            "--actor",
            "agent:bot",
        ])
        .expect(1),
        explain(
            &[
                &draft[..],
                &[
                    "--subject-role",
                    "reader",
                    "--tool",
                    "ticket.close",
                    "--ttl-seconds",
                    "700",
                ],
            ]
            .concat(),
        )
        .expect(1),
        explain(&[
            "--route",
            "/nowhere",
            "--tenant",
            "acme",
            "--actor",
            "agent:bot",
        ])
        .expect(1),
        explain(&[&draft[..], &["--tool", "ticket.clos"]].concat()).expect(2),
        explain(&[&draft[..], &["--subject-role", "nobody"]].concat()).expect(2),
    ];
    insta::assert_snapshot!(shown(&answers));
}
