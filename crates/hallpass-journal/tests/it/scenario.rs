//! A life of a journal in a few milliseconds, and what was answered in it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hallpass_journal::{AppendError, Durability, Journal, Old, Recorded, Settings};
use hallpass_testkit::{Left, Random, SimDisk};
use hallpass_vocabulary::Clock as _;

use crate::fixture::{PATIENCE, TestClock, event, settings_with};
use crate::sim_spends::{Spend, spend};
use crate::sim_storage::SimStorage;

/// More than the records after which a checkpoint is due.
const BURST: u64 = 1_010;
/// More than a record must be old to be pruned, and than anything spent is remembered.
const LATER_MS: i64 = 9 * 24 * 60 * 60 * 1_000;
/// Below which records a life prunes, one after the other; it has more.
pub const PRUNED_BELOW: [u64; 2] = [20, 35];

/// An answer that a record is in the journal.
#[derive(Debug, Clone, Copy)]
pub struct Ack {
    pub index: u64,
    pub number: u64,
    pub durable: bool,
    /// The key of sensitive digests that was in use.
    pub key: Option<u64>,
    /// What the record spends.
    pub spend: Option<Spend>,
}

/// Everything that was answered.
#[derive(Debug, Default)]
pub struct Answers {
    pub acks: Vec<Ack>,
    /// Numbers of which it was said that they are not in the journal and will not be.
    pub refused: Vec<(u64, AppendError)>,
    /// All acknowledged before this place were under a close that succeeded.
    pub closed_acks: usize,
    /// Below which record it was said that keys are erased.
    pub erased: u64,
    /// Below which record it was said that records are pruned.
    pub pruned: u64,
}

/// What must be found after a life was cut short.
#[derive(Debug, Default)]
pub struct Due {
    pub acks: Vec<Ack>,
    pub erased: u64,
    pub pruned: u64,
}

impl Due {
    /// Of a second life of the same journal as well.
    pub fn extend(&mut self, later: Self) {
        self.acks.extend(later.acks);
        self.erased = self.erased.max(later.erased);
        self.pruned = self.pruned.max(later.pruned);
    }
}

/// What happens in a life, by its seed alone: half of them erase, half prune, a quarter does both.
struct Plan {
    burst: bool,
    erases: bool,
    prunes: bool,
}

impl Plan {
    fn of(seed: u64) -> Self {
        Self {
            burst: Random::new(seed).below(4) == 0,
            erases: seed & 1 != 0,
            prunes: seed & 2 != 0,
        }
    }
}

pub fn journal_dir(root: &Path) -> PathBuf {
    root.join("journal")
}

pub fn sim_settings(storage: &SimStorage, clock: &Arc<TestClock>, random: &mut Random) -> Settings {
    let segment_bytes = [700, 3_000, 30_000][random.below(3) as usize];
    settings_with(Arc::clone(clock))
        .segment_bytes(segment_bytes)
        .reserve_bytes(20_000)
        .storage(Arc::new(storage.clone()))
}

/// Creates a journal, appends from several threads, lets segments and checkpoints change, erases, closes; opens it again
/// much later, prunes, and closes.
pub fn live(storage: &SimStorage, seed: u64) -> Answers {
    let mut random = Random::new(seed);
    let answers = Mutex::new(Answers::default());
    let dir = journal_dir(storage.disk.path());
    let plan = Plan::of(seed);
    let clock = TestClock::new();
    let mut settings = sim_settings(storage, &clock, &mut random);
    if plan.erases || plan.prunes {
        // Of one segment nothing can go.
        settings = settings.segment_bytes(700);
    }
    if let Ok(journal) = Journal::open(&dir, settings) {
        threads(&journal, &answers, &clock, 0, 12);
        if plan.burst {
            threads(&journal, &answers, &clock, 10_000, BURST / 3);
            let _ = append(&journal, &answers, 19_999, Durability::Durable);
        }
        if plan.erases {
            erase(&journal, &answers, u64::MAX);
        }
        close(&journal, &answers);
    }
    if plan.prunes {
        clock.advance_ms(LATER_MS);
    }
    if storage.disk.reading().is_ok()
        && let Ok(journal) = Journal::open(&dir, sim_settings(storage, &clock, &mut random))
    {
        for below in PRUNED_BELOW {
            if plan.prunes {
                prune(&journal, &answers, Old::Below(below));
            }
            threads(&journal, &answers, &clock, 20_000 + 100 * below, 3);
        }
        if plan.erases {
            erase(&journal, &answers, u64::MAX);
        }
        close(&journal, &answers);
    }
    answers.into_inner().unwrap()
}

