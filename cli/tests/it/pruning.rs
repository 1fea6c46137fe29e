//! `hallpass journal prune` on a journal of long ago, which the clock of the process takes for old.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use hallpass_journal::verify::verify;
use hallpass_journal::{Abandoned, Durability, Event, Journal, JournalName, Settings};
use hallpass_testkit::FixedClock;
use hallpass_vocabulary::{DecisionId, Timestamp};

use crate::command::Desk;
use crate::world::environment;

fn settings(unix_seconds: i64) -> Settings {
    let clock = FixedClock::at(Timestamp::from_unix_seconds(unix_seconds));
    let name = JournalName::new("tickets").unwrap();
    Settings::new(environment("dev"), name, Arc::new(clock)).segment_bytes(600)
}

/// Some segments of the year 2001.
fn old(dir: &Path) -> Journal {
    let seconds = 1_000_000_000;
    let journal = Journal::open(dir, settings(seconds)).unwrap();
    for n in 0..20 {
        let decision = DecisionId::new(Timestamp::from_unix_seconds(seconds), [n; 10]);
        journal
            .append(
                &Event::Abandoned(Abandoned { decision }),
                Durability::Durable,
            )
            .wait(std::time::Duration::from_secs(20))
            .unwrap();
    }
    journal
}

fn segments(dir: &Path) -> usize {
    let names = fs::read_dir(dir).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".jsonl")).count()
}

#[test]
fn what_goes_is_said_before_and_after_and_the_rest_verifies() {
    let desk = Desk::new();
    let dir = desk.path().join("journal");
    old(&dir).close().unwrap();
    let before = segments(&dir);
    let dry = desk
        .run(&["journal", "prune", "journal", "--keep", "90d", "--dry-run"])
        .expect(0);
    assert!(dry.stdout.starts_with("would go: "), "{}", dry.stdout);
    assert_eq!(segments(&dir), before);
    let done = desk
        .run(&["journal", "prune", "journal", "--keep", "90d"])
        .expect(0);
    // All that was there: the pruning's own records are a day and more younger than the last file, and begin another.
    assert!(
        dry.stdout
            .contains(&format!("22 records in {before} files")),
        "{}",
        dry.stdout
    );
    assert_eq!(done.stdout, dry.stdout.replace("would go", "removed"));
    assert!(
        done.stdout
            .ends_with("the last of 2001-09-09T01:46:40.000Z\n")
    );
    assert_eq!(segments(&dir), 1);
    let report = verify(&dir, None).unwrap();
    let below = report.pruned_below.unwrap();
    let answer = desk
        .run(&["journal", "verify", "journal", "--json"])
        .expect(0)
        .json();
    assert_eq!(answer["pruned_below"], below);
    let said = desk.run(&["journal", "verify", "journal"]).expect(0).stdout;
    assert!(
        said.contains(&format!("the records below {below} were pruned")),
        "{said}"
    );
    // What the pruning itself wrote is young.
    let again = desk
        .run(&["journal", "prune", "journal", "--before", "1h", "--json"])
        .expect(0)
        .json();
    assert_eq!(again["dry_run"], false);
}

/// The records of a process that was killed are not all signed; who opens the journal signs them.
#[test]
fn what_goes_of_a_journal_that_was_not_closed_is_said_as_well() {
    let desk = Desk::new();
    let dir = desk.path().join("journal");
    let journal = old(&dir);
    let copy = desk.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(&dir).unwrap() {
        let entry = entry.unwrap();
        // A temporary file may have got its name by now.
        let _ = fs::copy(entry.path(), copy.join(entry.file_name()));
    }
    journal.close().unwrap();
    let prune = ["journal", "prune", "copy", "--keep", "90d"];
    let dry = desk.run(&[&prune[..], &["--dry-run"]].concat()).expect(0);
    assert!(dry.stdout.contains("21 records in "), "{}", dry.stdout);
    let done = desk.run(&prune).expect(0);
    assert_eq!(done.stdout, dry.stdout.replace("would go", "removed"));
}

#[test]
fn a_journal_in_use_and_one_that_is_none_are_left_alone() {
    let desk = Desk::new();
    let dir = desk.path().join("journal");
    let journal = old(&dir);
    let prune = ["journal", "prune", "journal", "--keep", "90d"];
    let answer = desk.run(&prune).expect(2);
    assert!(answer.stderr.contains("stop it first"), "{}", answer.stderr);
    journal.close().unwrap();
    desk.run(&["journal", "prune", "absent", "--keep", "90d"])
        .expect(2);
    assert!(!desk.path().join("absent").exists());
    desk.run(&["journal", "prune", "journal"]).expect(2);
    let both = [&prune[..], &["--before", "1h"]].concat();
    desk.run(&both).expect(2);
}
