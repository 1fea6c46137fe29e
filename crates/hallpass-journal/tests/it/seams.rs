//! Where pruning, snapshots, closing and deletion meet.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Instant;

use hallpass_journal::verify::verify;
use hallpass_journal::{
    Append, AppendError, Durability, EraseError, Journal, OpenError, PruneError, RefusalRecord,
};
use hallpass_vocabulary::DenialCode;

use crate::faulty::FaultyStorage;
use crate::fixture::{
    PATIENCE, copy, denied, durable, event, kinds, open, segment, settings, until,
};
use crate::pruning::{Month, segments};

/// Every file of a directory.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn a_file_of_a_pruning_that_was_not_removes_nothing_whatever_the_snapshot_says() {
    let month = Month::new();
    let pruned = copy(month.dir.path());
    month.prune(10);
    let other = fs::read(month.dir.path().join("pruned")).unwrap();
    let hash = "Eae+UAKf7MSKqwD1nynUoBoxjbv7UH/SGxeZW7rf0QM=";
    let line = |below: u64| {
        let text = format!(
            "{{\"format\":\"hallpass-pruned/1\",\"below\":{below},\"hashes\":[\"{hash}\"]}}\n"
        );
        text.into_bytes()
    };
    // Of another journal, in the middle, and beyond everything there is.
    for planted in [other, line(16), line(1 << 40), line(1 << 63)] {
        let dir = copy(pruned.path());
        fs::write(dir.path().join("pruned"), planted).unwrap();
        let before = segments(dir.path()).len();
        let opened = Journal::open(dir.path(), month.settings());
        assert!(matches!(opened, Err(OpenError::Damaged(_))), "{opened:?}");
        assert_eq!(segments(dir.path()).len(), before);
        fs::remove_file(dir.path().join("pruned")).unwrap();
        verify(dir.path(), None).unwrap();
    }
}

/// A pruning that is on record and was not carried out, because no snapshot could be written.
fn recorded_only(journal: &Journal, month: &Month) {
    let in_the_way = journal.dir().join("snapshot.tmp");
    fs::create_dir(&in_the_way).unwrap();
    let pruned = journal.prune(month.days_ago(10));
    assert!(
        matches!(pruned, Err(PruneError::NotCarriedOut)),
        "{pruned:?}"
    );
    fs::remove_dir(&in_the_way).unwrap();
}

#[test]
fn a_directory_that_took_the_place_of_the_journal_is_neither_signed_nor_pruned() {
    let month = Month::new();
    let place = tempfile::tempdir().unwrap();
    let (dir, aside) = (place.path().join("journal"), place.path().join("aside"));
    fs::rename(copy(month.dir.path()).keep(), &dir).unwrap();
    let journal = Journal::open(&dir, month.settings()).unwrap();
    recorded_only(&journal, &month);
    fs::rename(&dir, &aside).unwrap();
    fs::rename(copy(month.dir.path()).keep(), &dir).unwrap();
    let theirs = files(&dir);
    // Whether or not it was noticed by now.
    let pruned = journal.prune(month.days_ago(10));
    assert!(
        matches!(pruned, Err(PruneError::NotCarriedOut)),
        "{pruned:?}"
    );
    until("it is noticed", || {
        journal.status().broken == Some(AppendError::Gone)
    });
    assert!(journal.prune(month.days_ago(10)).is_err());
    assert!(journal.close().is_err());
    assert_eq!(files(&dir), theirs);
    verify(&aside, None).unwrap();
}

#[test]
fn a_pruning_that_nobody_will_carry_out_any_more_is_answered_at_once() {
    let month = Month::new();
    let journal = month.open();
    recorded_only(&journal, &month);
    journal.close().unwrap();
    let asked = Instant::now();
    let pruned = journal.prune(month.days_ago(10));
    assert!(
        matches!(pruned, Err(PruneError::NotCarriedOut)),
        "{pruned:?}"
    );
    assert!(asked.elapsed() < PATIENCE);
    // The next start does it.
    month.open().close().unwrap();
    assert!(month.dir.path().join("pruned").exists());
    verify(month.dir.path(), None).unwrap();
}

