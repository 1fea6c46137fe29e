//! A journal on a small real file system that fills up: the test binary runs itself where a tmpfs is mounted for it alone.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hallpass_journal::verify::verify;
use hallpass_journal::{AppendError, Durability, Journal, JournalName, Recorded, Settings};

use crate::fixture::{PATIENCE, TestClock, decision, environment, event, until};

const DIR: &str = "HALLPASS_JOURNAL_TMPFS_DIR";
/// What the child says at its end, before what it measured.
const MEASURED: &str = "measured: ";
/// Room for the reserve a journal keeps by default (4 MiB), for as many records, and for a reserve again.
const SIZE: &str = "size=16m";
/// A refusal for want of space comes this fast, and service resumes this fast after there is space (DESIGN section 6).
const REFUSED_WITHIN: Duration = Duration::from_millis(250);
const RESUMED_WITHIN: Duration = Duration::from_secs(5);
/// More reads than any reserve is for.
const READS_MAX: u64 = 200_000;

/// What was asked for, and what was answered.
struct Journey {
    journal: Journal,
    number: u64,
    acknowledged: Vec<(u64, u64)>,
    slowest: Duration,
}

impl Journey {
    fn append(&mut self, durability: Durability) -> Result<Recorded, AppendError> {
        self.number += 1;
        let start = Instant::now();
        let answer = self
            .journal
            .append(&event(self.number), durability)
            .wait(PATIENCE);
        if let Err(error) = answer {
            assert_eq!(error, AppendError::Full);
            self.slowest = self.slowest.max(start.elapsed());
            assert!(self.slowest < REFUSED_WITHIN, "{:?}", self.slowest);
        }
        if let Ok(recorded) = answer {
            self.acknowledged
                .push((recorded.index().unwrap(), self.number));
        }
        answer
    }
}

/// Not a test of its own: what runs on the small file system. Without its directory it does nothing.
#[test]
fn child() {
    let Ok(dir) = std::env::var(DIR) else {
        return;
    };
    let (dir, ballast) = (
        Path::new(&dir).join("journal"),
        Path::new(&dir).join("ballast"),
    );
    let name = JournalName::new("tickets").unwrap();
    let settings = Settings::new(environment(), name, TestClock::new());
    let journal = Journal::open(&dir, settings).unwrap();
    waits_for_the_reserve(&dir);
    let mut journey = Journey {
        journal,
        number: 0,
        acknowledged: Vec::new(),
        slowest: Duration::ZERO,
    };
    journey.append(Durability::Durable).unwrap();
    fill(&ballast);
    // What is left of the last page of the segment may take a few more.
    until("the disk is full", || {
        journey.append(Durability::Durable).is_err()
    });
    for _ in 0..20 {
        assert_eq!(journey.append(Durability::Durable), Err(AppendError::Full));
    }
    // Reads are recorded as long as the reserve lasts, and writes are refused all the while.
    let mut reads = 0;
    while reads < READS_MAX && journey.append(Durability::Relaxed).is_ok() {
        reads += 1;
    }
    assert!(reads > 1_000, "{reads} reads recorded on a full disk");
    assert!(reads < READS_MAX);
    assert_eq!(journey.append(Durability::Durable), Err(AppendError::Full));
    verify(&dir, None).unwrap();
    // Nobody restarts anything.
    fs::remove_file(&ballast).unwrap();
    let start = Instant::now();
    until("writes are recorded again", || {
        journey.append(Durability::Durable).is_ok()
    });
    let resumed = start.elapsed();
    assert!(resumed < RESUMED_WITHIN, "{resumed:?}");
    journey.append(Durability::Relaxed).unwrap();
    journey.journal.close().unwrap();
    assert_eq!(verify(&dir, None).unwrap().unsigned(), 0);
    let records = crate::fixture::all(&dir);
    for (index, number) in &journey.acknowledged {
        let line = records[usize::try_from(*index).unwrap()].line();
        assert!(
            line.contains(&decision(*number).to_string()),
            "lost: {index}"
        );
    }
    let slowest = journey.slowest;
    eprintln!(
        "{MEASURED}{reads} reads recorded on a full disk, the slowest refusal after {slowest:?}, resumed {resumed:?} after there was space"
    );
}

/// The reserve is made after the opening, and soon.
fn waits_for_the_reserve(dir: &Path) {
    let file = dir.join("reserve");
    until("the reserve is whole", || {
        fs::metadata(&file).is_ok_and(|metadata| metadata.len() == 4 * 1024 * 1024)
    });
}

/// Takes all space there is.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    for step in [64 * 1024, 4096, 1] {
        while file.write_all(&vec![7; step]).is_ok() {}
    }
}

#[test]
fn on_a_full_disk_writes_are_refused_at_once_and_resume_by_themselves() {
    let dir = tempfile::tempdir().unwrap();
    // In a mount namespace of its own, so that nothing is left of it; of its own users too, where that is needed.
    let mount = format!("mount -t tmpfs -o {SIZE} tmpfs \"${DIR}\" && exec \"$0\" \"$@\"");
    let unshare = |flags: &[&str]| {
        let mut command = Command::new("unshare");
        command
            .args(flags)
            .args(["--mount", "sh", "-c", &mount])
            .env(DIR, dir.path())
            .stdin(Stdio::null());
        command
    };
    let works = |flags: &[&str]| {
        let output = unshare(flags).arg("true").output();
        output.is_ok_and(|output| output.status.success())
    };
    let ways: [&[&str]; 2] = [&[], &["--user", "--map-root-user"]];
    let Some(flags) = ways.into_iter().find(|flags| works(flags)) else {
        println!("no file system may be mounted here: a really full disk was NOT tried");
        return;
    };
    let output = unshare(flags)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "tmpfs::child", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let measured = said.lines().find_map(|line| line.strip_prefix(MEASURED));
    println!("{}", measured.expect("the child did its work"));
}
