//! The test binary runs itself as a child that appends and prints what was acknowledged, and kills it.
//!
//! `HALLPASS_KILLS` says how many times; see docs/verification.md for the long form.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hallpass_journal::Journal;
use hallpass_journal::verify::verify;
use hallpass_testkit::Random;

use crate::fixture::{all, decision, durable, how_many, open, relaxed, settings};

const DIR: &str = "HALLPASS_JOURNAL_KILL_DIR";
/// Kills of one journal, before another is begun: each start reads all of it.
const KILLS_OF_ONE: u64 = 25;
/// A kill comes after fewer acknowledged records than this.
const ACKS_MAX: u64 = 400;
/// The longest time from the start of an opening to a kill in it: longer than an opening takes.
const OPENING_US_MAX: u64 = 20_000;
/// Segments of a few hundred records, so that kills also meet their change.
const SEGMENT_BYTES: u64 = 30_000;

/// Not a test of its own: the child of [`nothing_acknowledged_is_lost_to_a_kill`]. Without its directory it does nothing.
#[test]
fn child() {
    let Ok(dir) = std::env::var(DIR) else {
        return;
    };
    say("opening\n");
    let journal = Journal::open(Path::new(&dir), settings().segment_bytes(SEGMENT_BYTES)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let journal = journal.clone();
            scope.spawn(move || {
                for n in 0.. {
                    let number = thread * 1_000_000 + n;
                    let recorded = if n % 8 == 0 {
                        durable(&journal, number)
                    } else {
                        relaxed(&journal, number)
                    };
                    say(&format!(
                        "ack {} {number}\n",
                        recorded.unwrap().index().unwrap()
                    ));
                }
            });
        }
    });
}

/// One line in one write, so that it is whole or not there. Nobody listens any more: nothing to go on for.
fn say(line: &str) {
    if std::io::stderr().write_all(line.as_bytes()).is_err() {
        std::process::exit(0);
    }
}

/// What many kills came to.
#[derive(Debug, Default)]
struct Tally {
    kills: u64,
    while_opening: u64,
    acknowledged: usize,
    torn: u64,
}

#[test]
fn nothing_acknowledged_is_lost_to_a_kill() {
    let kills = how_many("HALLPASS_KILLS", 12);
    let journals = kills.div_ceil(KILLS_OF_ONE).max(2);
    let tally = Mutex::new(Tally::default());
    let next = Mutex::new(0..journals);
    // Two journals at a time.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(number) = next.lock().unwrap().next() else {
                        return;
                    };
                    one_journal(number, kills / journals, &tally);
                }
            });
        }
    });
    println!(
        "{:?}: nothing acknowledged was lost",
        tally.into_inner().unwrap()
    );
}

/// Kills the writers of one journal one after the other.
fn one_journal(seed: u64, kills: u64, tally: &Mutex<Tally>) {
    let mut random = Random::new(seed);
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..kills {
        let in_opening = random.below(4) == 0;
        let acks = match in_opening {
            true => 0,
            false => random.below(ACKS_MAX),
        };
        let opening = Duration::from_micros(random.below(OPENING_US_MAX));
        let acknowledged = run_and_kill(dir.path(), acks, in_opening.then_some(opening));
        let report = match verify(dir.path(), None) {
            Ok(report) => report,
            // Killed before there was a first checkpoint.
            Err(_) if acknowledged.is_empty() && !dir.path().join("checkpoint").exists() => {
                continue;
            }
            Err(error) => panic!("journal {seed}: {error:?}"),
        };
        let count = usize::try_from(report.records).unwrap();
        let records: Vec<_> = hallpass_journal::read::records(dir.path())
            .unwrap()
            .take(count)
            .collect::<Result<_, _>>()
            .unwrap();
        for (index, number) in &acknowledged {
            let record = &records[usize::try_from(*index).unwrap()];
            let expected = decision(*number).to_string();
            assert!(record.line().contains(&expected), "record {index}");
        }
        let mut tally = tally.lock().unwrap();
        tally.kills += 1;
        tally.while_opening += u64::from(in_opening);
        tally.acknowledged += acknowledged.len();
        tally.torn += u64::from(report.torn.is_some());
    }
    open(dir.path()).close().unwrap();
    assert_eq!(verify(dir.path(), None).unwrap().unsigned(), 0);
    assert!(!all(dir.path()).is_empty());
}

/// Starts a writer, kills it after so many acknowledged records or so long after it began to open the journal, and gives
/// the index and number of each record that was acknowledged until its end.
fn run_and_kill(dir: &Path, acks: u64, opening: Option<Duration>) -> Vec<(u64, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::child", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    let mut output = BufReader::new(child.stderr.take().unwrap()).split(b'\n');
    let take = |line: Vec<u8>, acknowledged: &mut Vec<(u64, u64)>| {
        let text = String::from_utf8(line).unwrap();
        if let Some(rest) = text.strip_prefix("ack ") {
            let (index, number) = rest.split_once(' ').unwrap();
            acknowledged.push((index.parse().unwrap(), number.parse().unwrap()));
        }
        text == "opening"
    };
    let mut has_begun = false;
    while !has_begun || (acknowledged.len() as u64) < acks {
        let line = output.next().expect("the child ended by itself").unwrap();
        has_begun |= take(line, &mut acknowledged);
    }
    let begun = Instant::now();
    while opening.is_some_and(|opening| begun.elapsed() < opening) {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it still said before it died counts as well; a last line may be cut short.
    let rest: Vec<_> = output.map(Result::unwrap).collect();
    let whole = rest.len().saturating_sub(1);
    for line in rest.into_iter().take(whole) {
        take(line, &mut acknowledged);
    }
    acknowledged
}
