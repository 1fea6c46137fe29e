//! The program removes old records when it is told for how long to keep them.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use hallpass_journal::verify::verify;
use hallpass_journal::{Journal, JournalName, Settings};
use hallpass_testkit::{FixedClock, eventually};
use hallpass_vocabulary::Timestamp;

use crate::live::{Live, SOON};

/// A journal of two days of 2001: a file each.
fn old(dir: &Path) {
    std::fs::create_dir_all(dir.parent().unwrap()).unwrap();
    for day in 0..2 {
        let time = Timestamp::from_unix_seconds(1_000_000_000 + day * 86_400);
        let name = JournalName::new("tickets").unwrap();
        let clock = Arc::new(FixedClock::at(time));
        let settings = Settings::new("dev".parse().unwrap(), name, clock);
        Journal::open(dir, settings).unwrap().close().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_records_go_when_the_program_is_told_so() {
    let live = Live::start().await;
    let state = live.state("tickets");
    let journal = state.join("journal");
    old(&journal);
    let (child, _) = live.program_with(&state, &[]);
    drop(child);
    assert_eq!(verify(&journal, None).unwrap().pruned_below, None);
    let (child, _) = live.program_with(&state, &["--keep", "90d"]);
    let pruned = journal.join("pruned");
    eventually(SOON, "the old files go", || {
        pruned.exists() && !journal.join(format!("{:020}.jsonl", 2)).exists()
    });
    drop(child);
    // 2001 is gone, and the rest of it is of today.
    assert_eq!(verify(&journal, None).unwrap().pruned_below, Some(4));
}

#[tokio::test]
async fn a_time_that_is_too_short_or_none_is_a_mistake() {
    let live = Live::start().await;
    for bad in ["7d", "90", "12h", "-9d", "+9d", "d", ""] {
        let mut command: Command = live.command(&live.state("tickets"));
        let output = command.arg(format!("--keep={bad}")).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("eight days or more"), "{bad}: {said}");
    }
}
