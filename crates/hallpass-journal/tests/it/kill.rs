//! The test binary runs itself as a child that appends and prints what was acknowledged, and kills it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use hallpass_journal::verify::verify;

use crate::fixture::{durable, numbers, open, relaxed};

const DIR: &str = "HALLPASS_JOURNAL_KILL_DIR";
const KILLS: usize = 8;

/// Not a test of its own: the child of [`nothing_acknowledged_is_lost_to_a_kill`]. Without its directory it does nothing.
#[test]
fn child() {
    let Ok(dir) = std::env::var(DIR) else {
        return;
    };
    let journal = open(Path::new(&dir));
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
                    let line = format!("ack {} {number}\n", recorded.unwrap().index().unwrap());
                    if std::io::stderr().write_all(line.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

#[test]
fn nothing_acknowledged_is_lost_to_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--nocapture", "--test-threads=1"])
            .env(DIR, dir.path())
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
        };
        while acknowledged.len() < round * 137 {
            let line = output.next().expect("the child ended by itself").unwrap();
            take(line, &mut acknowledged);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it still said before it died counts as well; a last line may be cut short.
        let rest: Vec<_> = output.map(Result::unwrap).collect();
        let whole = rest.len().saturating_sub(1);
        for line in rest.into_iter().take(whole) {
            take(line, &mut acknowledged);
        }
        verify(dir.path(), None).unwrap();
        let records = crate::fixture::all(dir.path());
        for (index, number) in acknowledged {
            let record = &records[usize::try_from(index).unwrap()];
            let expected = crate::fixture::decision(number).to_string();
            assert!(record.line().contains(&expected), "record {index}");
        }
        open(dir.path()).close().unwrap();
        verify(dir.path(), None).unwrap();
    }
    assert!(numbers(dir.path()).len() > KILLS * 137);
}
