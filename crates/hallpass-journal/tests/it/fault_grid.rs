//! Every call that changes the disk fails in turn, in each way it can: what callers are told, and what comes of it.
//!
//! `cargo test -p hallpass-journal --test it fault_grid -- --nocapture` prints the grid.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hallpass_journal::verify::verify;
use hallpass_journal::{AppendError, Durability, Journal, Old, Settings};
use hallpass_testkit::{EIO, ENOSPC, EROFS, Fault, Left, Operation, Part, Random, SimDisk};

use crate::fixture::{
    PATIENCE, TestClock, all, decision, event, segment, settings, settings_with, until,
};
use crate::scenario::{Answers, append, erase, journal_dir, note, prune};
use crate::sim_recovery::recover;
use crate::sim_storage::SimStorage;

/// Records of one life: some segments' worth.
const RECORDS: u64 = 16;
/// Before this one the keys of digests are erased as far as they can be, and before the next old records are pruned.
const ERASED_BEFORE: u64 = 12;
/// Below which record; there are several segments.
const PRUNED_BELOW: u64 = 8;
/// More than a record must be old for it.
const LATER_MS: i64 = 9 * 24 * 60 * 60 * 1_000;
/// A refusal for want of space comes this fast (DESIGN section 6).
const REFUSED_WITHIN: Duration = Duration::from_millis(250);
/// Service resumes this fast after there is space again.
const RESUMED_WITHIN: Duration = Duration::from_secs(5);

/// The ways to fail, with the names they have in the grid.
const FAULTS: [(&str, Fault); 9] = [
    ("error, once", Fault::Error(EIO)),
    ("error, lasting", Fault::Errors(EIO)),
    ("no space, once", Fault::Error(ENOSPC)),
    ("no space, lasting", Fault::Full),
    ("read-only, lasting", Fault::Errors(EROFS)),
    ("short write", Fault::ShortWrite),
    ("half a write, no space", Fault::HalfWrite(ENOSPC)),
    ("short write, then errors", Fault::ShortWriteThen(EIO)),
    ("kill", Fault::Stop(Part::Half)),
];

/// Where the fault of a run had no call to fail.
const NOT_MET: &str = "not met";

/// What one run came to.
#[derive(Debug)]
struct Outcome {
    /// When, or on which file.
    place: &'static str,
    relaxed: BTreeSet<String>,
    durable: BTreeSet<String>,
    end: &'static str,
}

fn open(disk: &SimDisk) -> Result<Journal, hallpass_journal::OpenError> {
    open_at(disk, TestClock::new())
}

fn open_at(disk: &SimDisk, clock: Arc<TestClock>) -> Result<Journal, hallpass_journal::OpenError> {
    let settings: Settings = settings_with(clock)
        .segment_bytes(700)
        .reserve_bytes(20_000)
        .storage(Arc::new(SimStorage::new(disk)));
    Journal::open(&journal_dir(disk.path()), settings)
}

fn durability(number: u64) -> Durability {
    if number.is_multiple_of(2) {
        Durability::Relaxed
    } else {
        Durability::Durable
    }
}

fn run(at: u64, fault: Fault) -> Result<Outcome, String> {
    let disk = SimDisk::new();
    disk.fail_at(at, fault);
    let answers = Mutex::new(Answers::default());
    let mut outcome = Outcome {
        place: "",
        relaxed: BTreeSet::new(),
        durable: BTreeSet::new(),
        end: "heals",
    };
    let clock = TestClock::new();
    let opened = open_at(&disk, Arc::clone(&clock));
    let at_opening = disk.has_failed();
    match opened {
        Err(_) => outcome.end = "the opening says so",
        Ok(journal) => {
            live(&journal, &clock, &disk, fault, &answers, &mut outcome)?;
            survives_a_power_cut(&disk, &answers.lock().unwrap(), fault)?;
            if journal.close().is_err() && disk.has_failed() {
                outcome.end = "the close says so";
            }
        }
    }
    if matches!(fault, Fault::Stop(_)) {
        outcome.end = "the next start goes on";
    }
    if !disk.has_failed() {
        outcome.end = NOT_MET;
    }
    let log = disk.log();
    let met = log.get(usize::try_from(at).unwrap());
    outcome.place = match met {
        _ if at_opening => "any file, while it is opened",
        Some((operation, name)) => kind(*operation, name),
        None => "",
    };
    disk.stop();
    disk.restart();
    afterwards(&disk, &answers.into_inner().unwrap(), fault)?;
    Ok(outcome)
}

