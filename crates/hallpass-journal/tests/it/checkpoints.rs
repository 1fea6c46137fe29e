//! When checkpoints are signed, and how old the newest is.

use std::fs;
use std::time::{Duration, Instant};

use hallpass_journal::verify::verify;

use crate::fixture::{durable, open, relaxed, until};

#[test]
fn a_checkpoint_is_signed_after_a_thousand_records_without_waiting_for_the_second() {
    const ROUNDS: u64 = 20;
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let start = Instant::now();
    for round in 1..=ROUNDS {
        for n in 0..1_000 {
            relaxed(&journal, n).unwrap();
        }
        until("they are signed", || {
            journal.status().signed >= round * 1_000
        });
    }
    // By time alone it would be a second a round.
    let bound = Duration::from_secs(ROUNDS) * 3 / 4;
    assert!(start.elapsed() < bound, "{:?}", start.elapsed());
}

#[test]
fn an_idle_journal_signs_what_it_has_and_then_rests() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let start = Instant::now();
    relaxed(&journal, 1).unwrap();
    until("it is signed", || journal.status().signed == 2);
    let status = journal.status();
    assert!(status.checkpoint_age <= start.elapsed());
    assert_eq!(status.written, status.signed);
    let signed = fs::metadata(dir.path().join("checkpoint")).unwrap();
    until("the checkpoint is older", || {
        journal.status().checkpoint_age > Duration::from_millis(1_500)
    });
    let later = fs::metadata(dir.path().join("checkpoint")).unwrap();
    assert_eq!(signed.modified().unwrap(), later.modified().unwrap());
}

#[test]
fn a_checkpoint_that_cannot_be_written_shows_as_its_age_and_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    // What stands here is no file, and so is not replaced by one.
    let obstacle = dir.path().join("checkpoint.tmp");
    fs::create_dir(&obstacle).unwrap();
    durable(&journal, 1).unwrap();
    until("the checkpoint is overdue", || {
        journal.status().checkpoint_age > Duration::from_millis(1_500)
    });
    assert_eq!(journal.status().signed, 1);
    assert_eq!(verify(dir.path(), None).unwrap().unsigned(), 1);
    durable(&journal, 2).unwrap();
    fs::remove_dir(&obstacle).unwrap();
    until("it is signed", || journal.status().signed == 3);
    assert!(journal.status().checkpoint_age < Duration::from_millis(1_500));
    journal.close().unwrap();
    assert_eq!(verify(dir.path(), None).unwrap().unsigned(), 0);
}
