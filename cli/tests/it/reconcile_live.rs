//! A thief with the signing key, an authority and a service that run, and what their journals say.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hallpass_keys::Purpose;
use hallpass_keys::key_file::read_key_file;
use hallpass_testkit::ChildProcess;
use hallpass_token::{Grant, GrantSpec, NextSecret, mint};
use hallpass_vocabulary::{Clock as _, RunId, SystemClock, TokenId};

use crate::command::Desk;
use crate::world::spec;

const BOUND: Duration = Duration::from_secs(30);

/// A token as the authority would mint it, and did not.
fn forged(keys: &Path) -> String {
    let environment = "dev".parse().unwrap();
    let key = |name: &str, purpose| read_key_file(&keys.join(name), purpose, &environment).unwrap();
    let stolen = key("run.key", Purpose::Run);
    let approver = key("approval.key", Purpose::Approval).verifying_key();
    let now = SystemClock.now();
    let now = hallpass_vocabulary::Timestamp::from_unix_seconds(now.unix_seconds());
    let grant = Grant::new(GrantSpec {
        token: TokenId::new(now, [66; 10]),
        run: RunId::new(now, [67; 10]),
        subject: "user:mallory".parse().unwrap(),
        environment,
        issued: now,
        expires: now.after(Duration::from_secs(300)),
        ..spec()
    })
    .unwrap();
    let next = NextSecret::from_random([9; 32]);
    let token = mint(&grant, &[], &stolen, &[approver], next).unwrap();
    token.expose().to_owned()
}

#[test]
fn a_stolen_key_is_seen_while_everything_runs() {
    let mut desk = Desk::new();
    let made = desk
        .run(&["init", "authority", "--no-passphrase", "--json"])
        .expect(0)
        .json();
    let serve = ["serve", "--dir", "authority", "--listen", "127.0.0.1:0"];
    let mut authority = ChildProcess::spawn(&mut desk.command(&serve));
    let url = authority.wait_for_line("listening on ", BOUND);
    desk.set("HALLPASS_AUTHORITY", &url);
    desk.set("HALLPASS_CLIENT_ID", made["client_id"].as_str().unwrap());
    let secret = made["client_secret"].as_str().unwrap();
    desk.set("HALLPASS_CLIENT_SECRET", secret);
    desk.set("HALLPASS_TRUST_ROOT", "authority/trust-root.txt");
    let program = Path::new(env!("CARGO_BIN_EXE_hallpass")).with_file_name("tickets-service");
    let mut service = ChildProcess::spawn(
        Command::new(program)
            .args(["--state", "tickets", "--listen", "127.0.0.1:0"])
            .current_dir(desk.path())
            .env_clear()
            .env("HALLPASS_AUTHORITY", &url)
            .env("HALLPASS_TRUST_ROOT", "authority/trust-root.txt"),
    );
    let tickets = service.wait_for_line("listening on ", BOUND);
    desk.set("HALLPASS_SERVICE_TICKETS", &tickets);

    let call = |desk: &Desk, token: &str| {
        let query = r#"{"query":"refund"}"#;
        desk.run(&["call", "tickets", "kb.search", query, "--token", token])
    };
    let reconcile = [
        "reconcile",
        "--authority",
        "authority",
        "--verifier",
        "tickets/journal",
    ];
    let mint = [
        "tokens",
        "mint",
        "--route",
        "/support/draft",
        "--tenant",
        "acme",
    ];
    let whose = ["--subject", "user:alice", "--actor", "agent:support-bot"];
    let genuine = desk.run(&[&mint[..], &whose].concat()).expect(0).stdout;
    desk.write("genuine", genuine);
    call(&desk, "@genuine").expect(0);
    let in_order = desk.run(&reconcile).expect(0);
    assert!(in_order.stdout.contains("in order"), "{}", in_order.stdout);

    // Nobody on the path of a call can tell the difference.
    desk.write("forged", forged(&desk.path().join("authority/keys")));
    call(&desk, "@forged").expect(0);
    let alarm = desk.run(&reconcile).expect(1).stdout;
    assert!(alarm.contains("ALARM never_minted: 1\n"), "{alarm}");
    assert!(
        alarm.contains("1 call, 1 allowed; first: `kb.search` for user:mallory of acme, allowed"),
        "{alarm}"
    );
}