/// Erases what keys it can, and takes down what it was told.
pub fn erase(journal: &Journal, answers: &Mutex<Answers>, below: u64) -> bool {
    let erased = journal.erase_sensitive(below, PATIENCE);
    if let Ok(Some(erased)) = &erased {
        let mut answers = answers.lock().unwrap();
        answers.erased = answers.erased.max(erased.below);
    }
    erased.is_ok()
}

/// Prunes what it can, and takes down what it was told.
pub fn prune(journal: &Journal, answers: &Mutex<Answers>, old: Old) -> bool {
    let pruned = journal.prune(old);
    if let Ok(Some(pruned)) = &pruned {
        let mut answers = answers.lock().unwrap();
        answers.pruned = answers.pruned.max(pruned.record.below);
    }
    pruned.is_ok()
}

/// Opens a journal that was cut short, appends a little and closes it.
pub fn live_on(storage: &SimStorage, seed: u64, boot: &str) -> Answers {
    let mut random = Random::new(seed);
    let answers = Mutex::new(Answers::default());
    let dir = journal_dir(storage.disk.path());
    let clock = TestClock::new();
    let settings = sim_settings(storage, &clock, &mut random).boot(Some(boot));
    if let Ok(journal) = Journal::open(&dir, settings) {
        threads(
            &journal,
            &answers,
            &clock,
            30_000 + 1_000 * random.below(50),
            3,
        );
        close(&journal, &answers);
    }
    answers.into_inner().unwrap()
}

fn threads(journal: &Journal, answers: &Mutex<Answers>, clock: &TestClock, from: u64, each: u64) {
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
                    let number = from + thread * each + n;
                    // Every third of the first ones spends.
                    let _ = match n < 12 && n % 3 == 0 {
                        true => spend(journal, answers, clock.now(), number, durability),
                        false => append(journal, answers, number, durability),
                    };
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
    let key = journal.sensitive_key().number();
    let answer = journal.append(&event(number), durability).wait(PATIENCE);
    let mut answers = answers.lock().unwrap();
    if let Some(ack) = note(&mut answers, number, durability, answer) {
        ack.key = Some(key);
    }
    answer
}

/// Takes an answer down.
pub fn note(
    answers: &mut Answers,
    number: u64,
    durability: Durability,
    answer: Result<Recorded, AppendError>,
) -> Option<&mut Ack> {
    match answer {
        Ok(recorded) => {
            answers.acks.push(Ack {
                index: recorded.index().unwrap(),
                number,
                durable: durability == Durability::Durable,
                key: None,
                spend: None,
            });
            answers.acks.last_mut()
        }
        Err(error) if error.is_uncertain() => None,
        Err(error) => {
            answers.refused.push((number, error));
            None
        }
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
    pub fn due(&self, left: Left) -> Due {
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
        Due {
            acks: self.acks.iter().enumerate().filter_map(is_due).collect(),
            erased: self.erased,
            pruned: self.pruned,
        }
    }
}

/// How many operations the scenario of a seed has, when nothing goes wrong.
pub fn operations(seed: u64) -> u64 {
    let disk = SimDisk::new();
    live(&SimStorage::new(&disk), seed);
    disk.operations()
}
