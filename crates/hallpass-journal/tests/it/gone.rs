//! Files that are deleted, replaced or changed while the journal is open: nothing more is acknowledged.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hallpass_journal::verify::verify;
use hallpass_journal::{AppendError, Journal};

use crate::faulty::FaultyStorage;
use crate::fixture::{copy, durable, numbers, relaxed, segment, settings, until};

/// What somebody may do to the files of a journal.
type Change = fn(dir: &Path, aside: &Path);

const CHANGES: [(&str, Change); 8] = [
    ("the segment is deleted", |dir, aside| {
        fs::hard_link(segment(dir), aside.join("segment")).unwrap();
        fs::remove_file(segment(dir)).unwrap();
    }),
    ("the segment is replaced by a copy", |dir, aside| {
        fs::rename(segment(dir), aside.join("segment")).unwrap();
        fs::copy(aside.join("segment"), segment(dir)).unwrap();
    }),
    ("the segment is emptied", |dir, _| {
        fs::write(segment(dir), "").unwrap();
    }),
    ("the segment is written by somebody else", |dir, _| {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(segment(dir))
            .unwrap();
        file.write_all(b"{}\n").unwrap();
    }),
    ("the directory is renamed", |dir, aside| {
        fs::rename(dir, aside.join("dir")).unwrap();
    }),
    ("the directory is replaced by a copy", |dir, aside| {
        fs::rename(dir, aside.join("dir")).unwrap();
        fs::rename(copy(&aside.join("dir")).keep(), dir).unwrap();
    }),
    ("the directory is deleted", |dir, _| {
        fs::remove_dir_all(dir).unwrap();
    }),
    ("the lock is deleted", |dir, _| {
        fs::remove_file(dir.join("lock")).unwrap();
    }),
];

/// A journal in a directory that can be renamed, and a place beside it on the same device.
struct Opened {
    place: tempfile::TempDir,
    journal: Journal,
    storage: FaultyStorage,
}

impl Opened {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("aside")).unwrap();
        let storage = FaultyStorage::default();
        let settings = settings().storage(Arc::new(storage.clone()));
        let journal = Journal::open(&place.path().join("journal"), settings).unwrap();
        durable(&journal, 1).unwrap();
        Self {
            place,
            journal,
            storage,
        }
    }

    fn signed(self) -> Self {
        until("everything is signed", || self.journal.status().signed == 2);
        self
    }

    fn aside(&self) -> PathBuf {
        self.place.path().join("aside")
    }
}

/// One journal for each change, each of them made.
fn changed() -> Vec<(&'static str, Opened)> {
    let journals: Vec<_> = CHANGES.iter().map(|_| Opened::new()).collect();
    CHANGES
        .iter()
        .zip(journals)
        .map(|((what, change), opened)| {
            let opened = opened.signed();
            change(opened.journal.dir(), &opened.aside());
            (*what, opened)
        })
        .collect()
}

fn is_gone(journal: &Journal) -> bool {
    journal.status().broken == Some(AppendError::Gone)
}

#[test]
fn nothing_durable_is_acknowledged_in_files_that_are_not_the_journals() {
    for (what, Opened { journal, .. }) in &changed() {
        let answer = durable(journal, 2);
        assert!(
            matches!(answer, Err(AppendError::Uncertain | AppendError::Gone)),
            "{what}: {answer:?}"
        );
        until(what, || is_gone(journal));
        assert_eq!(durable(journal, 3), Err(AppendError::Gone), "{what}");
        assert_eq!(relaxed(journal, 4), Err(AppendError::Gone), "{what}");
        assert_eq!(journal.status().signed, 2, "{what}");
        assert_eq!(journal.close(), Err(AppendError::Gone), "{what}");
    }
}

#[test]
fn an_idle_journal_notices_by_itself() {
    for (what, Opened { journal, .. }) in &changed() {
        until(what, || is_gone(journal));
        assert_eq!(relaxed(journal, 2), Err(AppendError::Gone), "{what}");
    }
}

#[test]
fn what_takes_the_place_of_the_journal_is_left_alone() {
    let opened = Opened::new().signed();
    let (journal, aside) = (&opened.journal, opened.aside());
    let dir = journal.dir().to_owned();
    fs::rename(&dir, aside.join("dir")).unwrap();
    fs::create_dir(&dir).unwrap();
    fs::write(segment(&dir), "not ours").unwrap();
    assert!(durable(journal, 2).is_err());
    until("it is noticed", || is_gone(journal));
    assert!(journal.close().is_err());
    let left: Vec<_> = fs::read_dir(&dir)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, [segment(&dir).file_name().unwrap()]);
    assert_eq!(fs::read_to_string(segment(&dir)).unwrap(), "not ours");
    verify(&aside.join("dir"), None).unwrap();
}

