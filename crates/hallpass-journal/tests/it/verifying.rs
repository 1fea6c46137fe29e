//! Verifying against an earlier checkpoint, and only what is new.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use hallpass_journal::verify::{Progress, Reached, Verification, Verified, VerifyError, verify};
use hallpass_journal::{Damage, Journal, Settings};

use crate::fixture::{copy, durable, open, segment, settings};

fn small_segments() -> Settings {
    settings().segment_bytes(400)
}

/// Opens the journal, writes some records and closes it.
fn go_on(dir: &Path, numbers: std::ops::Range<u64>) {
    let journal = Journal::open(dir, small_segments()).unwrap();
    for n in numbers {
        durable(&journal, n).unwrap();
    }
    journal.close().unwrap();
}

fn checkpoint(dir: &Path) -> Vec<u8> {
    fs::read(dir.join("checkpoint")).unwrap()
}

fn from(dir: &Path, earlier: &[u8]) -> Result<Verified, VerifyError> {
    Verification::new().earlier(Some(earlier)).run(dir)
}

fn resumed(dir: &Path, reached: &Reached) -> Result<Verified, VerifyError> {
    Verification::new().resume(reached).run(dir)
}

#[test]
fn a_journal_begins_with_the_records_of_every_checkpoint_it_ever_had() {
    let dir = tempfile::tempdir().unwrap();
    let mut checkpoints = Vec::new();
    for round in 0..6 {
        go_on(dir.path(), round..round * 3 + 1);
        checkpoints.push(checkpoint(dir.path()));
        for earlier in &checkpoints {
            let verified = from(dir.path(), earlier).unwrap();
            assert_eq!(verified.report, verify(dir.path(), None).unwrap());
        }
    }
}

#[test]
fn an_older_copy_and_one_that_went_another_way_are_not_the_journal_of_a_kept_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    go_on(dir.path(), 0..3);
    let (older, forked) = (copy(dir.path()), copy(dir.path()));
    go_on(dir.path(), 3..6);
    let kept = checkpoint(dir.path());
    go_on(forked.path(), 30..40);
    for copy in [&older, &forked] {
        verify(copy.path(), None).unwrap();
    }
    assert!(matches!(
        from(older.path(), &kept),
        Err(VerifyError::CheckpointOlder {
            earlier: 10,
            signed: 5
        })
    ));
    assert!(matches!(
        from(forked.path(), &kept),
        Err(VerifyError::NotContained { earlier: 10 })
    ));
    let other = tempfile::tempdir().unwrap();
    go_on(other.path(), 0..3);
    for earlier in [checkpoint(other.path()), b"nonsense".to_vec()] {
        assert!(matches!(
            from(dir.path(), &earlier),
            Err(VerifyError::Earlier(_))
        ));
    }
}

#[test]
fn only_what_is_new_is_read_and_each_time_that_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    go_on(dir.path(), 0..3);
    let mut reached = Verification::new()
        .run(dir.path())
        .unwrap()
        .reached
        .unwrap();
    for round in 1..6_u64 {
        let before = reached.size();
        assert_eq!(
            resumed(dir.path(), &reached).unwrap().report.records_read,
            0
        );
        go_on(dir.path(), 0..round);
        let verified = resumed(dir.path(), &reached).unwrap();
        let whole = verify(dir.path(), None).unwrap();
        assert_eq!(verified.report.records_read, round + 2);
        assert_eq!(verified.report.root, whole.root);
        assert_eq!(verified.report.records, whole.records);
        reached = verified.reached.unwrap();
        assert_eq!(reached.size(), before + round + 2);
        assert_eq!(Reached::parse(&reached.to_bytes()), Ok(reached.clone()));
    }
}

#[test]
fn what_is_new_is_checked_as_strictly_and_what_is_older_is_not_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    let reached = Verification::new()
        .run(dir.path())
        .unwrap()
        .reached
        .unwrap();
    let known = fs::metadata(segment(dir.path())).unwrap().len();
    open(dir.path()).close().unwrap();
    let good = fs::read(segment(dir.path())).unwrap();
    let file = fs::OpenOptions::new()
        .write(true)
        .open(segment(dir.path()))
        .unwrap();
    for (position, byte) in good.iter().enumerate() {
        file.write_all_at(&[byte ^ 1], position as u64).unwrap();
        let found = resumed(dir.path(), &reached);
        // The record before the place is looked at as far as its index and form.
        if position as u64 >= known {
            assert!(found.is_err(), "byte {position}");
        }
        file.write_all_at(&[*byte], position as u64).unwrap();
    }
    for length in (0..good.len()).rev() {
        file.set_len(length as u64).unwrap();
        assert!(resumed(dir.path(), &reached).is_err(), "{length}");
    }
    fs::write(segment(dir.path()), [b"\n", good.as_slice()].concat()).unwrap();
    assert!(matches!(
        resumed(dir.path(), &reached),
        Err(VerifyError::NotContained { earlier: 2 })
    ));
}

#[test]
fn a_state_that_was_altered_makes_nothing_verify_that_does_not() {
    let dir = tempfile::tempdir().unwrap();
    go_on(dir.path(), 0..5);
    let reached = Verification::new()
        .run(dir.path())
        .unwrap()
        .reached
        .unwrap();
    let older = copy(dir.path());
    go_on(dir.path(), 5..9);
    let newer = Verification::new()
        .run(dir.path())
        .unwrap()
        .reached
        .unwrap();
    assert!(matches!(
        resumed(older.path(), &newer),
        Err(VerifyError::CheckpointOlder { .. })
    ));
    let mut json: serde_json::Value = serde_json::from_slice(&reached.to_bytes()).unwrap();
    json["hashes"][0] = newer_hash(&newer).into();
    let bad = Reached::parse(json.to_string().as_bytes()).unwrap();
    assert!(matches!(
        resumed(dir.path(), &bad),
        Err(VerifyError::Damaged(Damage::RootMismatch { .. }))
    ));
    json["hashes"].as_array_mut().unwrap().pop();
    assert!(Reached::parse(json.to_string().as_bytes()).is_err());
    let other = tempfile::tempdir().unwrap();
    go_on(other.path(), 0..9);
    assert!(matches!(
        resumed(other.path(), &reached),
        Err(VerifyError::OtherReached { .. })
    ));
}

fn newer_hash(newer: &Reached) -> String {
    let json: serde_json::Value = serde_json::from_slice(&newer.to_bytes()).unwrap();
    json["hashes"][0].as_str().unwrap().to_owned()
}

#[test]
fn progress_is_told_now_and_then() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    for n in 0..2_500 {
        crate::fixture::relaxed(&journal, n).unwrap();
    }
    journal.close().unwrap();
    let mut told = Vec::new();
    let mut show = |progress: Progress| told.push(progress.records);
    Verification::new()
        .progress(&mut show)
        .run(dir.path())
        .unwrap();
    assert_eq!(told, [1_024, 2_048]);
}
