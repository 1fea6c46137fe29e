//! Appending, beside the system calls that it cannot do without.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
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
    let callers = [1, 8, 64];
    let mut ratios = vec![Vec::new(); callers.len()];
    let mut raw_rates = Vec::new();
    for round in 0..=ROUNDS {
        for (row, callers) in callers.iter().enumerate() {
            let before = syncs_per_second(&mut file, &line);
            let rate = durable_per_second(&journal, &event, *callers);
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
        println!("  {callers:>3} callers  {median:>8.2}x   {low:.2} .. {high:.2}");
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

fn durable_per_second(journal: &Journal, event: &Event, callers: u32) -> f64 {
    let start = Instant::now();
    let count: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..callers)
            .map(|_| {
                scope.spawn(|| {
                    let mut count = 0_u32;
                    while start.elapsed() < WINDOW {
                        let recorded = journal.append(event, Durability::Durable).wait(PATIENCE);
                        recorded.unwrap();
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    f64::from(count) / start.elapsed().as_secs_f64()
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
