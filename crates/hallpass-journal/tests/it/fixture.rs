//! What every test starts from.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use hallpass_journal::read::Record;
use hallpass_journal::{
    Abandoned, AppendError, Decided, Durability, Event, Journal, JournalName, Recorded, Settings,
};
use hallpass_vocabulary::{
    Audience, Clock, DecisionId, DenialCode, Environment, RequestId, Timestamp,
};

/// Far above anything a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const START_MS: i64 = 1_763_724_600_000;

/// A clock that stands still until it is moved.
#[derive(Default)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(START_MS.into()))
    }

    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

pub fn environment() -> Environment {
    Environment::new("test").unwrap()
}

pub fn settings() -> Settings {
    settings_with(TestClock::new())
}

pub fn settings_with(clock: Arc<TestClock>) -> Settings {
    Settings::new(environment(), JournalName::new("tickets").unwrap(), clock)
        .software("test/1")
        .boot(Some("boot-1"))
        // Made for the tests of it; elsewhere it is 4 MiB a journal.
        .reserve_bytes(0)
}

pub fn open(dir: &Path) -> Journal {
    Journal::open(dir, settings()).unwrap()
}

pub fn decision(n: u64) -> DecisionId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&n.to_be_bytes());
    DecisionId::new(Timestamp::from_unix_ms(START_MS), random)
}

pub fn request() -> RequestId {
    RequestId::new(Timestamp::from_unix_ms(START_MS), [1; 10])
}

/// The smallest event with a number in it.
pub fn event(n: u64) -> Event {
    Event::Abandoned(Abandoned {
        decision: decision(n),
    })
}

pub fn denied(n: u64, code: DenialCode) -> Decided {
    let audience = Audience::new("tickets").unwrap();
    Decided::deny(decision(n), request(), environment(), audience, code)
}

pub fn relaxed(journal: &Journal, n: u64) -> Result<Recorded, AppendError> {
    journal
        .append(&event(n), Durability::Relaxed)
        .wait(PATIENCE)
}

pub fn durable(journal: &Journal, n: u64) -> Result<Recorded, AppendError> {
    journal
        .append(&event(n), Durability::Durable)
        .wait(PATIENCE)
}

pub fn all(dir: &Path) -> Vec<Record> {
    hallpass_journal::read::records(dir)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

pub fn kinds(dir: &Path) -> Vec<String> {
    all(dir).iter().map(|r| r.kind().to_owned()).collect()
}

/// The decisions of all `abandoned` records, in order.
pub fn numbers(dir: &Path) -> Vec<u64> {
    all(dir)
        .iter()
        .filter_map(|record| match record.event().unwrap() {
            Event::Abandoned(abandoned) => {
                Some(u64::try_from(abandoned.decision.as_u128() & u128::from(u32::MAX)).unwrap())
            }
            _ => None,
        })
        .collect()
}

/// Waits until something holds; fails the test if it does not within [`PATIENCE`].
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited too long until {what}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// The one segment of a small journal.
pub fn segment(dir: &Path) -> std::path::PathBuf {
    dir.join("00000000000000000000.jsonl")
}

pub fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        // A live journal writes a file under another name first, which may be gone in a moment.
        if entry.file_name().to_string_lossy().ends_with(".tmp") {
            continue;
        }
        std::fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

/// Copies a journal as a crash at this moment would leave it: while it is open.
pub fn crashed(journal: &Journal) -> tempfile::TempDir {
    copy(journal.dir())
}

/// How many times a long test does its work: as the environment variable says, else the short form.
pub fn how_many(variable: &str, short: u64) -> u64 {
    std::env::var(variable).map_or(short, |text| text.parse().expect("a number"))
}
