//! From nothing to a verified journal: init, serve, mint, inspect, narrow, check, stop.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use hallpass_testkit::ChildProcess;

use crate::command::{Desk, MINT};

const BOUND: Duration = Duration::from_secs(30);

fn terminate(child: &ChildProcess) {
    let status = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_token_is_minted_narrowed_checked_and_on_record() {
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
        "--log-format",
        "json",
    ]));
    let url = authority.wait_for_line("listening on ", BOUND);
    let second = desk
        .run(&["serve", "--dir", "authority", "--listen", "127.0.0.1:0"])
        .expect(2);
    assert!(
        second.stderr.contains("hint: the authority runs already"),
        "{}",
        second.stderr
    );

    desk.set("HALLPASS_AUTHORITY", &url);
    desk.set("HALLPASS_CLIENT_ID", made["client_id"].as_str().unwrap());
    desk.set(
        "HALLPASS_CLIENT_SECRET",
        made["client_secret"].as_str().unwrap(),
    );
    desk.set("HALLPASS_TRUST_ROOT", "authority/trust-root.txt");
    let minted = desk.run(&MINT).expect(0);
    assert_eq!(minted.stdout.lines().count(), 1, "only the token");
    assert!(
        minted.stderr.starts_with(
            "the environment of client demo-orchestrator, authority http://127.0.0.1:"
        )
    );
    assert!(
        minted
            .stderr
            .contains("may call kb.search, tickets.get at tickets, for tenant acme")
    );
    desk.write("token", &minted.stdout);

    let inspected = desk.run(&["tokens", "inspect", "@token"]).expect(0);
    assert!(
        inspected
            .stdout
            .starts_with("verified: every signature holds\n"),
        "{}",
        inspected.stdout
    );
    let narrower = desk
        .run(&[
            "tokens",
            "attenuate",
            "@token",
            "--only-tool",
            "kb.search",
            "--expires-in",
            "60s",
        ])
        .expect(0);
    desk.write("narrower", &narrower.stdout);
    let call = |tool| {
        [
            "tokens",
            "verify",
            "@narrower",
            "--audience",
            "tickets",
            "--tool",
            tool,
        ]
    };
    desk.run(&call("kb.search")).expect(0);
    let denied = desk.run(&call("tickets.get")).expect(1);
    assert!(
        denied.stdout.starts_with("deny caveat_failed: "),
        "{}",
        denied.stdout
    );

    let other_environment = desk
        .run(&[&MINT[..], &["--env", "prod"]].concat())
        .expect(2);
    assert_eq!(
        other_environment.stdout, "",
        "a token of another environment is not handed out"
    );
    let elsewhere: Vec<&str> = MINT
        .iter()
        .map(|word| if *word == "acme" { "umbrella" } else { word })
        .collect();
    let refused = desk.run(&elsewhere).expect(2);
    assert!(
        refused
            .stderr
            .contains("the authority refused: tenant_not_allowed (403)"),
        "{}",
        refused.stderr
    );
    let renewed = desk
        .run(
            &[
                &MINT[..],
                &["--json", "--ttl", "30s", "--tool", "kb.search"],
            ]
            .concat(),
        )
        .expect(0)
        .json();
    assert_eq!(renewed["tools"], serde_json::json!(["kb.search"]));
    assert_eq!(renewed["environment"], "dev");

    terminate(&authority);
    let finished = authority.finish(BOUND);
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
    assert!(
        !finished.stderr.contains("hp1.") && !finished.stderr.contains("hps_"),
        "{}",
        finished.stderr
    );

    let logged: Vec<serde_json::Value> = finished
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(!logged.is_empty());

    let verified = desk
        .run(&["journal", "verify", "authority/journal"])
        .expect(0);
    assert!(
        verified.stdout.starts_with("intact: "),
        "{}",
        verified.stdout
    );
    let kept = desk
        .run(&[
            "journal",
            "query",
            "authority/journal",
            "--kind",
            "minted",
            "--json",
        ])
        .expect(0);
    assert_eq!(kept.stdout.lines().count(), 3);
    assert!(!kept.stdout.contains("hp1."));
}

#[test]
fn dev_prints_lines_a_shell_can_read_and_leaves_nothing_behind() {
    let mut desk = Desk::new();
    let temporary = desk.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    desk.set("TMPDIR", temporary.to_str().unwrap());
    let mut dev = ChildProcess::spawn(&mut desk.command(&["dev", "--listen", "127.0.0.1:0"]));
    let mut shell = Desk::new();
    for name in [
        "AUTHORITY",
        "CLIENT_ID",
        "CLIENT_SECRET",
        "TRUST_ROOT",
        "ENV",
    ] {
        let value = dev.wait_for_line(&format!("export HALLPASS_{name}="), BOUND);
        shell.set(&format!("HALLPASS_{name}"), &value);
    }
    let minted = shell.run(&MINT).expect(0);
    assert!(
        minted
            .stderr
            .starts_with("environment dev, authority http://127.0.0.1:"),
        "{}",
        minted.stderr
    );
    shell.write("token", &minted.stdout);
    shell.run(&["tokens", "verify", "@token"]).expect(0);
    terminate(&dev);
    let finished = dev.finish(BOUND);
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
    assert!(
        finished
            .stdout
            .lines()
            .all(|line| line.starts_with("export HALLPASS_")),
        "{}",
        finished.stdout
    );
    assert_eq!(
        std::fs::read_dir(&temporary).unwrap().count(),
        0,
        "the temporary directory is gone"
    );
}

#[test]
fn dev_uses_a_directory_again() {
    let desk = Desk::new();
    let mut secrets = Vec::new();
    for _ in 0..2 {
        let mut dev = ChildProcess::spawn(&mut desk.command(&[
            "dev",
            "--dir",
            "kept",
            "--listen",
            "127.0.0.1:0",
        ]));
        secrets.push(dev.wait_for_line("export HALLPASS_CLIENT_SECRET=", BOUND));
        dev.wait_for_line("export HALLPASS_ENV=", BOUND);
        terminate(&dev);
        assert_eq!(dev.finish(BOUND).status.code(), Some(0));
    }
    assert_eq!(secrets[0], secrets[1]);
}

#[test]
fn half_a_request_holds_a_stop_no_longer_than_it_was_told() {
    let desk = Desk::new();
    let made = desk
        .run(&["init", "authority", "--no-passphrase", "--json"])
        .expect(0)
        .json();
    let secret = made["client_secret"].as_str().unwrap();
    let listen = ["serve", "--dir", "authority", "--listen", "127.0.0.1:0"];
    let serve = [&listen[..], &["--drain-seconds", "1"]].concat();
    let mut authority = ChildProcess::spawn(&mut desk.command(&serve));
    let url = authority.wait_for_line("listening on http://", BOUND);
    let mut half = TcpStream::connect(&url).unwrap();
    half.set_read_timeout(Some(BOUND)).unwrap();
    let head = format!(
        "POST /v1/tokens HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {secret}\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nContent-Length: 18\r\n\r\n"
    );
    half.write_all(head.as_bytes()).unwrap();
    // Told to go on, so the body is being waited for, for five seconds.
    let mut first = [0; 12];
    half.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 100");
    let started = Instant::now();
    terminate(&authority);
    let ended = authority.finish(BOUND);
    let took = started.elapsed();
    assert!(ended.status.success(), "{}", ended.stderr);
    let bound = Duration::from_secs(1);
    assert!(took >= bound && took < bound * 4, "{took:?}");
    desk.run(&["journal", "verify", "authority/journal"])
        .expect(0);
}
