use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hallpass_journal::verify::verify;
use hallpass_journal::{AppendError, Durability, Event, Journal, PolicyLoaded, Text};

use crate::faulty::{FaultyStorage, Mode};
use crate::fixture::{PATIENCE, durable, event, kinds, numbers, relaxed, settings, until};

fn faulty(dir: &std::path::Path) -> (Journal, FaultyStorage) {
    let storage = FaultyStorage::default();
    let journal = Journal::open(dir, settings().storage(Arc::new(storage.clone()))).unwrap();
    (journal, storage)
}

#[test]
fn a_failed_or_short_write_is_taken_back_and_the_journal_goes_on_by_itself() {
    let cases = [
        (Mode::FailWrites(ErrorKind::StorageFull), AppendError::Full),
        (
            Mode::FailWrites(ErrorKind::PermissionDenied),
            AppendError::Unavailable,
        ),
        (
            Mode::ShortWrites(0, ErrorKind::StorageFull),
            AppendError::Full,
        ),
        (
            Mode::ShortWrites(1, ErrorKind::StorageFull),
            AppendError::Full,
        ),
        (
            Mode::ShortWrites(60, ErrorKind::StorageFull),
            AppendError::Full,
        ),
        (
            Mode::ShortWrites(10_000, ErrorKind::QuotaExceeded),
            AppendError::Full,
        ),
    ];
    for (mode, error) in cases {
        let dir = tempfile::tempdir().unwrap();
        let (journal, storage) = faulty(dir.path());
        relaxed(&journal, 1).unwrap();
        let opens = storage.0.opens.load(Ordering::SeqCst);
        storage.0.set(mode);
        for durability in [Durability::Relaxed, Durability::Durable] {
            let answer = journal.append(&event(2), durability).wait(PATIENCE);
            assert_eq!(answer, Err(error), "{mode:?}");
        }
        assert!(
            storage.0.opens.load(Ordering::SeqCst) > opens,
            "a new descriptor each time"
        );
        storage.0.set(Mode::Works);
        until("service has resumed", || !journal.status().low);
        durable(&journal, 3).unwrap();
        assert_eq!(journal.status().not_recorded, 2);
        journal.close().unwrap();
        assert_eq!(numbers(dir.path()), [1, 3]);
        verify(dir.path(), None).unwrap();
    }
}

#[test]
fn after_a_failed_sync_nothing_is_confirmed_and_a_new_descriptor_writes_everything_again() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, storage) = faulty(dir.path());
    let opens = storage.0.opens.load(Ordering::SeqCst);
    storage.0.hold_syncs();
    relaxed(&journal, 1).unwrap();
    let unconfirmed = journal.append(&event(2), Durability::Durable);
    storage.0.set(Mode::FailSyncs);
    storage.0.release_syncs();
    assert_eq!(unconfirmed.wait(PATIENCE), Err(AppendError::Uncertain));
    let refused = durable(&journal, 3).unwrap_err();
    assert!(matches!(
        refused,
        AppendError::Unavailable | AppendError::Uncertain
    ));
    storage.0.set(Mode::Works);
    until("the journal has healed", || {
        journal.status().broken.is_none()
    });
    assert!(storage.0.opens.load(Ordering::SeqCst) > opens);
    durable(&journal, 4).unwrap();
    assert_eq!(storage.0.reused.load(Ordering::SeqCst), 0);
    journal.close().unwrap();
    let numbers = numbers(dir.path());
    assert!(
        numbers.starts_with(&[1, 2]) && numbers.ends_with(&[4]),
        "{numbers:?}"
    );
    assert_eq!(verify(dir.path(), None).unwrap().unsigned(), 0);
}

#[test]
fn while_the_device_refuses_everything_appends_fail_at_once_and_later_work_again() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, storage) = faulty(dir.path());
    relaxed(&journal, 1).unwrap();
    storage.0.set(Mode::FailAll);
    assert_eq!(relaxed(&journal, 2), Err(AppendError::Unavailable));
    assert_eq!(relaxed(&journal, 3), Err(AppendError::Unavailable));
    assert_eq!(durable(&journal, 4), Err(AppendError::Unavailable));
    assert_eq!(journal.status().broken, Some(AppendError::Unavailable));
    storage.0.set(Mode::Works);
    until("the journal has healed", || {
        journal.status().broken.is_none()
    });
    relaxed(&journal, 5).unwrap();
    journal.close().unwrap();
    assert_eq!(numbers(dir.path()), [1, 5]);
    verify(dir.path(), None).unwrap();
}