/// What was acknowledged as durable, whatever failed before.
fn survives_a_power_cut(disk: &SimDisk, answers: &Answers, fault: Fault) -> Result<(), String> {
    if matches!(fault, Fault::Stop(_)) {
        return Ok(());
    }
    let left = Left::Synced;
    recover(disk.image(left), &answers.due(left), left)
        .map_err(|error| format!("after a power cut: {error}"))
}

/// Appends in turn, relaxed and durable, and takes down what is answered.
fn live(
    journal: &Journal,
    clock: &TestClock,
    disk: &SimDisk,
    fault: Fault,
    answers: &Mutex<Answers>,
    outcome: &mut Outcome,
) -> Result<(), String> {
    let lasting = matches!(
        fault,
        Fault::Errors(_) | Fault::Full | Fault::ShortWriteThen(_)
    );
    let dead = matches!(fault, Fault::Stop(_));
    for number in 0..RECORDS {
        let removed = remove(journal, clock, answers, number);
        if !removed && !lasting && !dead {
            resumes(journal)?;
            // What could not be done can be done now, or when the reserve is whole again.
            let start = Instant::now();
            until("it is erased or pruned", || {
                remove(journal, clock, answers, number)
            });
            if start.elapsed() > RESUMED_WITHIN {
                return Err(format!("before {number}: removed too late"));
            }
        }
        let before = Instant::now();
        let answer = append(journal, answers, number, durability(number));
        let took = before.elapsed();
        if let Err(error) = answer {
            let told = match durability(number) {
                Durability::Durable => &mut outcome.durable,
                _ => &mut outcome.relaxed,
            };
            if !dead {
                told.insert(format!("{error:?}"));
            }
            if error == AppendError::Full && took > REFUSED_WITHIN {
                return Err(format!("refused only after {took:?}"));
            }
            if !lasting && !dead {
                resumes(journal)?;
            }
        }
    }
    // What has not failed by now fails at the close.
    if !dead && disk.has_failed() {
        disk.heal();
        resumes(journal)?;
        // Whatever it was: it is over, and nobody has to restart anything.
        let mut number = 1_000;
        until("durable records are taken again", || {
            number += 1;
            append(journal, answers, number, Durability::Durable).is_ok()
        });
    }
    Ok(())
}

/// What is erased or pruned before this record; false when it failed.
fn remove(journal: &Journal, clock: &TestClock, answers: &Mutex<Answers>, before: u64) -> bool {
    if before == ERASED_BEFORE {
        erase(journal, answers, u64::MAX)
    } else if before == ERASED_BEFORE + 1 {
        clock.advance_ms(LATER_MS);
        prune(journal, answers, Old::Below(PRUNED_BELOW))
    } else {
        true
    }
}

fn resumes(journal: &Journal) -> Result<(), String> {
    let start = Instant::now();
    until("the journal can be written", || {
        journal.status().broken.is_none()
    });
    let took = start.elapsed();
    if took > RESUMED_WITHIN {
        return Err(format!("resumed only after {took:?}"));
    }
    Ok(())
}

/// A new process opens what is there: everything acknowledged, and nothing of which it was said that it is not.
fn afterwards(disk: &SimDisk, answers: &Answers, fault: Fault) -> Result<(), String> {
    let dir = journal_dir(disk.path());
    let journal = open(disk).map_err(|error| format!("opening again: {error:?}"))?;
    journal
        .close()
        .map_err(|error| format!("closing again: {error:?}"))?;
    let report = verify(&dir, None).map_err(|error| format!("verifying: {error:?}"))?;
    if report.unsigned() != 0 {
        return Err(format!("not all signed: {report:?}"));
    }
    let first = all(&dir)[0].index();
    if first < answers.pruned {
        return Err(format!("not pruned below {}", answers.pruned));
    }
    let lines = lines(&dir);
    for ack in answers.acks.iter().filter(|ack| ack.index >= first) {
        let line = &lines[usize::try_from(ack.index - first).unwrap()];
        if !line.contains(&decision(ack.number).to_string()) {
            return Err(format!("lost: {ack:?}"));
        }
    }
    // A dead process tells nobody anything.
    let refused = match fault {
        Fault::Stop(_) => &[],
        _ => answers.refused.as_slice(),
    };
    for (number, error) in refused {
        let id = decision(*number).to_string();
        if lines.iter().any(|line| line.contains(&id)) {
            return Err(format!("{number} was refused with {error:?} and is there"));
        }
    }
    Ok(())
}

fn lines(dir: &Path) -> Vec<String> {
    let records = all(dir);
    records.iter().map(|r| r.line().to_owned()).collect()
}

