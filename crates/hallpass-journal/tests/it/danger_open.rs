//! Records that nothing waits for, and the number that is left of those that could not be written.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hallpass_journal::verify::verify;
use hallpass_journal::{
    AppendError, Durability, Event, Journal, PolicyLoaded, Recorded, Text, Unrecorded,
};
use hallpass_vocabulary::Timestamp;

use crate::faulty::{FaultyStorage, Mode};
use crate::fixture::{
    PATIENCE, START_MS, TestClock, all, durable, event, kinds, numbers, relaxed, settings,
    settings_with, until,
};

fn opened(dir: &Path) -> (Journal, FaultyStorage) {
    let storage = FaultyStorage::default();
    let journal = Journal::open(dir, settings().storage(Arc::new(storage.clone()))).unwrap();
    (journal, storage)
}

/// Answered without waiting for anybody.
fn open_append(journal: &Journal, n: u64) -> Result<Recorded, AppendError> {
    journal
        .append(&event(n), Durability::DangerOpen)
        .wait(Duration::ZERO)
}

fn unrecorded(dir: &Path) -> Vec<Unrecorded> {
    all(dir)
        .iter()
        .filter_map(|record| match record.event().unwrap() {
            Event::Unrecorded(unrecorded) => Some(unrecorded),
            _ => None,
        })
        .collect()
}

#[test]
fn it_is_answered_without_a_place_and_written_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = opened(dir.path());
    for n in 0..100 {
        assert_eq!(open_append(&journal, n).unwrap().index(), None);
    }
    until("they are written", || journal.status().written == 101);
    journal.close().unwrap();
    assert_eq!(numbers(dir.path()), (0..100).collect::<Vec<_>>());
    assert_eq!(unrecorded(dir.path()), []);
    verify(dir.path(), None).unwrap();
}

#[test]
fn it_is_answered_while_the_disk_hangs() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, storage) = opened(dir.path());
    let waiting = storage.0.waiting_syncs.load(Ordering::SeqCst);
    storage.0.hold_syncs();
    let durable = journal.append(&event(0), Durability::Durable);
    until("the sync hangs", || {
        storage.0.waiting_syncs.load(Ordering::SeqCst) > waiting
    });
    for n in 1..1_000 {
        open_append(&journal, n).unwrap();
    }
    storage.0.release_syncs();
    durable.wait(PATIENCE).unwrap();
    journal.close().unwrap();
    assert_eq!(numbers(dir.path()).len(), 1_000);
}

#[test]
fn what_cannot_be_written_is_counted_and_the_number_is_written_once_it_can() {
    for mode in [Mode::FailAll, Mode::FailWrites(ErrorKind::StorageFull)] {
        let dir = tempfile::tempdir().unwrap();
        let clock = TestClock::new();
        let storage = FaultyStorage::default();
        let settings = settings_with(Arc::clone(&clock)).storage(Arc::new(storage.clone()));
        let journal = Journal::open(dir.path(), settings).unwrap();
        storage.0.set(mode);
        let lost = || journal.status().not_recorded;
        relaxed(&journal, 1).unwrap_err();
        for n in 0..50 {
            open_append(&journal, n).unwrap();
        }
        until("all are counted", || lost() == 51);
        clock.advance_ms(7);
        durable(&journal, 2).unwrap_err();
        assert_eq!(lost(), 52);
        storage.0.set(Mode::Works);
        until("the number is written", || {
            !unrecorded(dir.path()).is_empty()
        });
        durable(&journal, 3).unwrap();
        journal.close().unwrap();
        let at = |ms| Timestamp::from_unix_ms(START_MS + ms);
        let (first, last) = (at(0), at(7));
        let (count, allowed) = (52, 50);
        let expected = Unrecorded {
            count,
            allowed,
            first,
            last,
        };
        assert_eq!(unrecorded(dir.path()), [expected], "{mode:?}");
        assert_eq!(lost(), 52, "the status counts since the opening");
        assert_eq!(numbers(dir.path()), [3]);
        verify(dir.path(), None).unwrap();
    }
}

#[test]
fn a_number_that_cannot_be_written_is_kept_while_the_process_lives() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, storage) = opened(dir.path());
    // Only a count is under way when the write fails.
    storage.0.set(Mode::FailWrites(ErrorKind::PermissionDenied));
    for round in 1..=3_u64 {
        for n in 0..10 {
            open_append(&journal, n).unwrap();
        }
        until("they are counted", || {
            journal.status().not_recorded == round * 10
        });
    }
    storage.0.set(Mode::Works);
    until("the number is written", || {
        !unrecorded(dir.path()).is_empty()
    });
    journal.close().unwrap();
    let counts: Vec<_> = unrecorded(dir.path())
        .iter()
        .map(|u| (u.count, u.allowed))
        .collect();
    assert_eq!(counts, [(30, 30)]);
}

#[test]
fn at_the_end_the_number_stands_before_the_last_record() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, storage) = opened(dir.path());
    storage.0.set(Mode::FailWrites(ErrorKind::PermissionDenied));
    relaxed(&journal, 1).unwrap_err();
    storage.0.set(Mode::Works);
    journal.close().unwrap();
    assert_eq!(kinds(dir.path()), ["opened", "unrecorded", "closed"]);
    assert_eq!(open_append(&journal, 2), Err(AppendError::Closed));
}

#[test]
fn a_record_too_large_is_counted_like_one_that_does_not_fit_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = opened(dir.path());
    let huge = Event::PolicyLoaded(PolicyLoaded {
        digest: hallpass_keys::Digest::of(b""),
        files: vec![Text::new(&"x".repeat(1_000)); 20],
        changed: true,
        widenings: Vec::new(),
        by: None,
    });
    let answer = journal.append(&huge, Durability::DangerOpen);
    assert_eq!(answer.wait(Duration::ZERO).unwrap().index(), None);
    journal.close().unwrap();
    let counts: Vec<_> = unrecorded(dir.path())
        .iter()
        .map(|u| (u.count, u.allowed))
        .collect();
    assert_eq!(counts, [(1, 1)]);
}

#[test]
fn a_caller_who_gives_up_is_counted_too() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, storage) = opened(dir.path());
    storage.0.hold_syncs();
    // Fills what may be written and not synced, so that what follows stays in the queue.
    let large = Event::PolicyLoaded(PolicyLoaded {
        digest: hallpass_keys::Digest::of(b""),
        files: vec![Text::new(&"x".repeat(1_000)); 15],
        changed: true,
        widenings: Vec::new(),
        by: None,
    });
    let append = |durability| journal.append(&large, durability).wait(Duration::ZERO);
    while append(Durability::Relaxed).is_ok() {}
    assert_eq!(append(Durability::Relaxed), Err(AppendError::Timeout));
    storage.0.release_syncs();
    until("they are counted", || journal.status().not_recorded == 2);
    journal.close().unwrap();
    assert_eq!(
        unrecorded(dir.path()).iter().map(|u| u.count).sum::<u64>(),
        2
    );
    verify(dir.path(), None).unwrap();
}