#[test]
fn it_heals_only_when_the_very_files_are_back() {
    let opened = Opened::new().signed();
    let (journal, aside) = (&opened.journal, opened.aside().join("segment"));
    fs::rename(segment(journal.dir()), &aside).unwrap();
    let written = durable(journal, 2);
    assert_eq!(written, Err(AppendError::Uncertain));
    until("it is noticed", || is_gone(journal));
    fs::copy(&aside, segment(journal.dir())).unwrap();
    // A copy is not enough, however often it is tried.
    for _ in 0..3 {
        let looks = || opened.storage.0.looks.load(Ordering::SeqCst);
        let tried = looks();
        until("it is tried again", || looks() > tried + 3);
    }
    assert_eq!(durable(journal, 3), Err(AppendError::Gone));
    fs::rename(&aside, segment(journal.dir())).unwrap();
    until("the journal has healed", || {
        journal.status().broken.is_none()
    });
    durable(journal, 4).unwrap();
    journal.close().unwrap();
    assert_eq!(numbers(journal.dir()), [1, 2, 4]);
    assert_eq!(verify(journal.dir(), None).unwrap().unsigned(), 0);
}

#[test]
fn a_renamed_directory_that_comes_back_is_the_journal_again() {
    let opened = Opened::new().signed();
    let (journal, aside) = (&opened.journal, opened.aside().join("dir"));
    fs::rename(journal.dir(), &aside).unwrap();
    until("it is noticed", || is_gone(journal));
    fs::rename(&aside, journal.dir()).unwrap();
    until("the journal has healed", || {
        journal.status().broken.is_none()
    });
    durable(journal, 2).unwrap();
    journal.close().unwrap();
    verify(journal.dir(), None).unwrap();
}

#[test]
fn a_checkpoint_that_is_deleted_or_replaced_is_written_again() {
    let opened = Opened::new().signed();
    let journal = &opened.journal;
    let checkpoint = journal.dir().join("checkpoint");
    let signed = fs::read(&checkpoint).unwrap();
    fs::remove_file(&checkpoint).unwrap();
    until("it is there again", || {
        fs::read(&checkpoint).is_ok_and(|b| b == signed)
    });
    fs::write(&checkpoint, "something else").unwrap();
    until("it is there again", || {
        fs::read(&checkpoint).is_ok_and(|b| b == signed)
    });
    assert_eq!(journal.status().broken, None);
    journal.close().unwrap();
    verify(journal.dir(), None).unwrap();
}

#[test]
fn a_checkpoint_with_a_witnesss_signature_under_it_is_left_alone() {
    let opened = Opened::new().signed();
    let journal = &opened.journal;
    let checkpoint = journal.dir().join("checkpoint");
    let mut cosigned = fs::read_to_string(&checkpoint).unwrap();
    cosigned.push_str("\u{2014} witness.example AAAAAAAA\n");
    fs::write(opened.aside().join("cosigned"), &cosigned).unwrap();
    fs::rename(opened.aside().join("cosigned"), &checkpoint).unwrap();
    let looks = || opened.storage.0.looks.load(Ordering::SeqCst);
    let before = looks();
    until("it was looked at", || looks() > before + 8);
    assert_eq!(fs::read_to_string(&checkpoint).unwrap(), cosigned);
    verify(journal.dir(), None).unwrap();
}

#[test]
fn a_segment_cut_between_two_writes_of_a_busy_journal_is_noticed() {
    for cut in [0, 1, 2] {
        let opened = Opened::new();
        let journal = &opened.journal;
        relaxed(journal, 0).unwrap();
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let _ = relaxed(journal, 1);
                }
            });
            until("there is something to cut", || {
                journal.status().written > 100
            });
            let file = fs::OpenOptions::new()
                .write(true)
                .open(segment(journal.dir()))
                .unwrap();
            // As a log rotation does that copies and empties, and others that are less thorough.
            let bytes = file.metadata().unwrap().len();
            file.set_len(bytes * cut / 2 - u64::from(cut == 2)).unwrap();
            until("it is noticed", || {
                journal.status().broken == Some(AppendError::Gone)
            });
            stop.store(true, Ordering::SeqCst);
        });
        assert_eq!(durable(journal, 2), Err(AppendError::Gone));
        // What was cut of the rest may not have been signed yet.
        assert!(verify(journal.dir(), None).is_err() || cut > 0);
    }
}
