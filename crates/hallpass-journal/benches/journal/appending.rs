//! Appending, beside the system calls that it cannot do without.

use std::fs::{File, OpenOptions};
use std::future::Future as _;
use std::io::Write as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use hallpass_journal::{Durability, Event, Journal};

use crate::quartiles;
use crate::records::{PATIENCE, events, open};

/// Rounds: each measures every row once, beside the raw calls of its own round.
const ROUNDS: usize = 15;
/// How long one row is measured in one round.
const WINDOW: Duration = Duration::from_millis(300);
/// Relaxed records in one measurement.
const RELAXED_RECORDS: usize = 20_000;

/// A file written without a journal.
fn raw(dir: &Path) -> File {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(dir.join("raw"))
        .unwrap()
}

/// A line as long as the record of this event.
fn line(journal: &Journal, event: &Event) -> Vec<u8> {
    let json = serde_json::to_vec(event).unwrap();
    let mut line =
        vec![b'x'; json.len() + r#""v":1,"index":100000,"time":"2026-11-21T09:30:00.000Z","#.len()];
    line.push(b'\n');
    assert!(journal.status().broken.is_none());
    line
}

/// How many durable records a second, as many times what one thread does that writes and syncs each line.
pub fn durable() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let event = events(&journal, 1)[0].clone();
    let line = line(&journal, &event);
    let mut file = raw(dir.path());
    let callers = [
        Callers::Threads(1),
        Callers::Threads(8),
        Callers::Threads(64),
        Callers::Tasks(64),
    ];
    let mut ratios = vec![Vec::new(); callers.len()];
    let mut raw_rates = Vec::new();
    for round in 0..=ROUNDS {
        for (row, callers) in callers.iter().enumerate() {
            let before = syncs_per_second(&mut file, &line);
            let rate = callers.durable_per_second(&journal, &event);
            let after = syncs_per_second(&mut file, &line);
            if round > 0 {
                ratios[row].push(2.0 * rate / (before + after));
                raw_rates.push((before + after) / 2.0);
            }
        }
    }
    println!(
        "durable records a second, as many times raw append and fdatasync of {} bytes by one thread (which did {:.0} a second)",
        line.len(),
        quartiles(raw_rates)[1]
    );
    for (callers, ratios) in callers.iter().zip(ratios) {
        let [low, median, high] = quartiles(ratios);
        let callers = match callers {
            Callers::Threads(count) => format!("{count} threads"),
            Callers::Tasks(count) => format!("{count} tasks of two threads"),
        };
        println!("  {callers:<24} {median:>8.2}x   {low:.2} .. {high:.2}");
    }
    journal.close().unwrap();
}

fn syncs_per_second(file: &mut File, line: &[u8]) -> f64 {
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < WINDOW {
        file.write_all(line).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// Who asks, each for one record after the other.
#[derive(Clone, Copy)]
enum Callers {
    /// Each a thread of its own, which sleeps until it is answered.
    Threads(u32),
    /// Futures, as the requests of a server are: two threads poll them all.
    Tasks(u32),
}

impl Callers {
    fn durable_per_second(self, journal: &Journal, event: &Event) -> f64 {
        let start = Instant::now();
        let (threads, each) = match self {
            Self::Threads(count) => (count, 1),
            Self::Tasks(count) => (2, count / 2),
        };
        let count: u32 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads)
                .map(|_| scope.spawn(|| records_until(start + WINDOW, journal, event, each)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        f64::from(count) / start.elapsed().as_secs_f64()
    }
}

/// How many records one thread has answered until then, so many at a time.
fn records_until(end: Instant, journal: &Journal, event: &Event, each: u32) -> u32 {
    let append = || journal.append(event, Durability::Durable);
    let mut count = 0;
    if each == 1 {
        while Instant::now() < end {
            append().wait(PATIENCE).unwrap();
            count += 1;
        }
        return count;
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut tasks: Vec<_> = (0..each).map(|_| append()).collect();
    while Instant::now() < end {
        let mut answered = 0;
        for task in &mut tasks {
            if let Poll::Ready(recorded) = Pin::new(&mut *task).poll(&mut context) {
                recorded.unwrap();
                answered += 1;
                *task = append();
            }
        }
        count += answered;
        if answered == 0 {
            std::thread::park_timeout(PATIENCE);
        }
    }
    count
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What a relaxed record costs its caller, as many times one `write` of the same bytes.
pub fn relaxed() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let event = events(&journal, 1)[0].clone();
    let line = line(&journal, &event);
    let mut file = raw(dir.path());
    let mut ratios = Vec::new();
    for round in 0..=ROUNDS {
        let before = seconds(|| file.write_all(&line).unwrap());
        let ours = seconds(|| {
            let recorded = journal.append(&event, Durability::Relaxed).wait(PATIENCE);
            recorded.unwrap();
        });
        let after = seconds(|| file.write_all(&line).unwrap());
        if round > 0 {
            ratios.push(2.0 * ours / (before + after));
        }
    }
    let [low, median, high] = quartiles(ratios);
    println!("a relaxed record, as many times one write(2) of the same bytes");
    println!("    1 caller   {median:>8.2}x   {low:.2} .. {high:.2}");
    journal.close().unwrap();
}

fn seconds(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..RELAXED_RECORDS {
        work();
    }
    start.elapsed().as_secs_f64()
}
