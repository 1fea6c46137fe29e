//! What happens when: the rest of the table in `docs/journal-format.md`, for what has no file of its own.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use hallpass_journal::verify::verify;
use hallpass_journal::{AppendError, Damage, Event, Journal, OpenError};

use crate::faulty::{FaultyStorage, Mode};
use crate::fixture::{
    START_MS, TestClock, all, copy, crashed, durable, kinds, numbers, open, relaxed, segment,
    settings, settings_with, until,
};

fn refused(dir: &Path) -> OpenError {
    let files = || {
        let mut files: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|path| path.extension() == Some("jsonl".as_ref()))
            .map(|path| (fs::read(&path).unwrap(), path))
            .collect();
        files.sort();
        files
    };
    let before = files();
    let error = Journal::open(dir, settings()).unwrap_err();
    assert_eq!(
        files(),
        before,
        "a journal that is refused is left as it is"
    );
    error
}

#[test]
fn half_a_checkpoint_is_no_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    let whole = fs::read(dir.path().join("checkpoint")).unwrap();
    for bytes in 0..whole.len() {
        fs::write(dir.path().join("checkpoint"), &whole[..bytes]).unwrap();
        assert!(
            matches!(refused(dir.path()), OpenError::Checkpoint(_)),
            "{bytes} bytes"
        );
    }
    fs::write(dir.path().join("checkpoint"), &whole).unwrap();
    open(dir.path()).close().unwrap();
}

#[test]
fn temporary_files_left_by_a_crash_are_replaced() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    for name in ["checkpoint.tmp", "journal.vkey.tmp", "digest.key.tmp"] {
        fs::write(dir.path().join(name), "half of someth").unwrap();
    }
    open(dir.path()).close().unwrap();
    assert!(!dir.path().join("checkpoint.tmp").exists());
    verify(dir.path(), None).unwrap();
}

#[test]
fn what_was_dropped_is_on_record_with_its_digest() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    durable(&journal, 1).unwrap();
    until("it is signed", || journal.status().signed == 2);
    let left = crashed(&journal);
    let torn = br#"{"v":1,"index":2,"time":"2025-"#;
    let mut bytes = fs::read(segment(left.path())).unwrap();
    bytes.extend_from_slice(torn);
    fs::write(segment(left.path()), bytes).unwrap();
    open(left.path()).close().unwrap();
    let recovered: Vec<_> = all(left.path())
        .iter()
        .filter_map(|record| match record.event().unwrap() {
            Event::Recovered(recovery) => Some((recovery.bytes, recovery.digest)),
            _ => None,
        })
        .collect();
    let digest = hallpass_keys::Digest::of(torn);
    assert_eq!(recovered, [(torn.len() as u64, digest)]);
    assert_eq!(numbers(left.path()), [1]);
}

#[test]
fn the_clock_may_step_forward_and_back_between_and_within_runs() {
    const YEAR_MS: i64 = 366 * 24 * 3_600_000;
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let mut latest = START_MS;
    let mut now = START_MS;
    for (n, step) in [0, YEAR_MS, -2 * YEAR_MS, 10, 3 * YEAR_MS]
        .into_iter()
        .enumerate()
    {
        clock.advance_ms(step);
        now += step;
        let journal = Journal::open(dir.path(), settings_with(Arc::clone(&clock))).unwrap();
        let known = journal.latest_time().map(|time| time.unix_ms());
        assert_eq!(known, (n > 0).then_some(latest));
        durable(&journal, n as u64).unwrap();
        journal.close().unwrap();
        latest = latest.max(now);
    }
    assert_eq!(numbers(dir.path()), [0, 1, 2, 3, 4]);
    verify(dir.path(), None).unwrap();
}

