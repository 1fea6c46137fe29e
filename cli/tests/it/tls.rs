//! A real authority over TLS, and the commands that speak to it.

use std::process::Command;
use std::time::Duration;

use hallpass_testkit::{Certificates, ChildProcess, eventually};

use crate::command::{Desk, MINT};

const BOUND: Duration = Duration::from_secs(30);

/// The serial number of the certificate the authority shows now.
fn serial(desk: &Desk, url: &str) -> String {
    let address = url.strip_prefix("https://").unwrap();
    let shown = Command::new("openssl")
        .args(["s_client", "-connect", address, "-CAfile", "ca.pem"])
        .args(["-verify_return_error", "-no_ign_eof"])
        .current_dir(desk.path())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains("Verify return code: 0 (ok)"), "{text}");
    let begin = text.find("-----BEGIN CERTIFICATE-----").unwrap();
    let end = text.find("-----END CERTIFICATE-----").unwrap();
    text[begin..end].to_owned()
}

#[test]
fn secrets_cross_the_network_under_a_certificate_that_can_be_replaced() {
    let mut desk = Desk::new();
    let made = desk
        .run(&["init", "authority", "--no-passphrase", "--json"])
        .expect(0)
        .json();
    let certificates = Certificates::new(desk.path());
    certificates.issue("server");
    let mut authority = ChildProcess::spawn(&mut desk.command(&[
        "serve",
        "--dir",
        "authority",
        "--listen",
        "127.0.0.1:0",
        "--tls-certificate",
        "server.pem",
        "--tls-key",
        "server.key",
    ]));
    let url = authority.wait_for_line("listening on ", BOUND);
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    desk.set("HALLPASS_AUTHORITY", &url);
    desk.set("HALLPASS_CLIENT_ID", made["client_id"].as_str().unwrap());
    desk.set(
        "HALLPASS_CLIENT_SECRET",
        made["client_secret"].as_str().unwrap(),
    );
    desk.set("HALLPASS_TRUST_ROOT", "authority/trust-root.txt");

    // The operating system does not know our authority of certificates.
    desk.run(&MINT).expect(2);
    desk.set("HALLPASS_CA_FILE", "ca.pem");
    let minted = desk.run(&MINT).expect(0);
    desk.write("token", &minted.stdout);
    let inspected = desk.run(&["tokens", "inspect", "@token"]).expect(0);
    assert!(
        inspected
            .stdout
            .starts_with("verified: every signature holds\n")
    );

    let before = serial(&desk, &url);
    certificates.issue("server");
    let hangup = ["-HUP".to_owned(), authority.id().to_string()];
    assert!(
        Command::new("kill")
            .args(hangup)
            .status()
            .unwrap()
            .success()
    );
    eventually(BOUND, "the new certificate is shown", || {
        serial(&desk, &url) != before
    });
    desk.run(&MINT).expect(0);
}

#[test]
fn a_certificate_that_cannot_be_used_stops_the_start() {
    let desk = Desk::new();
    desk.run(&["init", "authority", "--no-passphrase", "--json"])
        .expect(0);
    let serve = |certificate, key| {
        let args = [
            "serve",
            "--dir",
            "authority",
            "--tls-certificate",
            certificate,
            "--tls-key",
            key,
        ];
        desk.run(&args).expect(2).stderr
    };
    let absent = serve("server.pem", "server.key");
    assert!(
        absent.contains("cannot speak TLS: cannot read `"),
        "{absent}"
    );
    Certificates::new(desk.path()).issue("server");
    Certificates::new(desk.path()).issue("other");
    let foreign = serve("server.pem", "other.key");
    assert!(foreign.contains("and its key cannot be used"), "{foreign}");
    // Nothing was opened, so nothing is locked and nothing changed.
    assert!(!desk.path().join("authority/bundle/last.json").exists());
}
