//! `doctor`: what it finds, and that it changes nothing.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hallpass_keys::key_file::{read_key_file, write_key_file};
use hallpass_keys::{Purpose, SigningKey, VerifyingKey};
use hallpass_testkit::{Certificates, ChildProcess};
use hallpass_vocabulary::Environment;
use serde_json::Value;

use crate::command::Desk;

const BOUND: Duration = Duration::from_secs(30);

fn desk() -> Desk {
    let desk = Desk::new();
    desk.run(&["init", "authority", "--no-passphrase", "--json"])
        .expect(0);
    desk
}

/// Every file below, with what is in it and when it was changed.
fn tree(directory: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut files = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let changed = path.metadata().unwrap().modified().unwrap();
                files.insert(path.clone(), (std::fs::read(&path).unwrap(), changed));
            }
        }
    }
    files
}

/// The findings about a directory that are not good, as `verdict subject: detail`.
fn found(desk: &Desk, exit: i32) -> Vec<String> {
    let answer = desk
        .run(&["doctor", "--dir", "authority", "--json"])
        .expect(exit);
    let findings = answer.json();
    let not_good = findings
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["verdict"] != "good");
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    not_good
        .map(|finding| {
            format!(
                "{} {}: {}",
                text(finding, "verdict"),
                text(finding, "subject"),
                text(finding, "detail")
            )
        })
        .collect()
}

