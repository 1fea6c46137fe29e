//! Keys of sensitive digests: one a segment, erased without touching a record.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use hallpass_journal::verify::verify;
use hallpass_journal::{
    AppendError, Decided, Durability, Event, FileId, IdentityError, Journal, OpenError, OsStorage,
    SensitiveKey, Storage, StoredFile,
};
use hallpass_vocabulary::{Audience, Pointer};

use crate::fixture::{
    PATIENCE, all, copy, crashed, decision, environment, event, kinds, request, settings,
};

/// A new segment after every record.
fn open(dir: &Path) -> Journal {
    Journal::open(dir, settings().segment_bytes(1)).unwrap()
}

fn pointer() -> Pointer {
    "/iban".parse().unwrap()
}

/// Records a call with a sensitive argument; the number of its key.
fn sensitive(journal: &Journal, n: u64) -> u64 {
    let audience = Audience::new("tickets").unwrap();
    let mut decided = Decided::allow(decision(n), request(), environment(), audience);
    let key = journal.sensitive_key();
    decided.record_sensitive_arg(&key, &pointer(), br#""DE02""#);
    let event = Event::Decided(Box::new(decided));
    let append = journal.append(&event, Durability::Durable);
    let recorded = append.wait(PATIENCE).unwrap();
    assert!(key.number() <= recorded.index().unwrap());
    key.number()
}

/// The numbers of the keys in a directory.
fn keys(dir: &Path) -> Vec<u64> {
    let mut numbers: Vec<u64> = fs::read_dir(dir)
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".key")?.parse().ok()
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

fn key_path(dir: &Path, number: u64) -> std::path::PathBuf {
    dir.join(format!("{number:020}.key"))
}

/// The segments of a directory, by name and content.
fn segments(dir: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().extension().is_some_and(|it| it == "jsonl"))
        .map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap()))
        .collect();
    found.sort();
    found
}

#[test]
fn every_segment_has_a_private_key_that_is_there_before_its_records() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    for n in 1..=4 {
        sensitive(&journal, n);
    }
    journal.close().unwrap();
    assert_eq!(keys(dir.path()), [0, 1, 2, 3, 4, 5]);
    for number in keys(dir.path()) {
        let metadata = fs::metadata(key_path(dir.path(), number)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }
    let contents: std::collections::BTreeSet<_> = keys(dir.path())
        .into_iter()
        .map(|number| fs::read(key_path(dir.path(), number)).unwrap())
        .collect();
    assert_eq!(contents.len(), 6);
    // What stands in a record can be compared by whoever has the key it names.
    let mut compared = 0;
    for record in all(dir.path()) {
        let Ok(Event::Decided(decided)) = record.event() else {
            continue;
        };
        let number = decided.sensitive_key.unwrap();
        let key = SensitiveKey::read(dir.path(), number).unwrap().unwrap();
        let digest = key.digest(decided.decision, &pointer(), br#""DE02""#);
        assert_eq!(decided.sensitive_args[&pointer()], digest);
        compared += 1;
    }
    assert_eq!(compared, 4);
}

#[test]
fn a_key_that_cannot_be_made_fails_appends_until_it_can_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    sensitive(&journal, 1);
    // Where the next key is to be written stands something that cannot be replaced.
    let in_the_way = dir.path().join("00000000000000000002.key.tmp");
    fs::create_dir(&in_the_way).unwrap();
    let refused = journal.append(&event(2), Durability::Durable);
    assert_eq!(refused.wait(PATIENCE), Err(AppendError::Unavailable));
    assert_eq!(journal.sensitive_key().number(), 1);
    fs::remove_dir(&in_the_way).unwrap();
    // Whichever is written first, this one or the record of what was not recorded, has the next key made.
    assert!(sensitive(&journal, 3) <= 2);
    assert!(journal.sensitive_key().number() >= 2);
    journal.close().unwrap();
    assert_eq!(verify(dir.path(), None).unwrap().records, 5);
}

