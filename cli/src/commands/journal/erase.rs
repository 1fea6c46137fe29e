//! `hallpass journal erase`: makes old sensitive arguments unreadable without changing a record.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use hallpass_journal::Erased;
use hallpass_vocabulary::{Clock as _, SystemClock};

use super::records;
use super::wanted::When;
use super::writing::{identity, open};
use crate::exit::Exit;
use crate::output::Output;

/// How long the record of the erasure may take to reach the disk.
const RECORD_WAIT: Duration = Duration::from_secs(30);

/// What to do when the service that writes it runs.
const WHEN_LOCKED: &str = "stop the service that writes it, or let that service erase";

const EXAMPLES: &str = "\
Examples:
  hallpass journal erase journal --before 90d
  hallpass journal erase journal --before 2026-09-01T00:00:00Z

Records keep their digests and the journal verifies as before; nobody can compare anything with those digests any more, \
except with a copy of the key files. Whole segments only: up to the last one that begins before that time. The service that \
writes the journal must not be running; a running one erases through its own program.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory
    directory: PathBuf,
    /// Of records written before this time; `90d` is ninety days ago
    #[arg(long, value_name = "TIME")]
    before: When,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Report<'a> {
    origin: &'a str,
    /// Every sensitive digest before this record compares with nothing now; absent when there was nothing to erase.
    #[serde(skip_serializing_if = "Option::is_none")]
    below: Option<u64>,
    keys: usize,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let before = args.before.timestamp(SystemClock.now());
    let (environment, name) = identity(&args.directory)?;
    // A clock that stepped back must not make a record count as older than what stands before it.
    let mut below = 0;
    for record in records(&args.directory)? {
        let record = record?;
        if record.time() >= before {
            break;
        }
        below = record.index().saturating_add(1);
    }
    output.note(&format!("environment {environment}, journal {name}"));
    let journal = open(&args.directory, WHEN_LOCKED)?;
    let erased = journal.erase_sensitive(below, RECORD_WAIT)?;
    journal.close().context("cannot close the journal")?;
    report(args, journal.origin(), erased, output)?;
    Ok(Exit::Ok)
}

fn report(
    args: &Args,
    origin: &str,
    erased: Option<Erased>,
    output: &mut Output,
) -> anyhow::Result<()> {
    if args.json {
        return output.json(&Report {
            origin,
            below: erased.map(|erased| erased.below),
            keys: erased.map_or(0, |erased| erased.keys),
        });
    }
    match erased {
        Some(Erased { below, keys }) => {
            output.line(&format!(
                "erased {keys} keys: sensitive arguments in the records before {below} can no longer be compared"
            ))?;
            output.note("copies of the key files elsewhere are not erased");
        }
        None => {
            output.line("nothing to erase: no segment is that old, or its key is gone already")?
        }
    }
    Ok(())
}
