//! `hallpass journal tail`: the newest records.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use hallpass_journal::read::{self, Record};

use super::newest_records;
use super::summary::Summary;
use crate::exit::Exit;
use crate::output::Output;

/// How often a followed journal is looked at: soon enough for a person, seldom enough for the disk.
const FOLLOW_PAUSE: Duration = Duration::from_millis(250);

/// The most records shown at first: what fits into memory without thought.
const COUNT_MAX: u64 = 100_000;

const EXAMPLES: &str = "\
Examples:
  hallpass journal tail journal
  hallpass journal tail journal -f --json | jq 'select(.verdict == \"deny\")'

Shows what is written; `hallpass journal verify` says whether to believe it.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory
    directory: PathBuf,
    /// How many records
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=COUNT_MAX))]
    lines: u64,
    /// Go on with new records as they are written
    #[arg(short, long)]
    follow: bool,
    /// Each record as it stands in the file, one JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let wanted = usize::try_from(args.lines)?;
    let mut newest = VecDeque::new();
    let mut next = 0;
    let mut unreadable = None;
    for record in newest_records(&args.directory, args.lines)? {
        let record = match record {
            Ok(record) => record,
            // What stands before it is shown all the same: a crash may leave a last line that is none.
            Err(error) => {
                unreadable = Some(error);
                break;
            }
        };
        next = record.index().saturating_add(1);
        newest.push_back(record);
        if newest.len() > wanted {
            newest.pop_front();
        }
    }
    for record in &newest {
        show(record, args.json, output)?;
    }
    unreadable.map_or(Ok(()), Err)?;
    if args.follow && !output.is_closed() {
        let mut failed = None;
        read::follow(&args.directory, next, FOLLOW_PAUSE, |record| {
            failed = show(&record, args.json, output).err();
            if failed.is_some() || output.is_closed() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        failed.map_or(Ok(()), Err)?;
    }
    Ok(Exit::Ok)
}

fn show(record: &Record, json: bool, output: &mut Output) -> std::io::Result<()> {
    if json {
        output.json_text(record.line())
    } else {
        output.line(&Summary::of(record).line())
    }
}
