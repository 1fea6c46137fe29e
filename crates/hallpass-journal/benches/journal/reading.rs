//! Reading a journal back: verifying it, and starting on it.

use std::fs;
use std::path::Path;
use std::time::Instant;

use hallpass_journal::verify::verify;
use sha2::{Digest as _, Sha256};

use crate::quartiles;
use crate::records::{fill, open};

/// Records of the journal that is verified.
const VERIFIED_RECORDS: u64 = 400_000;
/// Records of the journal that is started.
const STARTED_RECORDS: u64 = 1_000_000;
const ROUNDS: usize = 9;

/// Records verified in a second on one core, and the time as many times that of one SHA-256 of the same bytes.
pub fn verifying() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    fill(&journal, VERIFIED_RECORDS);
    journal.close().unwrap();
    let records = verify(dir.path(), None).unwrap().records;
    let bytes = segment_bytes(dir.path());
    let mut rates = Vec::new();
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let unit = digest_seconds(dir.path());
        let start = Instant::now();
        assert_eq!(verify(dir.path(), None).unwrap().signed, records);
        let seconds = start.elapsed().as_secs_f64();
        rates.push(count(records) / seconds);
        ratios.push(2.0 * seconds / (unit + digest_seconds(dir.path())));
    }
    let [low, median, high] = quartiles(ratios);
    println!(
        "verifying, as many times reading the files and one SHA-256 of them ({} bytes a record)",
        bytes / records
    );
    println!("    1 thread   {median:>8.2}x   {low:.2} .. {high:.2}");
    let [low, median, high] = quartiles(rates);
    println!("    records a second {median:.0}   {low:.0} .. {high:.0}");
}

fn count(records: u64) -> f64 {
    f64::from(u32::try_from(records).unwrap())
}

fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .collect();
    paths.sort();
    paths
}

fn segment_bytes(dir: &Path) -> u64 {
    let paths = segments(dir);
    paths
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum()
}

fn digest_seconds(dir: &Path) -> f64 {
    let start = Instant::now();
    for path in segments(dir) {
        let mut hasher = Sha256::new();
        std::io::copy(&mut fs::File::open(path).unwrap(), &mut hasher).unwrap();
        std::hint::black_box(hasher.finalize());
    }
    start.elapsed().as_secs_f64()
}

/// Seconds from `open` to a journal that can be written.
pub fn restarting() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    fill(&journal, STARTED_RECORDS);
    // The files as they are when a process is killed at this moment.
    let killed = copy(dir.path());
    journal.close().unwrap();
    let whole = copy(dir.path());
    fs::remove_file(whole.path().join("snapshot")).unwrap();
    println!("restarting with {STARTED_RECORDS} records, until they can be written on");
    for (name, dir) in [
        ("after a close", dir),
        ("after a kill", killed),
        ("without a snapshot", whole),
    ] {
        let start = Instant::now();
        let journal = open(dir.path());
        let seconds = start.elapsed().as_secs_f64();
        let read = journal.started().records_read;
        println!("    {name:<20} {seconds:.3} s, {read} records read");
        journal.close().unwrap();
    }
}

/// A copy of a journal that may be written meanwhile: what vouches for records is copied before them.
fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    let names = fs::read_dir(from).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.ends_with(".tmp")).collect();
    names.sort_by_key(|name| match name.as_str() {
        "snapshot" => 0,
        "checkpoint" => 1,
        name if name.ends_with(".jsonl") => 3,
        _ => 2,
    });
    for name in names {
        fs::copy(from.join(&name), to.path().join(&name)).unwrap();
    }
    to
}