/// Holds the last handle of a journal, as a task holds what it works with, and lets go of it when it is woken.
struct Task {
    journal: Mutex<Option<Journal>>,
    woken: AtomicBool,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        drop(self.journal.lock().unwrap().take());
        self.woken.store(true, Ordering::SeqCst);
    }
}

#[test]
fn the_thread_of_a_journal_may_drop_its_last_handle() {
    let dir = tempfile::tempdir().unwrap();
    let storage = FaultyStorage::default();
    let journal = Journal::open(dir.path(), settings().storage(Arc::new(storage.clone()))).unwrap();
    storage.0.hold_syncs();
    let mut append: Append = journal.append(&event(1), Durability::Durable);
    let task = Arc::new(Task {
        journal: Mutex::new(Some(journal)),
        woken: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&task));
    let polled = Pin::new(&mut append).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    storage.0.release_syncs();
    until("it is woken", || task.woken.load(Ordering::SeqCst));
    append.wait(PATIENCE).unwrap();
    // It goes on to the end: everything is written and signed, and the directory is free.
    let reopened = || match Journal::open(dir.path(), settings()) {
        Ok(journal) => Some(journal),
        Err(OpenError::Locked { .. }) => None,
        Err(error) => panic!("{error:?}"),
    };
    let mut journal = None;
    until("the directory is free", || {
        journal = reopened();
        journal.is_some()
    });
    assert_eq!(kinds(dir.path())[..3], ["opened", "abandoned", "closed"]);
    drop(journal);
}

#[test]
fn no_count_of_refusals_follows_the_end() {
    for _ in 0..50 {
        let dir = tempfile::tempdir().unwrap();
        let journal = open(dir.path());
        let (other, stop) = (journal.clone(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let refusing = std::thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                let _ = other.refuse(denied(1, DenialCode::SignatureInvalid));
            }
        });
        durable(&journal, 1).unwrap();
        until("some are counted", || {
            journal.refuse(denied(2, DenialCode::SignatureInvalid)) == RefusalRecord::Counted
        });
        journal.close().unwrap();
        stop.store(true, Ordering::SeqCst);
        refusing.join().unwrap();
        let kinds = kinds(dir.path());
        assert_eq!(kinds.last().unwrap(), "closed");
        assert!(kinds.iter().any(|kind| kind == "refused"));
    }
}

#[test]
fn what_pruned_refusals_took_of_their_share_others_have() {
    const BUDGET: u64 = 200_000;
    let month = Month::new();
    let opened = || {
        let settings = month.settings().disk_budget_bytes(BUDGET);
        Journal::open(month.dir.path(), settings).unwrap()
    };
    let singles = |journal: &Journal| {
        let refuse = |n| journal.refuse(denied(n, DenialCode::SignatureInvalid));
        let mut singles = 0;
        for n in 0..100 {
            month.advance_ms(1_000);
            let single = refuse(n) == RefusalRecord::Single;
            singles += u64::from(single);
        }
        singles
    };
    let journal = opened();
    let first = singles(&journal);
    assert!((5..100).contains(&first), "{first}");
    assert_eq!(singles(&journal), 0);
    journal.close().unwrap();
    month.advance_ms(100 * 24 * 60 * 60 * 1_000);
    let journal = opened();
    for n in 0..20 {
        durable(&journal, n).unwrap();
    }
    assert_eq!(singles(&journal), 0);
    journal.prune(month.days_ago(10)).unwrap().unwrap();
    assert_eq!(singles(&journal), first);
    journal.close().unwrap();
    // And at the next start, by the snapshot and without.
    for snapshot in [true, false] {
        let dir = copy(month.dir.path());
        if !snapshot {
            fs::remove_file(dir.path().join("snapshot")).unwrap();
        }
        let settings = month.settings().disk_budget_bytes(2 * BUDGET);
        let journal = Journal::open(dir.path(), settings).unwrap();
        assert_eq!(journal.started().snapshot.is_some(), snapshot);
        let more = singles(&journal);
        assert!(more > 0, "{more}");
        journal.close().unwrap();
    }
}