#[test]
fn a_start_goes_on_with_the_newest_key_and_makes_one_where_it_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let one = Journal::open(dir.path(), settings()).unwrap();
    assert_eq!(sensitive(&one, 1), 0);
    let first = fs::read(key_path(dir.path(), 0)).unwrap();
    one.close().unwrap();
    let two = Journal::open(dir.path(), settings()).unwrap();
    assert_eq!(sensitive(&two, 2), 0);
    two.close().unwrap();
    assert_eq!(fs::read(key_path(dir.path(), 0)).unwrap(), first);
    fs::remove_file(key_path(dir.path(), 0)).unwrap();
    let size = verify(dir.path(), None).unwrap().records;
    let three = Journal::open(dir.path(), settings()).unwrap();
    assert_eq!(sensitive(&three, 3), size);
    three.close().unwrap();
    assert_eq!(keys(dir.path()), [size]);
    verify(dir.path(), None).unwrap();
}

#[test]
fn a_key_from_a_later_journal_than_the_directory_holds_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    fs::copy(key_path(dir.path(), 0), key_path(dir.path(), 1000)).unwrap();
    let journal = open(dir.path());
    assert!(sensitive(&journal, 1) < 1000);
    journal.close().unwrap();
}

#[test]
fn a_key_that_is_no_private_file_of_digits_stops_the_start() {
    for (content, mode) in [
        ("short\n", 0o600),
        (&*format!("{}\n", "0".repeat(64)), 0o644),
    ] {
        let dir = tempfile::tempdir().unwrap();
        Journal::open(dir.path(), settings())
            .unwrap()
            .close()
            .unwrap();
        let path = key_path(dir.path(), 0);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let refused = Journal::open(dir.path(), settings()).unwrap_err();
        let OpenError::Identity(IdentityError::DigestKey { path: named }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(named, path);
        assert!(SensitiveKey::read(dir.path(), 0).is_err());
    }
}

#[test]
fn erasing_removes_the_keys_of_whole_segments_and_changes_no_record() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    for n in 1..=6 {
        sensitive(&journal, n);
    }
    let before = segments(dir.path());
    assert_eq!(keys(dir.path()), [0, 1, 2, 3, 4, 5, 6]);
    let erased = journal.erase_sensitive(4, PATIENCE).unwrap().unwrap();
    assert_eq!((erased.below, erased.keys), (4, 4));
    assert_eq!(keys(dir.path()), [4, 5, 6, 7]);
    assert!(!dir.path().join("erasing").exists());
    assert!(SensitiveKey::read(dir.path(), 3).unwrap().is_none());
    // Again, there is nothing to do and nothing to say.
    assert_eq!(journal.erase_sensitive(4, PATIENCE).unwrap(), None);
    journal.close().unwrap();
    // A closed journal may be another writer's: nothing in it is touched.
    let closed = keys(dir.path());
    journal.erase_sensitive(6, PATIENCE).unwrap_err();
    assert_eq!(keys(dir.path()), closed);
    assert!(segments(dir.path()).starts_with(&before));
    let records = all(dir.path());
    let last = &records[records.len() - 2];
    assert_eq!(last.kind(), "keys_erased");
    assert_eq!(last.json()["below"], 4);
    let report = verify(dir.path(), None).unwrap();
    assert_eq!(report.records, report.signed);
}

#[test]
fn the_key_in_use_is_never_erased_and_a_segment_in_the_middle_is_kept_whole() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), settings().segment_bytes(2_000)).unwrap();
    for n in 1..=20 {
        sensitive(&journal, n);
    }
    let numbers = keys(dir.path());
    assert!(numbers.len() > 3, "{numbers:?}");
    let erased = journal.erase_sensitive(numbers[2] + 1, PATIENCE).unwrap();
    assert_eq!(erased.unwrap().below, numbers[2]);
    let everything = journal
        .erase_sensitive(u64::MAX, PATIENCE)
        .unwrap()
        .unwrap();
    let in_use = *numbers.last().unwrap();
    assert_eq!(everything.below, in_use);
    assert!(keys(dir.path()).contains(&in_use));
    assert_eq!(sensitive(&journal, 21), journal.sensitive_key().number());
    journal.close().unwrap();
    Journal::open(dir.path(), settings())
        .unwrap()
        .close()
        .unwrap();
    verify(dir.path(), None).unwrap();
}

