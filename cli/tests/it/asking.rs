//! What an operator asks a running authority for: runs, tokens, decisions.

use std::time::Duration;

use hallpass_testkit::ChildProcess;

use crate::command::{Answer, Desk};

const BOUND: Duration = Duration::from_secs(30);
const OPERATOR_KEY: &str = "authority/keys/operator.key";

/// An authority that runs, its first operator's credentials in the environment, and two runs.
fn desk() -> (Desk, ChildProcess, Vec<String>) {
    let mut desk = Desk::new();
    let made = desk
        .run(&["init", "authority", "--no-passphrase", "--json"])
        .expect(0)
        .json();
    let mut authority = ChildProcess::spawn(&mut desk.command(&[
        "serve",
        "--dir",
        "authority",
        "--listen",
        "127.0.0.1:0",
    ]));
    let url = authority.wait_for_line("listening on ", BOUND);
    for (name, value) in [
        ("HALLPASS_AUTHORITY", url.as_str()),
        ("HALLPASS_CLIENT_ID", made["client_id"].as_str().unwrap()),
        (
            "HALLPASS_CLIENT_SECRET",
            made["client_secret"].as_str().unwrap(),
        ),
        ("HALLPASS_TRUST_ROOT", "authority/trust-root.txt"),
        ("HALLPASS_OPERATOR_KEY", OPERATOR_KEY),
    ] {
        desk.set(name, value);
    }
    let runs = ["user:alice", "user:bob"].map(|subject| {
        let minted = desk.run(&[
            "tokens",
            "mint",
            "--json",
            "--route",
            "/support/draft",
            "--tenant",
            "acme",
            "--subject",
            subject,
            "--actor",
            "agent:support-bot",
        ]);
        minted.expect(0).json()["run_id"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    (desk, authority, runs.to_vec())
}

fn lines(answer: &Answer) -> usize {
    answer.stdout.lines().count()
}

#[test]
fn an_operator_finds_runs_tokens_and_decisions() {
    let (desk, _authority, runs) = desk();
    let listed = desk
        .run(&["runs", "list", "--active", "--tool", "kb.search"])
        .expect(0);
    assert_eq!(lines(&listed), 3, "{}", listed.stdout);
    assert!(listed.stdout.contains(&runs[0]) && listed.stdout.contains("user:bob"));
    let newest = desk
        .run(&["runs", "list", "--limit", "1", "--json"])
        .expect(0);
    assert_eq!(newest.json()[0]["run_id"], runs[1]);
    assert!(
        newest.stderr.contains("there may be more"),
        "{}",
        newest.stderr
    );
    let none = desk.run(&["runs", "list", "--tenant", "other"]).expect(0);
    assert!(none.stdout.is_empty() && none.stderr.contains("there is none"));

    let tokens = desk
        .run(&["tokens", "list", "--run", &runs[0], "--json"])
        .expect(0)
        .json();
    assert_eq!(tokens.as_array().unwrap().len(), 1);
    let token = tokens[0]["token_id"].as_str().unwrap();
    let shown = desk.run(&["tokens", "show", token]).expect(0);
    assert!(shown.stdout.contains("user:alice") && !shown.stdout.contains("hp1."));

    desk.run(&["runs", "end", &runs[0], "--reason", "done"])
        .expect(0);
    let shown = desk
        .run(&["runs", "show", &runs[0], "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (&shown["active"], shown["ended_at"].is_string()),
        (&false.into(), true)
    );
    let active = desk
        .run(&["runs", "list", "--active", "--json"])
        .expect(0)
        .json();
    assert_eq!(active.as_array().unwrap().len(), 1);

    // An operator ends any run, with the key that is named for it.
    let ended = desk
        .run(&[
            "runs",
            "end",
            &runs[1],
            "--key",
            OPERATOR_KEY,
            "--reason",
            "strayed",
        ])
        .expect(0);
    assert!(ended.stdout.contains(&runs[1]), "{}", ended.stdout);
    let by = desk
        .run(&["decisions", "--kind", "run_ended", "--limit", "1", "--json"])
        .expect(0)
        .json();
    assert_eq!(by[0]["by"], "op:first");
    assert!(by[0].get("client").is_none());

    let minted = desk
        .run(&["decisions", "--kind", "minted", "--since", "1h", "--json"])
        .expect(0);
    assert_eq!(minted.json().as_array().unwrap().len(), 2);
    let all = desk.run(&["decisions"]).expect(0);
    for expected in ["run_ended", "policy_loaded", "minted", "acme"] {
        assert!(all.stdout.contains(expected), "{}", all.stdout);
    }
}

#[test]
fn what_there_is_not_and_what_makes_no_sense_is_exit_2() {
    let (desk, _authority, _) = desk();
    let unknown = "run_018f3c1e5b7a7000800000000000002a";
    let answer = desk.run(&["runs", "show", unknown]).expect(2);
    assert!(
        answer.stderr.contains("There is no such run")
            && answer.stderr.contains("hint: `hallpass runs list`"),
        "{}",
        answer.stderr
    );
    let answer = desk.run(&["decisions", "--kind", "decided"]).expect(2);
    assert!(
        answer.stderr.contains("`kind` has no value of its kind"),
        "{}",
        answer.stderr
    );
    desk.run(&["runs", "list", "--limit", "0"]).expect(2);
}
