//! One decision, among the journals that verifiers shipped.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hallpass_journal::RECORD_BYTES_MAX;
use hallpass_journal::read::{ReadError, records_from};
use hallpass_vocabulary::{DecisionId, Timestamp};

use super::{is_origin, kept_in};

/// Records looked at for one answer, over all journals: some seconds of reading.
const RECORDS_READ_MAX: u64 = 2_000_000;

/// How far the clock of a verifier may step back between an id and its record.
const CLOCK_SLACK: Duration = Duration::from_secs(120);

/// For how long after a decision its end is looked for. A call that takes longer shows no end.
const END_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// The records of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundDecision {
    /// Whose journal has them.
    pub(crate) origin: String,
    /// Their lines.
    pub(crate) lines: Vec<String>,
}

/// Looks for a decision in every journal of a directory. Blocks on the disk.
pub(crate) fn find(fleet: &Path, decision: DecisionId) -> Result<Option<FoundDecision>, ReadError> {
    let made = made(decision);
    let mut left = RECORDS_READ_MAX;
    for (origin, directory) in journals(fleet) {
        let kept = kept_in(&directory);
        let Some(start) = start(&directory, made, kept) else {
            continue;
        };
        let text = decision.to_string();
        let mut lines = Vec::new();
        for record in records_from(&directory, start)? {
            let record = record?;
            let over = made.after(END_WITHIN);
            if record.index() >= kept || left == 0 || record.time() > over {
                break;
            }
            left -= 1;
            if !record.line().contains(&text) || record.json()["decision"] != text.as_str() {
                continue;
            }
            let ends = matches!(record.kind(), "abandoned" | "finished");
            let denied = record.json()["verdict"] == "deny";
            lines.push(record.line().to_owned());
            if ends || denied {
                break;
            }
        }
        if !lines.is_empty() {
            return Ok(Some(FoundDecision { origin, lines }));
        }
    }
    Ok(None)
}

/// When the id was made: the milliseconds it begins with.
fn made(decision: DecisionId) -> Timestamp {
    let ms = i64::try_from(decision.as_u128() >> 80).unwrap_or(i64::MAX);
    Timestamp::from_unix_ms(ms)
}

/// The journals that are kept, by origin.
fn journals(fleet: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(fleet).into_iter().flatten().flatten();
    let mut journals: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .filter(|(name, _)| is_origin(name))
        .collect();
    journals.sort();
    journals
}

/// The first record of the segment in which a record of this time is, if the journal reaches that far back.
fn start(directory: &Path, made: Timestamp, kept: u64) -> Option<u64> {
    let entries = fs::read_dir(directory).ok()?.flatten();
    let mut segments: Vec<u64> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_suffix(".jsonl")?.parse().ok()
        })
        .filter(|first| *first < kept)
        .collect();
    segments.sort_unstable();
    let latest = made.after(CLOCK_SLACK);
    let begins_before = |first: &u64| {
        let path = directory.join(format!("{first:020}.jsonl"));
        first_time(&path).is_ok_and(|time| time.is_some_and(|time| time <= latest))
    };
    let last = segments.iter().rposition(begins_before)?;
    // The clock may have stepped back over the end of a segment.
    segments.get(last.saturating_sub(1)).copied()
}

/// The time of a segment's first record.
fn first_time(path: &Path) -> io::Result<Option<Timestamp>> {
    let file = fs::File::open(path)?.take(RECORD_BYTES_MAX as u64 + 1);
    let mut line = String::new();
    BufReader::new(file).read_line(&mut line)?;
    let record: Option<Head> = serde_json::from_str(&line).ok();
    Ok(record.map(|head| head.time))
}

#[derive(serde::Deserialize)]
struct Head {
    time: Timestamp,
}