#[test]
fn an_erasure_that_a_crash_interrupted_is_finished_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    for n in 1..=6 {
        sensitive(&journal, n);
    }
    let in_use = journal.sensitive_key().number();
    // Marked, and nothing else; some of the files gone; a mark further than it can have been.
    for (mark, gone, below) in [("4\n", 0, 4), ("4\n", 2, 4), ("999\n", 0, in_use)] {
        let crashed = crashed(&journal);
        fs::write(crashed.path().join("erasing"), mark).unwrap();
        for number in 0..gone {
            fs::remove_file(key_path(crashed.path(), number)).unwrap();
        }
        let again = Journal::open(crashed.path(), settings()).unwrap();
        again.close().unwrap();
        assert!(keys(crashed.path()).iter().all(|number| *number >= below));
        assert!(keys(crashed.path()).contains(&in_use));
        assert!(!crashed.path().join("erasing").exists());
        let kinds = kinds(crashed.path());
        assert_eq!(
            kinds.iter().filter(|kind| *kind == "keys_erased").count(),
            1
        );
        verify(crashed.path(), None).unwrap();
        // Once is enough.
        let settled = copy(crashed.path());
        Journal::open(settled.path(), settings())
            .unwrap()
            .close()
            .unwrap();
        assert_eq!(
            all(settled.path())
                .iter()
                .filter(|record| record.kind() == "keys_erased")
                .count(),
            1
        );
    }
}

/// Fails one operation on the files of an erasure: the one of this number, from 0.
#[derive(Debug, Clone, Default)]
struct FailsOnce {
    until: Arc<AtomicI64>,
}

impl FailsOnce {
    fn on(&self, path: &Path) -> io::Result<()> {
        let name = path.file_name().unwrap().to_string_lossy();
        let counts =
            name.starts_with("erasing") || name.starts_with("0000") && name.contains(".key");
        if counts && self.until.fetch_sub(1, Ordering::SeqCst) == 0 {
            return Err(io::Error::other("injected"));
        }
        Ok(())
    }
}

impl Storage for FailsOnce {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        OsStorage.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        OsStorage.sync_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        OsStorage.list(dir)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        self.on(path)?;
        OsStorage.open(path)
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        self.on(path)?;
        OsStorage.create_new(path)
    }

    fn inspect(&self, path: &Path) -> io::Result<FileId> {
        OsStorage.inspect(path)
    }

    fn reader(&self, path: &Path) -> io::Result<Box<dyn io::Read>> {
        OsStorage.reader(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.on(to)?;
        OsStorage.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.on(path)?;
        OsStorage.remove(path)
    }
}

#[test]
fn an_erasure_that_fails_anywhere_has_not_begun_or_is_finished_by_the_next_start() {
    let (mut begun, mut not_begun) = (0, 0);
    for fails_at in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let faults = FailsOnce::default();
        faults.until.store(-1, Ordering::SeqCst);
        let settings = settings()
            .segment_bytes(1)
            .storage(Arc::new(faults.clone()));
        let journal = Journal::open(dir.path(), settings).unwrap();
        for n in 1..=5 {
            sensitive(&journal, n);
        }
        faults.until.store(fails_at, Ordering::SeqCst);
        let erased = journal.erase_sensitive(3, PATIENCE);
        if faults.until.load(Ordering::SeqCst) >= 0 {
            // Nothing is left that could fail.
            erased.unwrap();
            break;
        }
        // One operation may fail without harm: the removal of what is not there.
        let crashed = crashed(&journal);
        let on_record = kinds(crashed.path()).contains(&"keys_erased".to_owned());
        let marked = crashed.path().join("erasing").exists();
        let again = Journal::open(crashed.path(), crate::fixture::settings()).unwrap();
        again.close().unwrap();
        verify(crashed.path(), None).unwrap();
        assert!(!crashed.path().join("erasing").exists());
        if on_record || marked {
            begun += 1;
            assert!(
                keys(crashed.path()).iter().all(|number| *number >= 3),
                "{fails_at}"
            );
            assert!(kinds(crashed.path()).contains(&"keys_erased".to_owned()));
        } else {
            not_begun += 1;
            erased.unwrap_err();
            assert!(
                keys(crashed.path()).starts_with(&[0, 1, 2, 3]),
                "{fails_at}"
            );
        }
    }
    assert!(begun >= 6 && not_begun >= 2, "{begun} {not_begun}");
}