#[test]
fn a_new_authority_is_good_and_stays_as_it_was() {
    let desk = desk();
    let before = tree(&desk.path().join("authority"));
    let answer = desk.run(&["doctor", "--dir", "authority"]).expect(0);
    assert_eq!(before, tree(&desk.path().join("authority")));
    let lines: Vec<String> = answer
        .stdout
        .lines()
        .map(|line| match line.find(" MB free") {
            // How much depends on the machine.
            Some(_) => line
                .split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" "),
            None => line.to_owned(),
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

fn dev() -> Environment {
    "dev".parse().unwrap()
}

fn another_key(purpose: Purpose) -> SigningKey {
    SigningKey::from_seed(purpose, dev(), [0x33; 32])
}

/// Another key in the place of the first of its purpose.
fn another(dir: &Path, purpose: Purpose) {
    let file = dir.join(format!("keys/{purpose}.key"));
    std::fs::remove_file(&file).unwrap();
    write_key_file(&file, &another_key(purpose)).unwrap();
}

/// What it is, how it comes to be, and what is said of it.
type Case = (&'static str, &'static dyn Fn(&Path), &'static str);

#[test]
fn each_thing_that_is_wrong_is_found() {
    let cases: [Case; 13] = [
        (
            "a key others can read",
            &|dir| {
                let open = std::fs::Permissions::from_mode(0o644);
                std::fs::set_permissions(dir.join("keys/run.key"), open).unwrap();
            },
            "bad keys: key file `authority/keys/run.key` has mode 0644; run `chmod 600 authority/keys/run.key`",
        ),
        (
            "a key that is gone",
            &|dir| std::fs::remove_file(dir.join("keys/bundle.key")).unwrap(),
            "bad keys: there is no bundle key in `authority/keys`",
        ),
        (
            "a key that the root does not name in the place of one that it does",
            &|dir| another(dir, Purpose::Bundle),
            "bad keys: 0 of the bundle keys of the root are here, and 1 must sign",
        ),
        (
            "a rotation that nobody goes on with",
            &|dir| {
                let key = another_key(Purpose::Run);
                let (run, name) = (key.verifying_key(), "keys/run-next.key");
                write_key_file(&dir.join(name), &key).unwrap();
                let first = read_key_file(&dir.join("keys/run.key"), Purpose::Run, &dev()).unwrap();
                let standing = |key: VerifyingKey, standing: &str| {
                    serde_json::json!({
                        "public_key": key, "purpose": "run", "standing": standing, "at": "2026-01-01T00:00:00.000Z",
                    })
                };
                let kept = [
                    standing(first.verifying_key(), "active"),
                    standing(run, "prepared"),
                ];
                let kept = serde_json::json!({"format": 1, "standings": kept});
                std::fs::write(dir.join("bundle/keys.json"), kept.to_string()).unwrap();
            },
            "caution keys: a run key is published since 2026-01-01T00:00:00.000Z and does not sign",
        ),
        (
            "a key of another purpose",
            &|dir| {
                std::fs::copy(dir.join("keys/run.key"), dir.join("keys/heartbeat.key")).unwrap();
            },
            "bad keys: key file `authority/keys/heartbeat.key` is for purpose `run`, not `heartbeat`",
        ),
        (
            "a directory others can enter",
            &|dir| std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap(),
            "caution directory: mode 0755: others than its owner can enter it",
        ),
        (
            "a policy that cannot be read",
            &|dir| std::fs::write(dir.join("policy/starter.toml"), "[routs]\n").unwrap(),
            "bad policy: ",
        ),
        (
            "a journal that was altered",
            &|dir| {
                let segment = std::fs::read_dir(dir.join("journal"))
                    .unwrap()
                    .map(|entry| entry.unwrap().path())
                    .find(|path| path.extension().is_some_and(|it| it == "jsonl"))
                    .unwrap();
                let text = std::fs::read_to_string(&segment).unwrap();
                std::fs::write(&segment, text.replacen("\"approval\"", "\"apprival\"", 1)).unwrap();
            },
            "bad journal: ",
        ),
        (
            "a store that is no store",
            &|dir| {
                std::fs::write(
                    dir.join("authority.db"),
                    "nothing of the kind, but long enough",
                )
                .unwrap()
            },
            "bad store: ",
        ),
        (
            "a trust root of somebody else",
            &|dir| {
                let path = dir.join("trust-root.txt");
                let text = std::fs::read_to_string(&path).unwrap();
                let digest = text.find("sha256:").unwrap() + "sha256:".len();
                let other = if &text[digest..=digest] == "0" {
                    "1"
                } else {
                    "0"
                };
                let text = format!("{}{other}{}", &text[..digest], &text[digest + 1..]);
                std::fs::write(path, text).unwrap();
            },
            "bad trust root: ",
        ),
        (
            "the number of a bundle that cannot be read",
            &|dir| std::fs::write(dir.join("bundle/last.json"), "{}").unwrap(),
            "bad bundle: ",
        ),
        (
            "an address others reach",
            &|dir| {
                replace(
                    &dir.join("authority.toml"),
                    "127.0.0.1:7420",
                    "0.0.0.0:7420",
                )
            },
            "bad configuration: `0.0.0.0:7420` can be reached from other machines",
        ),
        (
            "a configuration with a mistake",
            &|dir| replace(&dir.join("authority.toml"), "listen =", "listn ="),
            "bad configuration: `authority/authority.toml` is malformed: line 8: unknown field `listn`",
        ),
    ];
    for (name, break_it, expected) in cases {
        let desk = desk();
        break_it(&desk.path().join("authority"));
        let exit = if expected.starts_with("bad") { 1 } else { 0 };
        let found = found(&desk, exit);
        assert!(
            found.iter().any(|line| line.starts_with(expected)),
            "{name}: {found:#?}"
        );
    }
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from));
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_certificate_is_looked_at_where_there_is_one() {
    let desk = desk();
    let certificates = Certificates::new(desk.path());
    certificates.issue("server");
    let config = desk.path().join("authority/authority.toml");
    let tls = "[tls]\ncertificate = \"../server.pem\"\nkey = \"../server.key\"\n\n[paths]";
    replace(&config, "[paths]", tls);
    let found = found(&desk, if cfg!(feature = "tls") { 0 } else { 1 });
    // Good for a day, which is short.
    assert!(
        found.contains(&"caution certificate: it expires in 0 days".to_owned()),
        "{found:#?}"
    );
}

#[test]
fn an_authority_that_runs_is_looked_at_from_outside() {
    let mut desk = desk();
    let mut authority = ChildProcess::spawn(&mut desk.command(&[
        "serve",
        "--dir",
        "authority",
        "--listen",
        "127.0.0.1:0",
    ]));
    let url = authority.wait_for_line("listening on ", BOUND);
    desk.set("HALLPASS_AUTHORITY", &url);
    desk.set(concat!("HALLPASS_", "ENVIRONMENT"), "prod");
    let both = desk
        .run(&["doctor", "--dir", "authority", "--json"])
        .expect(0);
    let findings = both.json();
    let verdict = |subject: &str| {
        let finding = findings
            .as_array()
            .unwrap()
            .iter()
            .find(|finding| finding["subject"] == subject);
        finding.unwrap()["verdict"].as_str().unwrap().to_owned()
    };
    for subject in ["authority", "clock", "published bundle", "journal", "store"] {
        assert_eq!(verdict(subject), "good", "{subject}: {findings:#}");
    }
    assert_eq!(verdict("variables"), "caution");
    drop(authority);
    let gone = desk.run(&["doctor"]).expect(1);
    assert!(
        gone.stdout.contains("is it running there?"),
        "{}",
        gone.stdout
    );
}

#[test]
fn nothing_to_look_at_is_a_mistake() {
    let answer = Desk::new().run(&["doctor"]).expect(2);
    assert!(
        answer.stderr.contains("hint: give --dir DIR"),
        "{}",
        answer.stderr
    );
}