/// Each copy is a journal of its own from here on, with the same origin and key, and nothing in either of them says so. Two
/// checkpoints of one size and different roots do, and a size that the other has never had: a witness sees that.
#[test]
fn a_copied_directory_goes_on_in_two_places_and_only_a_witness_sees_it() {
    let first = tempfile::tempdir().unwrap();
    let journal = open(first.path());
    durable(&journal, 1).unwrap();
    journal.close().unwrap();
    let second = copy(first.path());
    let mut reports = Vec::new();
    for (dir, number) in [(&first, 2), (&second, 3)] {
        let journal = open(dir.path());
        durable(&journal, number).unwrap();
        journal.close().unwrap();
        reports.push(verify(dir.path(), None).unwrap());
    }
    assert_eq!(reports[0].origin, reports[1].origin);
    assert_eq!(reports[0].signed, reports[1].signed);
    let root = |dir: &tempfile::TempDir| {
        let note = fs::read_to_string(dir.path().join("checkpoint")).unwrap();
        note.lines().nth(2).unwrap().to_owned()
    };
    assert_ne!(root(&first), root(&second));
}

#[test]
fn a_file_system_that_is_read_only_or_forbidden_at_open_is_said_so() {
    for kind in [ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied] {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).close().unwrap();
        let before = kinds(dir.path());
        let storage = FaultyStorage::default();
        storage.0.set(Mode::FailWrites(kind));
        let refused = Journal::open(dir.path(), settings().storage(Arc::new(storage)));
        let Err(OpenError::Io { action, source, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((action, source.kind()), ("write the first records", kind));
        assert_eq!(kinds(dir.path()), before);
        verify(dir.path(), None).unwrap();
    }
}

#[test]
fn a_file_system_that_becomes_read_only_refuses_everything_until_it_is_not() {
    for kind in [ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied] {
        let dir = tempfile::tempdir().unwrap();
        let storage = FaultyStorage::default();
        let journal =
            Journal::open(dir.path(), settings().storage(Arc::new(storage.clone()))).unwrap();
        durable(&journal, 1).unwrap();
        storage.0.set(Mode::FailWrites(kind));
        assert_eq!(durable(&journal, 2), Err(AppendError::Unavailable));
        assert_eq!(relaxed(&journal, 3), Err(AppendError::Unavailable));
        assert!(!journal.status().low);
        storage.0.set(Mode::Works);
        until("it goes on", || durable(&journal, 4).is_ok());
        journal.close().unwrap();
        let numbers = numbers(dir.path());
        assert!(
            numbers.starts_with(&[1]) && numbers.ends_with(&[4]),
            "{numbers:?}"
        );
        verify(dir.path(), None).unwrap();
    }
}

#[test]
fn a_segment_deleted_between_two_runs_is_found_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), settings().segment_bytes(300)).unwrap();
    for n in 0..10 {
        durable(&journal, n).unwrap();
    }
    journal.close().unwrap();
    let mut segments: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .filter(|name| name.to_string_lossy().ends_with(".jsonl"))
        .collect();
    segments.sort();
    assert!(segments.len() > 3);
    let last = segments.len() - 1;
    for (position, name) in segments.iter().enumerate() {
        let partial = copy(dir.path());
        fs::remove_file(partial.path().join(name)).unwrap();
        assert!(verify(partial.path(), None).is_err());
        let error = refused(partial.path());
        if position == last {
            assert!(
                matches!(error, OpenError::SignedTailMissing { .. }),
                "{error:?}"
            );
        } else {
            assert!(
                matches!(error, OpenError::Damaged(Damage::SegmentMissing { .. })),
                "{error:?}"
            );
        }
    }
    let emptied = copy(dir.path());
    for name in &segments {
        fs::remove_file(emptied.path().join(name)).unwrap();
    }
    let error = refused(emptied.path());
    assert!(
        matches!(error, OpenError::SignedTailMissing { found: 0, .. }),
        "{error:?}"
    );
}

/// Whoever keeps the key or a checkpoint elsewhere sees that it is another journal; nothing in the new one says so.
#[test]
fn in_the_place_of_a_deleted_directory_another_journal_begins() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let (origin, key) = (journal.origin().to_owned(), *journal.verifier().key());
    journal.close().unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let journal = open(dir.path());
    assert_ne!(journal.origin(), origin);
    journal.close().unwrap();
    verify(dir.path(), None).unwrap();
    assert!(verify(dir.path(), Some(key)).is_err());
}
