//! A new authority, and what is said of it.

use std::os::unix::fs::PermissionsExt as _;

use crate::command::{Answer, Desk};

/// The words after a label, on its line.
fn value_of<'a>(answer: &'a Answer, label: &str) -> &'a str {
    let line = answer
        .stdout
        .lines()
        .find(|line| line.trim_start().starts_with(label))
        .unwrap();
    line.trim_start()[label.len()..]
        .split_whitespace()
        .next()
        .unwrap()
}

#[test]
fn what_was_made_is_said_once_and_never_made_twice() {
    let desk = Desk::new();
    let first = desk
        .run(&[
            "init",
            "--no-passphrase",
            "authority",
            "--env",
            "staging",
            "--listen",
            "127.0.0.1:7421",
        ])
        .expect(0);
    let secret = value_of(&first, "client secret").to_owned();
    let fingerprint = value_of(&first, "fingerprint").to_owned();
    assert!(secret.starts_with("hps_") && secret.len() > 40);
    let again = desk
        .run(&["init", "authority", "--no-passphrase"])
        .expect(2);
    let text = crate::command::transcripts(&[first, again])
        .replace(&secret, "SECRET")
        .replace(&fingerprint, "FINGERPRINT-OF-EIGHT-GROUPS-OF-FOUR-DIG");
    insta::assert_snapshot!(text);

    // Only its hash is kept: the secret is in no file.
    let mut files = 0;
    let mut directories = vec![desk.path().join("authority")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            files += 1;
            let bytes = std::fs::read(&path).unwrap();
            assert!(
                !bytes
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes()),
                "{}",
                path.display()
            );
            if path.extension().is_some_and(|extension| extension == "key") {
                assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            }
        }
    }
    assert!(files > 8, "{files}");
}

#[test]
fn the_json_names_every_part() {
    let desk = Desk::new();
    let json = desk
        .run(&[
            "init",
            "--no-passphrase",
            "a",
            "--name",
            "hallpass.example",
            "--client",
            "bot",
            "--json",
        ])
        .expect(0)
        .json();
    assert_eq!(json["authority"], "hallpass.example");
    assert_eq!(json["client_id"], "bot");
    assert_eq!(json["environment"], "dev");
    for part in [
        "configuration",
        "policy",
        "trust_root",
        "root_key",
        "operator_key",
    ] {
        assert!(
            desk.path().join(json[part].as_str().unwrap()).is_file(),
            "{part}"
        );
    }
}

#[test]
fn a_directory_that_is_no_authority_is_not_served() {
    let desk = Desk::new();
    let answer = desk.run(&["serve", "--dir", "absent"]).expect(2);
    assert!(
        answer
            .stderr
            .contains("hint: `hallpass init DIR` creates an authority"),
        "{}",
        answer.stderr
    );
    desk.run(&["init", "authority", "--no-passphrase"])
        .expect(0);
    desk.write(
        "authority/policy/more.toml",
        "[routes.\"/x\"]\nclient = []\n",
    );
    let policy = desk
        .run(&["serve", "--dir", "authority", "--listen", "127.0.0.1:0"])
        .expect(2);
    assert!(policy.stderr.contains("more.toml:"), "{}", policy.stderr);
    assert!(
        policy.stderr.contains("hint: docs/policy.md"),
        "{}",
        policy.stderr
    );
    let elsewhere = desk.run(&["dev", "--listen", "0.0.0.0:0"]).expect(2);
    assert!(
        elsewhere.stderr.contains("is not a loopback address"),
        "{}",
        elsewhere.stderr
    );
}
