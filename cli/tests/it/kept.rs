//! Verifying a journal against what was kept of it: an earlier checkpoint, or how far it was verified.

use std::fs;
use std::sync::Arc;

use hallpass_journal::{Journal, JournalName, Settings};
use hallpass_testkit::FixedClock;

use crate::journal::{Written, written};
use crate::world::{at, environment};

/// Opens and closes the journal once more.
fn go_on(journal: &Written) {
    let clock = FixedClock::at(at(60));
    let name = JournalName::new("tickets").unwrap();
    let settings = Settings::new(environment("dev"), name, Arc::new(clock)).boot(Some("a boot"));
    Journal::open(&journal.dir(), settings)
        .unwrap()
        .close()
        .unwrap();
}

#[test]
fn an_earlier_checkpoint_finds_an_older_copy_that_was_put_back() {
    let journal = written();
    let desk = &journal.desk;
    let (dir, older) = (journal.dir(), desk.path().join("older"));
    fs::create_dir(&older).unwrap();
    for entry in fs::read_dir(&dir).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), older.join(entry.file_name())).unwrap();
    }
    go_on(&journal);
    fs::copy(dir.join("checkpoint"), desk.path().join("kept")).unwrap();
    go_on(&journal);
    let answer = desk
        .run(&["journal", "verify", "journal", "--from", "kept"])
        .expect(0);
    let said = "the earlier checkpoint agrees: its records are the first of these\n";
    assert!(answer.stdout.contains(said), "{}", answer.stdout);
    desk.run(&["journal", "verify", "older"]).expect(0);
    let answer = desk
        .run(&["journal", "verify", "older", "--from", "kept"])
        .expect(1);
    assert_eq!(
        answer.stdout,
        "TAMPERED: 14 records were signed before, and the checkpoint is of 12\n"
    );
    desk.run(&["journal", "verify", "journal", "--from", "absent"])
        .expect(2);
}

#[test]
fn the_second_time_only_what_is_new_is_read() {
    let journal = written();
    let desk = &journal.desk;
    let resume = ["journal", "verify", "journal", "--resume", "reached"];
    let json = [&resume[..], &["--json"]].concat();
    let read = |expected: u64| {
        let answer = desk.run(&json).expect(0).json();
        assert_eq!(answer["records_read"], expected);
        answer["records"].as_u64().unwrap()
    };
    assert_eq!(read(12), 12);
    assert_eq!(read(0), 12);
    go_on(&journal);
    let before = fs::read(desk.path().join("reached")).unwrap();
    let answer = desk.run(&resume).expect(0);
    let said = "2 records are new and were read; 12 were verified before\n";
    assert!(answer.stdout.contains(said), "{}", answer.stdout);
    assert_ne!(fs::read(desk.path().join("reached")).unwrap(), before);
    fs::write(journal.dir().join("checkpoint"), "").unwrap();
    desk.run(&resume).expect(1);
    fs::write(desk.path().join("reached"), "{}").unwrap();
    let answer = desk.run(&resume).expect(2);
    assert!(answer.stderr.contains("hint:"), "{}", answer.stderr);
    assert_eq!(fs::read(desk.path().join("reached")).unwrap(), b"{}");
}