#[test]
fn closing_on_a_broken_device_ends_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, storage) = faulty(dir.path());
    relaxed(&journal, 1).unwrap();
    storage.0.set(Mode::FailAll);
    assert_eq!(journal.close(), Err(AppendError::Unavailable));
    assert_eq!(relaxed(&journal, 2), Err(AppendError::Closed));
    drop(journal);
    let again = Journal::open(dir.path(), settings()).unwrap();
    again.close().unwrap();
    assert_eq!(numbers(dir.path()), [1]);
    verify(dir.path(), None).unwrap();
}

#[test]
fn a_full_disk_at_rotation_is_survived() {
    let dir = tempfile::tempdir().unwrap();
    let storage = FaultyStorage::default();
    let small = || settings().segment_bytes(200);
    let journal = Journal::open(dir.path(), small().storage(Arc::new(storage.clone()))).unwrap();
    relaxed(&journal, 1).unwrap();
    storage.0.set(Mode::FailAll);
    assert!(relaxed(&journal, 2).is_err());
    storage.0.set(Mode::Works);
    until("the journal has healed", || {
        journal.status().broken.is_none()
    });
    relaxed(&journal, 3).unwrap();
    relaxed(&journal, 4).unwrap();
    journal.close().unwrap();
    assert_eq!(numbers(dir.path()), [1, 3, 4]);
    verify(dir.path(), None).unwrap();
}

#[test]
fn a_record_too_large_is_refused_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = faulty(dir.path());
    let huge = Event::PolicyLoaded(PolicyLoaded {
        digest: hallpass_keys::Digest::of(b""),
        files: vec![Text::new(&"x".repeat(1_000)); 20],
        changed: true,
        widenings: Vec::new(),
        by: None,
    });
    let answer = journal.append(&huge, Durability::Durable).wait(PATIENCE);
    assert!(matches!(answer, Err(AppendError::TooLarge { bytes }) if bytes > 16 * 1024));
    durable(&journal, 1).unwrap();
    assert_eq!(numbers(dir.path()), [1]);
}

#[test]
fn a_hanging_disk_fills_a_bounded_memory_and_every_caller_has_its_answer_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, storage) = faulty(dir.path());
    let waiting_before = storage.0.waiting_syncs.load(Ordering::SeqCst);
    storage.0.hold_syncs();
    let unconfirmed = journal.append(&event(0), Durability::Durable);
    until("the sync hangs", || {
        storage.0.waiting_syncs.load(Ordering::SeqCst) > waiting_before
    });
    assert_eq!(
        unconfirmed.wait(Duration::ZERO),
        Err(AppendError::Uncertain)
    );
    let large = Event::PolicyLoaded(PolicyLoaded {
        digest: hallpass_keys::Digest::of(b""),
        files: vec![Text::new(&"x".repeat(1_000)); 15],
        changed: true,
        widenings: Vec::new(),
        by: None,
    });
    let (mut written, mut timeouts) = (1_u64, 0_u64);
    loop {
        match journal
            .append(&large, Durability::Relaxed)
            .wait(Duration::ZERO)
        {
            Ok(recorded) => {
                assert_eq!(timeouts, 0);
                written = recorded.index().unwrap();
            }
            Err(AppendError::Timeout) => timeouts += 1,
            other => {
                assert_eq!(other, Err(AppendError::Backlog));
                break;
            }
        }
    }
    // 64 MiB written and not synced, 16 MiB queued.
    assert!((4_000..5_000).contains(&written), "{written}");
    assert!((1_000..1_300).contains(&timeouts), "{timeouts}");
    storage.0.release_syncs();
    until("the queue is gone", || relaxed(&journal, 1).is_ok());
    journal.close().unwrap();
    // Who was told that the deadline had passed is not in the journal.
    let records = kinds(dir.path());
    let said = records.iter().filter(|kind| *kind == "unrecorded").count();
    assert_eq!((records.len() - said) as u64, written + 3);
    verify(dir.path(), None).unwrap();
}
