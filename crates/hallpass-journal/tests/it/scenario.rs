//! A life of a journal in a few milliseconds, and what must be found after it was cut short.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hallpass_journal::verify::{Report, VerifyError, verify};
use hallpass_journal::{AppendError, Durability, Journal, Recorded, Settings};
use hallpass_testkit::{Left, Random, SimDisk, TempDir};

use crate::fixture::{PATIENCE, all, decision, event, settings};
use crate::sim_storage::SimStorage;

/// More than the records after which a checkpoint is due.
const BURST: u64 = 1_010;

/// An answer that a record is in the journal.
#[derive(Debug, Clone, Copy)]
pub struct Ack {
    pub index: u64,
    pub number: u64,
    pub durable: bool,
}

/// Everything that was answered.
#[derive(Debug, Default)]
pub struct Answers {
    pub acks: Vec<Ack>,
    /// Numbers of which it was said that they are not in the journal and will not be.
    pub refused: Vec<(u64, AppendError)>,
    /// All acknowledged before this place were under a close that succeeded.
    pub closed_acks: usize,
}

pub fn journal_dir(root: &Path) -> PathBuf {
    root.join("journal")
}

pub fn sim_settings(storage: &SimStorage, random: &mut Random) -> Settings {
    let segment_bytes = [700, 3_000, 30_000][random.below(3) as usize];
    settings()
        .segment_bytes(segment_bytes)
        .storage(Arc::new(storage.clone()))
}

/// Creates a journal, appends from several threads, lets segments and checkpoints change, closes, opens it again.
pub fn live(storage: &SimStorage, seed: u64) -> Answers {
    let mut random = Random::new(seed);
    let answers = Mutex::new(Answers::default());
    let dir = journal_dir(storage.disk.path());
    let with_burst = random.below(4) == 0;
    if let Ok(journal) = Journal::open(&dir, sim_settings(storage, &mut random)) {
        threads(&journal, &answers, 0, 12);
        if with_burst {
            threads(&journal, &answers, 10_000, BURST / 3);
            let _ = append(&journal, &answers, 19_999, Durability::Durable);
        }
        close(&journal, &answers);
    }
    if storage.disk.reading().is_ok()
        && let Ok(journal) = Journal::open(&dir, sim_settings(storage, &mut random))
    {
        threads(&journal, &answers, 20_000, 6);
        close(&journal, &answers);
    }
    answers.into_inner().unwrap()
}

/// Opens a journal that was cut short, appends a little and closes it.
pub fn live_on(storage: &SimStorage, seed: u64, boot: &str) -> Answers {
    let mut random = Random::new(seed);
    let answers = Mutex::new(Answers::default());
    let dir = journal_dir(storage.disk.path());
    let settings = sim_settings(storage, &mut random).boot(Some(boot));
    if let Ok(journal) = Journal::open(&dir, settings) {
        threads(&journal, &answers, 30_000 + 1_000 * random.below(50), 3);
        close(&journal, &answers);
    }
    answers.into_inner().unwrap()
}

fn threads(journal: &Journal, answers: &Mutex<Answers>, from: u64, each: u64) {
    std::thread::scope(|scope| {
        for thread in 0..3 {
            scope.spawn(move || {
                for n in 0..each {
                    // In a long run a durable one now and then, else it takes as long as its syncs.
                    let durable = n % (each / 4).max(3) == thread;
                    let durability = match durable {
                        true => Durability::Durable,
                        false => Durability::Relaxed,
                    };
                    let _ = append(journal, answers, from + thread * each + n, durability);
                }
            });
        }
    });
}

pub fn append(
    journal: &Journal,
    answers: &Mutex<Answers>,
    number: u64,
    durability: Durability,
) -> Result<Recorded, AppendError> {
    let answer = journal.append(&event(number), durability).wait(PATIENCE);
    note(&mut answers.lock().unwrap(), number, durability, answer);
    answer
}

/// Takes an answer down.
pub fn note(
    answers: &mut Answers,
    number: u64,
    durability: Durability,
    answer: Result<Recorded, AppendError>,
) {
    match answer {
        Ok(recorded) => answers.acks.push(Ack {
            index: recorded.index().unwrap(),
            number,
            durable: durability == Durability::Durable,
        }),
        Err(error) if error.is_uncertain() => {}
        Err(error) => answers.refused.push((number, error)),
    }
}

