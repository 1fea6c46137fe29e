//! A start from a snapshot gives what a start from the first record gives, or the snapshot is ignored.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use hallpass_journal::verify::{VerifyError, verify};
use hallpass_journal::{Damage, Journal, OpenError, Settings, Started};
use hallpass_vocabulary::DenialCode;

use crate::fixture::{
    all, copy, crashed, denied, durable, kinds, open, relaxed, segment, settings, until,
};

const SNAPSHOT: &str = "snapshot";

/// Some lines in each segment.
fn small_segments() -> Settings {
    settings().segment_bytes(1_000)
}

/// A closed journal of several segments with decisions, refusals and two openings.
fn several() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for boot in ["boot-1", "boot-2"] {
        let journal = Journal::open(dir.path(), small_segments().boot(Some(boot))).unwrap();
        for n in 0..12 {
            durable(&journal, n).unwrap();
            journal.refuse(denied(n, DenialCode::ToolNotGranted));
        }
        journal.close().unwrap();
    }
    dir
}

fn start_of(dir: &Path, settings: Settings) -> Started {
    let journal = Journal::open(dir, settings).unwrap();
    let started = journal.started();
    journal.close().unwrap();
    started
}

fn size(dir: &Path) -> u64 {
    all(dir).len() as u64
}

#[test]
fn after_a_close_nothing_is_read_again_and_without_the_snapshot_everything() {
    let dir = several();
    let without = copy(dir.path());
    fs::remove_file(without.path().join(SNAPSHOT)).unwrap();
    let records = size(dir.path());
    let started = start_of(dir.path(), small_segments());
    assert_eq!(started.snapshot, Some(records));
    assert_eq!(started.records_read, 0);
    let started = start_of(without.path(), small_segments());
    assert_eq!(started.snapshot, None);
    assert_eq!(started.records_read, records);
}

#[test]
fn both_ways_to_start_write_the_same_journal_and_the_same_next_snapshot() {
    let closed = several();
    let dir = several();
    let journal = Journal::open(dir.path(), small_segments()).unwrap();
    relaxed(&journal, 1).unwrap();
    let crashed = crashed(&journal);
    for dir in [closed, crashed] {
        let whole = copy(dir.path());
        fs::remove_file(whole.path().join(SNAPSHOT)).unwrap();
        for boot in ["boot-2", "boot-3"] {
            let settings = || small_segments().boot(Some(boot));
            let quick = Journal::open(dir.path(), settings()).unwrap();
            let slow = Journal::open(whole.path(), settings()).unwrap();
            assert_eq!(quick.latest_time(), slow.latest_time());
            durable(&quick, 7).unwrap();
            durable(&slow, 7).unwrap();
            quick.close().unwrap();
            slow.close().unwrap();
            assert_eq!(all(dir.path()), all(whole.path()));
            let snapshot = |dir: &Path| fs::read_to_string(dir.join(SNAPSHOT)).unwrap();
            assert_eq!(snapshot(dir.path()), snapshot(whole.path()));
        }
    }
}

#[test]
fn a_snapshot_is_written_when_a_segment_is_full_and_read_on_from_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), small_segments()).unwrap();
    for n in 0..10 {
        durable(&journal, n).unwrap();
    }
    until("there is a snapshot", || dir.path().join(SNAPSHOT).exists());
    durable(&journal, 10).unwrap();
    let crashed = crashed(&journal);
    let before = size(crashed.path());
    let started = start_of(crashed.path(), small_segments());
    assert_eq!(started.snapshot.unwrap() + started.records_read, before);
    assert_ne!(started.records_read, 0);
    assert_eq!(kinds(crashed.path()).last().unwrap(), "closed");
    verify(crashed.path(), None).unwrap();
}

#[test]
fn every_flipped_bit_and_every_cut_of_a_snapshot_makes_it_worth_nothing() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    let path = dir.path().join(SNAPSHOT);
    let good = fs::read(&path).unwrap();
    // Opening writes, so each try has its own copy: every bit of every seventh byte, every cut of every third.
    let ignored = |bytes: &[u8]| {
        let copy = copy(dir.path());
        fs::write(copy.path().join(SNAPSHOT), bytes).unwrap();
        let started = start_of(copy.path(), settings());
        assert_eq!(started.snapshot, None);
        assert_eq!(started.records_read, 2);
    };
    for position in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[position] ^= 1 << (position % 8);
        ignored(&bad);
    }
    for length in (0..good.len()).step_by(13).chain([good.len() - 1]) {
        ignored(&good[..length]);
    }
    ignored(&[good.clone(), b"\n".to_vec()].concat());
    ignored(&[good.clone(), good].concat());
}