#[test]
fn nothing_is_written_through_a_link_and_no_pipe_is_waited_for() {
    let elsewhere = tempfile::tempdir().unwrap();
    let precious = elsewhere.path().join("precious");
    fs::write(&precious, "x".repeat(1_000)).unwrap();
    let link = |name: &str, dir: &Path| {
        let _ = fs::remove_file(dir.join(name));
        std::os::unix::fs::symlink(&precious, dir.join(name)).unwrap();
    };
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    // The reserve is done without; a segment is not.
    link("reserve", dir.path());
    let journal = Journal::open(dir.path(), settings().reserve_bytes(10_000)).unwrap();
    durable(&journal, 1).unwrap();
    journal.close().unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(dir.path().join("pipe"))
        .status();
    assert!(made.unwrap().success());
    fs::rename(dir.path().join("pipe"), dir.path().join("reserve")).unwrap();
    let journal = Journal::open(dir.path(), settings().reserve_bytes(10_000)).unwrap();
    durable(&journal, 2).unwrap();
    journal.close().unwrap();
    fs::rename(segment(dir.path()), elsewhere.path().join("segment")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("segment"), segment(dir.path())).unwrap();
    let opened = Journal::open(dir.path(), settings());
    assert!(matches!(opened, Err(OpenError::Io { .. })), "{opened:?}");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "x".repeat(1_000));
}

#[test]
fn keys_that_a_pruning_removes_meanwhile_are_erased_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let storage = FaultyStorage::default();
    let several = settings()
        .segment_bytes(1)
        .storage(Arc::new(storage.clone()));
    let journal = Journal::open(dir.path(), several).unwrap();
    for n in 0..4 {
        durable(&journal, n).unwrap();
    }
    storage.0.keys_vanish.store(true, Ordering::SeqCst);
    let erased = journal.erase_sensitive(3, PATIENCE).unwrap().unwrap();
    assert_eq!(erased.below, 3);
    assert!(!dir.path().join("erasing").exists());
    assert!(!dir.path().join("00000000000000000000.key").exists());
    journal.close().unwrap();
}

#[test]
fn nothing_is_erased_in_a_directory_that_took_the_place_of_the_journal() {
    let place = tempfile::tempdir().unwrap();
    let (dir, aside) = (place.path().join("journal"), place.path().join("aside"));
    let journal = Journal::open(&dir, settings().segment_bytes(1)).unwrap();
    for n in 0..4 {
        durable(&journal, n).unwrap();
    }
    let theirs = copy(&dir).keep();
    fs::rename(&dir, &aside).unwrap();
    fs::rename(&theirs, &dir).unwrap();
    let theirs = files(&dir);
    let erased = journal.erase_sensitive(3, PATIENCE);
    assert!(
        matches!(erased, Err(EraseError::Append(AppendError::Gone))),
        "{erased:?}"
    );
    assert_eq!(files(&dir), theirs);
    assert!(journal.close().is_err());
    assert_eq!(files(&dir), theirs);
}

#[test]
fn a_second_pruning_that_was_interrupted_before_its_file_is_finished_at_the_next_start() {
    let month = Month::new();
    month.prune(20);
    let once = copy(month.dir.path());
    let again = month.prune(10);
    let interrupted = copy(month.dir.path());
    for path in segments(once.path()) {
        let name = path.file_name().unwrap();
        if !interrupted.path().join(name).exists() {
            fs::copy(&path, interrupted.path().join(name)).unwrap();
        }
    }
    fs::copy(
        once.path().join("pruned"),
        interrupted.path().join("pruned"),
    )
    .unwrap();
    verify(interrupted.path(), None).unwrap();
    let journal = Journal::open(interrupted.path(), month.settings()).unwrap();
    journal.close().unwrap();
    let report = verify(interrupted.path(), None).unwrap();
    assert_eq!(report.pruned_below, Some(again.record.below));
    assert_eq!(
        segments(interrupted.path()).len(),
        segments(month.dir.path()).len()
    );
}
