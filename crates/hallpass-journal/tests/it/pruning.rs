//! Old records go, and what is left verifies: whatever was interrupted, and not when somebody cut it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hallpass_journal::proof::{ProveError, Signer, prove};
use hallpass_journal::read::records;
use hallpass_journal::verify::{Verification, VerifyError, verify};
use hallpass_journal::{
    Damage, Decided, Durability, Event, Journal, KEEP_MIN, Old, OpenError, Prunable, PruneError,
    Settings, prunable,
};
use hallpass_vocabulary::{Audience, Clock as _};

use crate::fixture::{
    PATIENCE, TestClock, all, copy, decision, durable, environment, request, settings_with, until,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A journal of a month: one decision a day, several segments.
pub struct Month {
    pub dir: tempfile::TempDir,
    clock: Arc<TestClock>,
}

impl Month {
    pub fn new() -> Self {
        let month = Self {
            dir: tempfile::tempdir().unwrap(),
            clock: TestClock::new(),
        };
        let journal = month.open();
        for n in 0..30 {
            decide(&journal, n);
            month.clock.advance_ms(DAY_MS);
        }
        journal.close().unwrap();
        month
    }

    pub fn settings(&self) -> Settings {
        settings_with(Arc::clone(&self.clock)).segment_bytes(1_000)
    }

    pub fn open(&self) -> Journal {
        Journal::open(self.dir.path(), self.settings()).unwrap()
    }

    pub fn advance_ms(&self, ms: i64) {
        self.clock.advance_ms(ms);
    }

    pub fn days_ago(&self, days: i64) -> Old {
        let now = self.clock.now().unix_ms();
        Old::Before(hallpass_vocabulary::Timestamp::from_unix_ms(
            now - days * DAY_MS,
        ))
    }

    pub fn prune(&self, days: i64) -> Prunable {
        let journal = self.open();
        let pruned = journal.prune(self.days_ago(days)).unwrap().unwrap();
        journal.close().unwrap();
        pruned
    }
}

fn decide(journal: &Journal, n: u64) {
    let audience = Audience::new("tickets").unwrap();
    let decided = Decided::allow(decision(n), request(), environment(), audience);
    journal
        .append(&Event::Decided(Box::new(decided)), Durability::Durable)
        .wait(PATIENCE)
        .unwrap();
}

pub fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn old_segments_go_and_the_rest_verifies_reads_and_is_written_on() {
    let month = Month::new();
    let dir = month.dir.path();
    let before = all(dir);
    let planned = prunable(dir, month.days_ago(10), month.clock.now()).unwrap();
    assert_eq!(all(dir), before);
    let pruned = month.prune(10);
    assert_eq!(Some(pruned.clone()), planned);
    let below = pruned.record.below;
    assert_eq!(
        (pruned.records, pruned.record.created),
        (below, before[0].time())
    );
    let first = usize::try_from(below).unwrap();
    assert_eq!(pruned.record.last, before[first - 1].time());
    let now = all(dir);
    assert_eq!(now[..before.len() - first], before[first..]);
    let report = verify(dir, None).unwrap();
    assert_eq!(report.pruned_below, Some(below));
    assert_eq!(report.records, below + now.len() as u64);
    // A second pruning, and starts with and without a snapshot.
    month.clock.advance_ms(10 * DAY_MS);
    let again = month.prune(10);
    assert!(again.record.below > below);
    assert_eq!(again.record.created, before[0].time());
    assert_eq!(again.records, again.record.below - below);
    fs::remove_file(dir.join("snapshot")).unwrap();
    let journal = month.open();
    assert_eq!(journal.started().snapshot, None);
    decide(&journal, 100);
    journal.close().unwrap();
    let report = verify(dir, None).unwrap();
    assert_eq!(report.pruned_below, Some(again.record.below));
    assert_eq!(report.unsigned(), 0);
}

#[test]
fn what_is_young_unsigned_or_not_acknowledged_stays() {
    let month = Month::new();
    let dir = month.dir.path();
    let last = segments(dir).pop().unwrap();
    let journal = Journal::open(dir, month.settings().prune_acknowledged_only()).unwrap();
    assert_eq!(journal.prune(month.days_ago(0)).unwrap(), None);
    journal.acknowledge(9);
    let pruned = journal.prune(month.days_ago(0)).unwrap().unwrap();
    assert!(pruned.record.below <= 10, "{pruned:?}");
    journal.acknowledge(u64::MAX);
    let pruned = journal.prune(Old::Below(u64::MAX)).unwrap().unwrap();
    let youngest = month.clock.now().unix_ms() - i64::try_from(KEEP_MIN.as_millis()).unwrap();
    assert!(pruned.record.last.unix_ms() < youngest);
    assert_eq!(journal.prune(Old::Below(u64::MAX)).unwrap(), None);
    assert!(segments(dir).contains(&last));
    month.clock.advance_ms(1_000 * DAY_MS);
    let pruned = journal.prune(month.days_ago(0)).unwrap().unwrap();
    assert_eq!(
        segments(dir).first().unwrap(),
        &dir.join(format!("{:020}.jsonl", pruned.record.below))
    );
    assert!(!segments(dir).is_empty());
    journal.close().unwrap();
    verify(dir, None).unwrap();
}

#[test]
fn a_proof_of_what_is_left_is_one_and_of_what_is_gone_there_is_none() {
    let month = Month::new();
    let dir = month.dir.path();
    let key = fs::read_to_string(dir.join("journal.vkey")).unwrap();
    let signer = Signer::Journal(key.trim_end().parse().unwrap());
    let earlier = prove(dir, decision(29)).unwrap().proof;
    month.prune(10);
    for n in 25..30 {
        let proved = prove(dir, decision(n)).unwrap();
        proved.proof.verify(&signer).unwrap();
    }
    earlier.verify(&signer).unwrap();
    assert!(matches!(
        prove(dir, decision(1)),
        Err(ProveError::UnknownOrPruned { .. })
    ));
}

#[test]
fn an_interrupted_pruning_verifies_at_every_step_and_is_finished_at_the_next_start() {
    let month = Month::new();
    let whole = copy(month.dir.path());
    let pruned = month.prune(10);
    let done = month.dir.path();
    let gone: Vec<_> = segments(whole.path())
        .into_iter()
        .filter(|path| !done.join(path.file_name().unwrap()).exists())
        .collect();
    assert!(gone.len() > 2);
    // Lowest first, so what is left of them is always the end. With all of them, also without the file.
    for (left, file) in [(gone.len(), false)]
        .into_iter()
        .chain((0..=gone.len()).map(|n| (n, true)))
    {
        let interrupted = copy(done);
        for path in &gone[gone.len() - left..] {
            fs::copy(path, interrupted.path().join(path.file_name().unwrap())).unwrap();
        }
        if !file {
            fs::remove_file(interrupted.path().join("pruned")).unwrap();
        }
        let report = verify(interrupted.path(), None).unwrap();
        assert_eq!(report.pruned_below.is_some(), file);
        for with_snapshot in [true, false] {
            let start = copy(interrupted.path());
            if !with_snapshot {
                fs::remove_file(start.path().join("snapshot")).unwrap();
            }
            Journal::open(start.path(), month.settings())
                .unwrap()
                .close()
                .unwrap();
            let report = verify(start.path(), None).unwrap();
            assert_eq!(report.pruned_below, Some(pruned.record.below));
            let lowest = segments(start.path()).remove(0);
            assert_eq!(lowest.file_name(), segments(done)[0].file_name());
            let first = records(start.path()).unwrap().next().unwrap().unwrap();
            assert_eq!(first.index(), pruned.record.below);
        }
    }
}

#[test]
fn a_journal_that_somebody_cut_is_damaged() {
    let month = Month::new();
    let original = copy(month.dir.path());
    let pruned = month.prune(10);
    let pruned_file = fs::read_to_string(month.dir.path().join("pruned")).unwrap();
    let damage = |dir: &Path| match verify(dir, None) {
        Err(VerifyError::Damaged(damage)) => damage,
        other => panic!("{other:?}"),
    };
    let refused = |dir: &Path| {
        let _ = fs::remove_file(dir.join("snapshot"));
        let opened = Journal::open(dir, month.settings());
        assert!(matches!(opened, Err(OpenError::Damaged(_))));
    };
    // The file of a pruning that is on no record here.
    let cut = copy(original.path());
    fs::write(cut.path().join("pruned"), &pruned_file).unwrap();
    assert!(matches!(
        damage(cut.path()),
        Damage::PruningNotRecorded { below } if below == pruned.record.below
    ));
    refused(cut.path());
    // More removed than is on record; and the record's own segment gone.
    let more = copy(month.dir.path());
    fs::remove_file(&segments(more.path())[0]).unwrap();
    assert!(matches!(damage(more.path()), Damage::SegmentMissing { .. }));
    refused(more.path());
    // No file, nonsense, and another frontier.
    let without = copy(month.dir.path());
    fs::remove_file(without.path().join("pruned")).unwrap();
    assert!(matches!(
        damage(without.path()),
        Damage::SegmentMissing { expected: 0, .. }
    ));
    refused(without.path());
    for bad in [
        String::new(),
        "{}\n".to_owned(),
        pruned_file.trim_end().to_owned(),
        pruned_file.replace("/1", "/2"),
        pruned_file.replace("\"]", "\",\"AAAA\"]"),
    ] {
        let nonsense = copy(month.dir.path());
        fs::write(nonsense.path().join("pruned"), bad).unwrap();
        assert!(matches!(damage(nonsense.path()), Damage::PrunedFile));
        refused(nonsense.path());
    }
    let mut json: serde_json::Value = serde_json::from_str(&pruned_file).unwrap();
    json["hashes"][0] = "Eae+UAKf7MSKqwD1nynUoBoxjbv7UH/SGxeZW7rf0QM=".into();
    let frontier = copy(month.dir.path());
    fs::write(frontier.path().join("pruned"), format!("{json}\n")).unwrap();
    assert!(matches!(
        damage(frontier.path()),
        Damage::RootMismatch { .. } | Damage::PruningNotRecorded { .. }
    ));
    refused(frontier.path());
}

#[test]
fn a_damaged_journal_is_not_pruned() {
    let month = Month::new();
    let dir = month.dir.path();
    let first = &segments(dir)[0];
    let text = fs::read_to_string(first).unwrap();
    fs::write(first, text.replacen("allow", "alloy", 1)).unwrap();
    // With its snapshot it opens all the same.
    let journal = month.open();
    assert!(matches!(
        journal.prune(month.days_ago(10)),
        Err(PruneError::Damaged(Damage::RootMismatch { .. }))
    ));
    journal.close().unwrap();
    assert!(first.exists());
}

#[test]
fn a_journal_that_keeps_for_a_time_prunes_by_itself() {
    let month = Month::new();
    let before = segments(month.dir.path()).len();
    let keep = Duration::from_secs(10 * 24 * 60 * 60);
    let journal = Journal::open(month.dir.path(), month.settings().keep(keep)).unwrap();
    until("it is pruned", || month.dir.path().join("pruned").exists());
    until("segments are gone", || {
        segments(month.dir.path()).len() < before
    });
    journal.close().unwrap();
    verify(month.dir.path(), None).unwrap();
}

#[test]
fn verifying_goes_on_across_a_pruning_and_an_earlier_checkpoint_below_it_cannot_be_compared() {
    let month = Month::new();
    let dir = month.dir.path();
    let early = fs::read(dir.join("checkpoint")).unwrap();
    let reached = Verification::new().run(dir).unwrap().reached.unwrap();
    month.prune(10);
    let verified = Verification::new().resume(&reached).run(dir).unwrap();
    assert!(verified.report.pruned_below.is_some());
    assert_eq!(verified.report.root, verify(dir, None).unwrap().root);
    let again = verified.reached.unwrap();
    let verified = Verification::new().resume(&again).run(dir).unwrap();
    assert_eq!(verified.report.records_read, 0);
    // The checkpoint of the whole month is still above what was pruned, until more is.
    Verification::new().earlier(Some(&early)).run(dir).unwrap();
    month.clock.advance_ms(100 * DAY_MS);
    let journal = month.open();
    for n in 0..10 {
        durable(&journal, n).unwrap();
    }
    month.clock.advance_ms(100 * DAY_MS);
    for n in 0..10 {
        durable(&journal, n).unwrap();
    }
    journal.prune(month.days_ago(50)).unwrap().unwrap();
    journal.close().unwrap();
    assert!(matches!(
        Verification::new().earlier(Some(&early)).run(dir),
        Err(VerifyError::EarlierPruned { .. })
    ));
    // What was reached lies in a segment that is gone: everything there is is read.
    let verified = Verification::new().resume(&reached).run(dir).unwrap();
    assert_eq!(verified.report.records_read, all(dir).len() as u64);
}