/// A call by the kind of file.
fn kind(operation: Operation, name: &str) -> &'static str {
    match operation {
        Operation::SyncDir | Operation::CreateDir => "the directory",
        _ if name.ends_with(".jsonl") => "a segment",
        _ if name.contains("checkpoint") => "the checkpoint",
        _ if name.contains(".key") || name.contains("erasing") => "a key of digests",
        _ if name.contains("pruned") => "the mark of the pruning",
        _ if name.contains("snapshot") => "the snapshot",
        _ if name.contains("reserve") => "the reserve",
        _ => "another file",
    }
}

#[test]
fn fault_grid() {
    let length = {
        let disk = SimDisk::new();
        let clock = TestClock::new();
        let journal = open_at(&disk, Arc::clone(&clock)).unwrap();
        let answers = Mutex::default();
        for number in 0..RECORDS {
            assert!(remove(&journal, &clock, &answers, number));
            append(&journal, &answers, number, durability(number)).unwrap();
        }
        journal.close().unwrap();
        disk.operations()
    };
    let jobs: Vec<_> = (0..FAULTS.len())
        .flat_map(|fault| (0..length).map(move |at| (fault, at)))
        .collect();
    let next = AtomicUsize::new(0);
    let grid = Mutex::new(BTreeMap::<(&str, usize), (u64, [BTreeSet<String>; 3])>::new());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some((fault, at)) = jobs.get(next.fetch_add(1, Ordering::SeqCst)) {
                    match run(*at, FAULTS[*fault].1) {
                        Err(error) => {
                            let text = format!("{} at {at}: {error}", FAULTS[*fault].0);
                            wrong.lock().unwrap().push(text);
                        }
                        // A short write shows itself at the next write, whatever was called before.
                        Ok(outcome) if outcome.end == NOT_MET => {}
                        Ok(outcome) => {
                            let mut grid = grid.lock().unwrap();
                            let cell = grid.entry((outcome.place, *fault)).or_default();
                            cell.0 += 1;
                            cell.1[0].extend(outcome.relaxed);
                            cell.1[1].extend(outcome.durable);
                            cell.1[2].insert(outcome.end.to_owned());
                        }
                    }
                }
            });
        }
    });
    println!(
        "| what fails | how | times | relaxed | durable | afterwards |\n|---|---|---|---|---|---|"
    );
    for ((place, fault), (times, said)) in grid.into_inner().unwrap() {
        let nobody = matches!(FAULTS[fault].1, Fault::Stop(_));
        let [relaxed, durable, end] = said.map(|set| match set.is_empty() {
            true if nobody => "nobody is told".to_owned(),
            true => "ok".to_owned(),
            false => set.into_iter().collect::<Vec<_>>().join(", "),
        });
        let name = FAULTS[fault].0;
        println!("| {place} | {name} | {times} | {relaxed} | {durable} | {end} |");
    }
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Batches of several records, cut off in the middle by a device that then takes nothing back either.
#[test]
fn who_was_refused_for_certain_is_not_in_the_journal() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let fault = Fault::ShortWriteThen(EIO);
        let disk = SimDisk::new();
        let journal = open(&disk).unwrap();
        disk.fail_at(disk.operations() + random.below(40), fault);
        let answers = Mutex::new(Answers::default());
        std::thread::scope(|scope| {
            for thread in 0..6 {
                let (journal, answers) = (&journal, &answers);
                scope.spawn(move || {
                    // Nobody waits in between, so that many are written together.
                    let under_way: Vec<_> = (0..40)
                        .map(|n| thread * 1_000 + n)
                        .map(|n| (n, journal.append(&event(n), durability(n))))
                        .collect();
                    for (number, append) in under_way {
                        let answer = append.wait(PATIENCE);
                        note(
                            &mut answers.lock().unwrap(),
                            number,
                            durability(number),
                            answer,
                        );
                    }
                });
            }
        });
        disk.stop();
        drop(journal);
        disk.restart();
        let answers = answers.into_inner().unwrap();
        let found = afterwards(&disk, &answers, fault);
        assert_eq!(found, Ok(()), "seed {seed}");
    }
}

#[test]
fn half_a_record_is_taken_back_before_anybody_is_told() {
    let disk = SimDisk::new();
    // Without a reserve, from which a relaxed record would be written all the same.
    let settings = settings().storage(Arc::new(SimStorage::new(&disk)));
    let journal = Journal::open(&journal_dir(disk.path()), settings).unwrap();
    let whole = std::fs::read(segment(journal.dir())).unwrap();
    for durability in [Durability::Relaxed, Durability::Durable] {
        disk.fail_at(disk.operations(), Fault::HalfWrite(ENOSPC));
        let answer = journal.append(&event(1), durability).wait(PATIENCE);
        assert_eq!(answer, Err(AppendError::Full));
        assert_eq!(std::fs::read(segment(journal.dir())).unwrap(), whole);
    }
}