#[test]
fn a_snapshot_of_another_time_or_journal_is_ignored() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    let older = copy(dir.path());
    open(dir.path()).close().unwrap();
    let newer = copy(dir.path());
    // Of more records than are signed here.
    fs::copy(dir.path().join(SNAPSHOT), older.path().join(SNAPSHOT)).unwrap();
    assert_eq!(start_of(older.path(), settings()).snapshot, None);
    // Continued in two places: the one is no snapshot of the other, though the same key signed both.
    let fork = copy(newer.path());
    let journal = open(fork.path());
    durable(&journal, 1).unwrap();
    journal.close().unwrap();
    let journal = open(newer.path());
    durable(&journal, 2).unwrap();
    journal.close().unwrap();
    fs::copy(fork.path().join(SNAPSHOT), newer.path().join(SNAPSHOT)).unwrap();
    assert_eq!(start_of(newer.path(), settings()).snapshot, None);
    let other = tempfile::tempdir().unwrap();
    open(other.path()).close().unwrap();
    fs::copy(other.path().join(SNAPSHOT), dir.path().join(SNAPSHOT)).unwrap();
    assert_eq!(start_of(dir.path(), settings()).snapshot, None);
}

#[test]
fn an_older_snapshot_of_this_journal_only_takes_longer() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    let older = fs::read(dir.path().join(SNAPSHOT)).unwrap();
    open(dir.path()).close().unwrap();
    fs::write(dir.path().join(SNAPSHOT), older).unwrap();
    let started = start_of(dir.path(), settings());
    assert_eq!((started.snapshot, started.records_read), (Some(2), 2));
    verify(dir.path(), None).unwrap();
}

#[test]
fn a_checkpoint_is_no_snapshot_and_a_snapshots_note_no_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    let text = fs::read_to_string(dir.path().join(SNAPSHOT)).unwrap();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    fs::write(
        dir.path().join("checkpoint"),
        last["note"].as_str().unwrap(),
    )
    .unwrap();
    assert!(matches!(
        verify(dir.path(), None),
        Err(VerifyError::Checkpoint(_))
    ));
    assert!(matches!(
        Journal::open(dir.path(), settings()),
        Err(OpenError::Checkpoint(_))
    ));
}

#[test]
fn a_missing_tail_and_bytes_put_in_before_the_snapshots_place_are_found_at_opening() {
    let dir = several();
    let last = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
        .max()
        .unwrap();
    let name = last.file_name().unwrap();
    let good = fs::read(&last).unwrap();
    for length in [0, 1, good.len() - 1] {
        let cut = copy(dir.path());
        fs::write(cut.path().join(name), &good[..length]).unwrap();
        let error = Journal::open(cut.path(), small_segments()).unwrap_err();
        assert!(
            matches!(error, OpenError::SignedTailMissing { .. }),
            "{error:?}"
        );
    }
    for put_in in [&b"x"[..], b"\n", b"x\n"] {
        let longer = copy(dir.path());
        fs::write(longer.path().join(name), [put_in, good.as_slice()].concat()).unwrap();
        let error = Journal::open(longer.path(), small_segments()).unwrap_err();
        assert!(
            matches!(error, OpenError::Damaged(Damage::BadLine { .. })),
            "{error:?}"
        );
        // Nothing was cut.
        assert_eq!(
            fs::read(longer.path().join(name)).unwrap().len(),
            good.len() + put_in.len()
        );
    }
}

#[test]
fn damage_below_a_snapshot_is_found_by_verifying_also_after_the_journal_went_on() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    let file = fs::OpenOptions::new()
        .write(true)
        .open(segment(dir.path()))
        .unwrap();
    let text = fs::read_to_string(segment(dir.path())).unwrap();
    let place = text.find("test/1").unwrap();
    file.write_all_at(b"test/2", place as u64).unwrap();
    for _ in 0..2 {
        assert!(matches!(
            verify(dir.path(), None),
            Err(VerifyError::Damaged(Damage::RootMismatch { .. }))
        ));
        open(dir.path()).close().unwrap();
    }
}

#[test]
fn a_snapshot_that_cannot_be_written_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("snapshot/x")).unwrap();
    open(dir.path()).close().unwrap();
    assert!(!dir.path().join("snapshot.tmp").exists());
    assert_eq!(start_of(dir.path(), settings()).records_read, 2);
}
