//! SIGHUP: the policy is read again; and what a `kill -9` in the middle of it leaves.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use hallpass_testkit::{ChildProcess, eventually};
use serde_json::Value;

use crate::command::Desk;

const BOUND: Duration = Duration::from_secs(30);
const KILLS: usize = 12;

struct Office {
    desk: Desk,
}

impl Office {
    fn new() -> Self {
        let desk = Desk::new();
        desk.run(&["init", "authority", "--no-passphrase"])
            .expect(0);
        Self { desk }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.desk.path().join("authority").join(name)
    }

    fn serve(&self) -> ChildProcess {
        let serve = ["serve", "--dir", "authority", "--listen", "127.0.0.1:0"];
        let mut child = ChildProcess::spawn(&mut self.desk.command(&serve));
        child.wait_for_line("listening on ", BOUND);
        child
    }

    /// The starter policy with this tenant instead of `globex`.
    fn write_policy(&self, tenant: &str) {
        let starter = hallpass_policy::starter().replace("\"globex\"", &format!("{tenant:?}"));
        std::fs::write(self.path("policy/starter.toml"), starter).unwrap();
    }

    /// Records of this kind, oldest first; an unfinished last line is none.
    fn records(&self, kind: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let mut segments: Vec<PathBuf> = std::fs::read_dir(self.path("journal"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|it| it == "jsonl"))
            .collect();
        segments.sort();
        for segment in segments {
            let text = std::fs::read_to_string(segment).unwrap();
            found.extend(
                text.lines()
                    .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                    .filter(|record| record["kind"] == kind),
            );
        }
        found
    }

    /// The policy that the last bundle names.
    fn published(&self) -> Value {
        let text = std::fs::read_to_string(self.path("bundle/last.json")).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["policy"].clone()
    }
}

pub fn signal(process: &ChildProcess, name: &str) {
    let id = process.id().to_string();
    let sent = Command::new("kill").args(["-s", name, &id]).status();
    assert!(sent.unwrap().success());
}

fn exists(path: &Path) -> bool {
    path.try_exists().unwrap()
}

#[test]
fn sighup_reads_the_policy_again_and_a_bad_one_changes_nothing() {
    let office = Office::new();
    let mut serving = office.serve();
    let first = office.published();
    office.write_policy("initech");
    signal(&serving, "HUP");
    eventually(BOUND, "the new policy is published", || {
        office.published() != first
    });
    let second = office.published();
    let loaded = office.records("policy_loaded").pop().unwrap();
    assert_eq!(loaded["digest"], second);
    assert_eq!(loaded["widenings"].as_array().unwrap().len(), 4);
    std::fs::write(office.path("policy/starter.toml"), "nonsense").unwrap();
    signal(&serving, "HUP");
    eventually(BOUND, "the refusal is on record", || {
        !office.records("policy_refused").is_empty()
    });
    assert!(serving.is_running());
    assert_eq!(office.published(), second);
    signal(&serving, "TERM");
    let finished = serving.finish(BOUND);
    assert!(
        finished.stderr.contains("allows more than the one before"),
        "{}",
        finished.stderr
    );
    assert!(
        finished.stderr.contains("widenings=4"),
        "{}",
        finished.stderr
    );
}

/// Wherever the kill falls: no bundle names a policy whose widenings are not on record, and the next start goes on.
#[test]
fn a_kill_in_the_middle_of_a_reload_leaves_no_policy_in_force_that_is_not_on_record() {
    let office = Office::new();
    let mut serving = office.serve();
    let tenants = ["initech", "globex"];
    for round in 0..KILLS {
        let before = office.published();
        let known = office.records("policy_loaded").len();
        office.write_policy(tenants[round % tenants.len()]);
        signal(&serving, "HUP");
        match round % 3 {
            // At once, as soon as it is recorded, and as soon as it is published.
            0 => {}
            1 => eventually(BOUND, "it is recorded", || {
                office.records("policy_loaded").len() > known
            }),
            _ => eventually(BOUND, "it is published", || office.published() != before),
        }
        serving.kill();
        // A durable record has reached the disk before its bundle, so it is found whatever came of the rest.
        let published = office.published();
        let loaded = office.records("policy_loaded");
        let naming = loaded.iter().rev().find(|it| it["digest"] == published);
        assert!(naming.is_some(), "round {round}: {published}");
        if published != before {
            assert_eq!(naming.unwrap()["changed"], true);
            assert_eq!(naming.unwrap()["widenings"].as_array().unwrap().len(), 4);
        }
        drop(serving);
        serving = office.serve();
        let last = office.records("policy_loaded").pop().unwrap();
        assert_eq!(last["digest"], office.published(), "round {round}");
        // Found again at the start where the kill came before the bundle.
        assert_eq!(last["changed"], published == before, "round {round}");
        let starts = office.path("bundle/policies");
        assert!(exists(&starts));
        assert_eq!(
            std::fs::read_dir(starts).unwrap().count(),
            1,
            "round {round}"
        );
    }
    signal(&serving, "TERM");
    serving.finish(BOUND);
    office
        .desk
        .run(&["journal", "verify", "authority/journal"])
        .expect(0);
}
