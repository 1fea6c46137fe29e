//! A real process whose calls to the operating system fail one after the other: the test binary runs itself under strace.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use hallpass_journal::verify::verify;
use hallpass_journal::{Durability, Journal};

use crate::fixture::{PATIENCE, all, decision, event, open, settings, until};

const DIR: &str = "HALLPASS_JOURNAL_STRACE_DIR";
/// Records of one life, in segments of a few.
const RECORDS: u64 = 12;
const SEGMENT_BYTES: u64 = 700;
/// What the child says when it has come to its end by itself.
const DONE: &str = "done";

/// A call, the ways it fails, and at how many places in turn.
const CALLS: [(&str, &[&str], u64); 8] = [
    (
        "pwrite64",
        &["error=EIO", "error=ENOSPC", "signal=KILL"],
        18,
    ),
    (
        "fdatasync",
        &["error=EIO", "error=ENOSPC", "signal=KILL"],
        14,
    ),
    ("fsync", &["error=EIO", "signal=KILL"], 10),
    ("/^rename", &["error=EIO", "error=ENOSPC", "signal=KILL"], 6),
    ("/^unlink", &["error=EACCES", "signal=KILL"], 3),
    // With the paths of segments and checkpoints only.
    (
        "openat",
        &["error=EACCES", "error=EMFILE", "signal=KILL"],
        10,
    ),
    // A write that fails and cannot be taken back.
    ("ftruncate", &["error=EIO", "signal=KILL"], 2),
    ("close", &["signal=KILL"], 6),
];

/// Not a test of its own: what runs under strace. Without its directory it does nothing.
#[test]
fn child() {
    let Ok(dir) = std::env::var(DIR) else {
        return;
    };
    let settings = settings().segment_bytes(SEGMENT_BYTES);
    let Ok(journal) = Journal::open(Path::new(&dir), settings) else {
        return say(DONE);
    };
    for number in 0..RECORDS {
        let durability = match number.is_multiple_of(2) {
            true => Durability::Relaxed,
            false => Durability::Durable,
        };
        match journal.append(&event(number), durability).wait(PATIENCE) {
            Ok(recorded) => say(&format!("ack {} {number}", recorded.index().unwrap())),
            Err(error) if error.is_uncertain() => {}
            Err(_) => say(&format!("refused {number}")),
        }
        until("the journal has healed", || {
            journal.status().broken.is_none()
        });
    }
    let _ = journal.close();
    say(DONE);
}

fn say(line: &str) {
    use std::io::Write as _;
    let line = format!("{line}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// What one life under strace came to.
#[derive(Debug, Default)]
struct Tally {
    lives: u64,
    killed: u64,
    acknowledged: usize,
    refused: usize,
}

#[test]
fn each_call_of_a_real_process_fails_in_turn() {
    let usable = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "true"])
        .status();
    assert!(
        usable.is_ok_and(|status| status.success()),
        "this test needs strace, and the right to trace: a container may need the capability SYS_PTRACE"
    );
    let mut jobs = Vec::new();
    for (call, ways, places) in CALLS {
        for way in ways {
            jobs.extend((1..=places).map(|place| (call, *way, place)));
        }
    }
    let tally = Mutex::new(Tally::default());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((call, way, place)) = jobs.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if let Err(error) = one_life(call, way, *place, &tally) {
                        panic!("{call} {way} at {place}: {error}");
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    println!("{tally:?}: all acknowledged is there, nothing refused is");
    assert!(tally.killed > 0 && tally.refused > 0 && tally.acknowledged > 0);
}

fn one_life(call: &str, way: &str, place: u64, tally: &Mutex<Tally>) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null"]);
    strace.args(["-e", &format!("inject={call}:{way}:when={place}")]);
    if call == "ftruncate" {
        strace.args(["-e", "inject=pwrite64:error=ENOSPC:when=5..6"]);
    }
    if call == "openat" || call == "close" {
        for index in 0..3 * RECORDS {
            strace
                .arg("-P")
                .arg(dir.path().join(format!("{index:020}.jsonl")));
        }
        strace.arg("-P").arg(dir.path().join("checkpoint.tmp"));
    }
    let output = strace
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "strace::child",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIR, dir.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let dies = way.starts_with("signal");
    let came_to_its_end = output.status.success() && said.lines().any(|line| line == DONE);
    if !dies && !came_to_its_end {
        return Err(format!("it did not come to its end: {said}"));
    }
    let numbers =
        |line: &str| -> Vec<u64> { line.split(' ').map(|part| part.parse().unwrap()).collect() };
    let lines = |prefix: &str| -> Vec<Vec<u64>> {
        let rest = said.lines().filter_map(|line| line.strip_prefix(prefix));
        rest.map(numbers).collect()
    };
    let (acks, refused) = (lines("ack "), lines("refused "));
    // The next start goes on from whatever there is.
    open(dir.path()).close().unwrap();
    verify(dir.path(), None).map_err(|error| format!("{error:?}; {said}"))?;
    let mut text = String::new();
    for record in all(dir.path()) {
        writeln!(text, "{}", record.line()).unwrap();
    }
    let records: Vec<_> = text.lines().collect();
    for ack in &acks {
        let line = records[usize::try_from(ack[0]).unwrap()];
        if !line.contains(&decision(ack[1]).to_string()) {
            return Err(format!("lost: {ack:?}"));
        }
    }
    for number in &refused {
        if text.contains(&decision(number[0]).to_string()) {
            return Err(format!("refused, and there: {number:?}"));
        }
    }
    let mut tally = tally.lock().unwrap();
    tally.lives += 1;
    tally.killed += u64::from(!output.status.success());
    tally.acknowledged += acks.len();
    tally.refused += refused.len();
    Ok(())
}
