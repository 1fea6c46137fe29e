//! Asking an authority for tokens from the command line: by name, for runs that start runs, and until a run is ended.

use std::time::Duration;

use hallpass_testkit::ChildProcess;
use serde_json::Value;

use crate::command::{Answer, Desk};

const BOUND: Duration = Duration::from_secs(30);
const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

/// An authority of `dev`, and the desk of its first client.
fn opened() -> (Desk, ChildProcess) {
    let mut desk = Desk::new();
    let init = ["init", "authority", "--no-passphrase", "--json"];
    let made = desk.run(&init).expect(0).json();
    let serve = ["serve", "--dir", "authority", "--listen", "127.0.0.1:0"];
    let mut authority = ChildProcess::spawn(&mut desk.command(&serve));
    let url = authority.wait_for_line("listening on ", BOUND);
    desk.set("HALLPASS_AUTHORITY", &url);
    desk.set("HALLPASS_CLIENT_ID", "demo-orchestrator");
    let secret = made["client_secret"].as_str().unwrap();
    desk.set("HALLPASS_CLIENT_SECRET", secret);
    (desk, authority)
}

fn mint(desk: &Desk, more: &[&str]) -> Answer {
    let asked = [
        "tokens",
        "mint",
        "--json",
        "--route",
        "/support/draft",
        "--tenant",
        "acme",
        "--actor",
        "agent:support-bot",
    ];
    desk.run(&[&asked, more].concat())
}

const ALICE: [&str; 2] = ["--subject", "user:alice"];

fn minted(desk: &Desk, more: &[&str]) -> Value {
    mint(desk, &[&ALICE, more].concat()).expect(0).json()
}

#[test]
fn the_same_name_is_the_same_token_and_a_run_ends_for_good() {
    let (desk, _authority) = opened();
    let asked = [
        "--idempotency-key",
        "one",
        "--label",
        "ticket=T-1",
        "--holder-key",
        KEY,
    ];
    let first = minted(&desk, &asked);
    assert_eq!(minted(&desk, &asked), first);
    let conflict = mint(&desk, &[&ALICE[..], &["--idempotency-key", "one"]].concat()).expect(2);
    assert!(
        conflict.stderr.contains("idempotency_conflict"),
        "{}",
        conflict.stderr
    );
    assert!(
        conflict
            .stderr
            .contains("hint: give another --idempotency-key")
    );

    let run = first["run_id"].as_str().unwrap();
    let unbound = mint(&desk, &[&ALICE[..], &["--parent", run]].concat()).expect(2);
    assert!(
        unbound.stderr.contains("hint: give the public key"),
        "{}",
        unbound.stderr
    );
    let child = minted(&desk, &["--parent", run, "--holder-key", KEY]);
    assert_ne!(child["run_id"], first["run_id"]);

    let ended = desk
        .run(&["runs", "end", run, "--reason", "solved"])
        .expect(0);
    assert!(
        ended.stdout.starts_with(&format!("{run} ended ")),
        "{}",
        ended.stdout
    );
    let again = desk.run(&["runs", "end", run, "--json"]).expect(0).json();
    assert_eq!(again["run_id"], run);
    for run in [&first["run_id"], &child["run_id"]] {
        let renew = ["--run", run.as_str().unwrap()];
        let refused = mint(&desk, &[&ALICE[..], &renew].concat()).expect(2);
        assert!(refused.stderr.contains("run_ended"), "{}", refused.stderr);
        assert!(refused.stderr.contains("hint: start a new run"));
    }
    let unknown = desk
        .run(&["runs", "end", "run_018f3c1e5b7a7000800000000000002a"])
        .expect(2);
    assert!(unknown.stderr.contains("run_unknown"), "{}", unknown.stderr);
}

#[test]
fn on_whose_behalf_is_said_once_and_never_by_a_token_in_the_open() {
    let (desk, _authority) = opened();
    desk.write("alice.jwt", "a.b.c\n");
    mint(&desk, &[]).expect(2);
    mint(
        &desk,
        &[&ALICE[..], &["--subject-token", "@alice.jwt"]].concat(),
    )
    .expect(2);
    let open = mint(&desk, &["--subject-token", "eyJ.secret.token"]).expect(2);
    assert!(
        open.stderr.contains("every user of the machine"),
        "{}",
        open.stderr
    );
    assert!(!open.stderr.contains("secret.token"));
    // The starter policy names no issuer.
    let refused = mint(&desk, &["--subject-token", "@alice.jwt"]).expect(2);
    assert!(
        refused.stderr.contains("subject_token_invalid"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains("a.b.c"));
    let twice = mint(
        &desk,
        &[&ALICE[..], &["--label", "a=1", "--label", "a=2"]].concat(),
    );
    assert!(twice.expect(2).stderr.contains("names `a` twice"));
}