fn close(journal: &Journal, answers: &Mutex<Answers>) {
    if journal.close().is_ok() {
        let mut answers = answers.lock().unwrap();
        answers.closed_acks = answers.acks.len();
    }
}

impl Answers {
    /// What must be there: after a kill everything acknowledged; after a power cut what was acknowledged as durable,
    /// everything written before that, and everything a close that succeeded came after.
    pub fn due(&self, left: Left) -> Vec<Ack> {
        let synced = self
            .acks
            .iter()
            .filter(|a| a.durable)
            .map(|a| a.index)
            .max();
        let is_due = |(place, ack): (usize, &Ack)| {
            let due = left == Left::Written
                || place < self.closed_acks
                || synced.is_some_and(|index| ack.index <= index);
            due.then_some(*ack)
        };
        self.acks.iter().enumerate().filter_map(is_due).collect()
    }
}

/// What `verify` says of an image; none where no journal can be expected yet.
pub fn look(image: &TempDir, due: &[Ack]) -> Result<Option<Report>, String> {
    let dir = journal_dir(image.path());
    match verify(&dir, None) {
        Ok(report) => Ok(Some(report)),
        // Cut before the first checkpoint.
        Err(VerifyError::CheckpointMissing { .. } | VerifyError::VerifierKeyMissing { .. })
            if due.is_empty() =>
        {
            Ok(None)
        }
        Err(error) => Err(format!("before opening: {error:?}")),
    }
}

/// Opens the journal on an image for good and checks that all that is due is there and said.
pub fn recover(image: TempDir, due: &[Ack], left: Left) -> Result<(), String> {
    let dir = journal_dir(image.path());
    let before = look(&image, due)?;
    let mut closed_before = false;
    let mut size_before = 0;
    if let Some(report) = &before {
        let records = all_whole(&dir, report.records)?;
        closed_before = records
            .last()
            .is_some_and(|record| record.kind() == "closed");
        size_before = records.len();
        if report.records < report.signed {
            return Err(format!("fewer than signed: {report:?}"));
        }
    }
    let boot = if left == Left::Written {
        "boot-1"
    } else {
        "boot-9"
    };
    // Only to be quick: nothing is synced for real.
    let disk = SimDisk::on(image);
    let storage = Arc::new(SimStorage::new(&disk));
    let settings = settings().boot(Some(boot)).storage(storage);
    let journal = Journal::open(&dir, settings).map_err(|error| format!("opening: {error:?}"))?;
    journal
        .close()
        .map_err(|error| format!("closing: {error:?}"))?;
    let after = verify(&dir, None).map_err(|error| format!("after opening: {error:?}"))?;
    if after.unsigned() != 0 || after.torn.is_some() {
        return Err(format!("not whole after a close: {after:?}"));
    }
    let records = all(&dir);
    for ack in due {
        let there = records
            .get(usize::try_from(ack.index).unwrap())
            .is_some_and(|record| record.line().contains(&decision(ack.number).to_string()));
        if !there {
            return Err(format!("lost: {ack:?} of {} records", records.len()));
        }
    }
    let new: Vec<_> = records[size_before..].iter().map(|r| r.kind()).collect();
    let torn = before.as_ref().is_some_and(|report| report.torn.is_some());
    let rebooted = left != Left::Written && size_before > 0 && !closed_before;
    for (kind, expected) in [("recovered", torn), ("possible_loss", rebooted)] {
        if before.is_some() && new.contains(&kind) != expected {
            return Err(format!("{kind} must be {expected}: {new:?}"));
        }
    }
    Ok(())
}

fn all_whole(dir: &Path, count: u64) -> Result<Vec<hallpass_journal::read::Record>, String> {
    // A torn tail with a line end is no end to the reader; what is before it is.
    hallpass_journal::read::records(dir)
        .map_err(|error| format!("reading: {error:?}"))?
        .take(usize::try_from(count).unwrap())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("reading: {error:?}"))
}

/// How many operations the scenario of a seed has, when nothing goes wrong.
pub fn operations(seed: u64) -> u64 {
    let disk = SimDisk::new();
    live(&SimStorage::new(&disk), seed);
    disk.operations()
}
