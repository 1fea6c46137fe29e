//! `hallpass journal prune`: old records are removed for good.

use std::path::PathBuf;

use anyhow::anyhow;
use hallpass_journal::{Old, Prunable, PruneError, prunable};
use hallpass_vocabulary::{Clock as _, SystemClock, Timestamp};

use super::records;
use super::wanted::When;
use super::writing::open;
use crate::duration::Span;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;
use crate::words::shell_quoted;

/// What to do when the service that writes it runs.
const WHEN_LOCKED: &str =
    "the service that writes it runs: stop it first, or let it prune by itself (Settings::keep)";

const EXAMPLES: &str = "\
Examples:
  hallpass journal prune journal --keep 90d --dry-run
  hallpass journal prune journal --keep 90d
  hallpass journal prune journal --before 2026-01-01T00:00:00Z

Removes whole files of records whose records are all older, and no record younger than 8 days. Verifies the journal first, \
and records what was removed, so that the rest still verifies. Needs the journal for itself: a service that runs prunes \
its own when it is set up to keep records for a time.

Exit status: 0 done, or nothing is old enough, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory
    directory: PathBuf,
    #[command(flatten)]
    old: Chosen,
    /// Say what would be removed, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Which records are old: one of the two.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Chosen {
    /// Records written before this time
    #[arg(long, value_name = "TIME")]
    before: Option<When>,
    /// Records older than this, such as `90d`
    #[arg(long, value_name = "AGE")]
    keep: Option<Span>,
}

#[derive(serde::Serialize)]
struct Answer {
    dry_run: bool,
    records: u64,
    segments: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    below: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Timestamp>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    // A directory that is no journal is a mistake with words of its own, and none is made of it.
    drop(records(&args.directory)?);
    let now = SystemClock.now();
    let before = match (args.old.before, args.old.keep) {
        (Some(when), _) => when.timestamp(now),
        (None, Some(keep)) => {
            let ms = i64::try_from(keep.get().as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_unix_ms(now.unix_ms().saturating_sub(ms))
        }
        (None, None) => return Err(anyhow!("give --before or --keep")),
    };
    let old = Old::Before(before);
    let found = if args.dry_run {
        hinted(args, prunable(&args.directory, old, now))?
    } else {
        let journal = open(&args.directory, WHEN_LOCKED)?;
        let pruned = journal.prune(old);
        let closed = journal.close();
        let pruned = hinted(args, pruned)?;
        closed?;
        pruned
    };
    said(args, found.as_ref(), output)?;
    Ok(Exit::Ok)
}

fn hinted<T>(args: &Args, done: Result<T, PruneError>) -> anyhow::Result<T> {
    let verify = format!(
        "hallpass journal verify {}",
        shell_quoted(&args.directory.display().to_string())
    );
    match done {
        Err(error @ (PruneError::Damaged(_) | PruneError::Checkpoint(_))) => {
            Err(error).hint(verify)
        }
        done => Ok(done?),
    }
}

fn said(args: &Args, found: Option<&Prunable>, output: &mut Output) -> anyhow::Result<()> {
    if args.json {
        return output.json(&Answer {
            dry_run: args.dry_run,
            records: found.map_or(0, |it| it.records),
            segments: found.map_or(0, |it| it.segments),
            bytes: found.map_or(0, |it| it.bytes),
            below: found.map(|it| it.record.below),
            last: found.map(|it| it.record.last),
        });
    }
    let Some(found) = found else {
        output.line("nothing is old enough to go: only whole files of records do")?;
        return Ok(());
    };
    let verb = if args.dry_run { "would go" } else { "removed" };
    output.line(&format!(
        "{verb}: {} records in {} files, {} bytes; all before record {}, the last of {}",
        found.records, found.segments, found.bytes, found.record.below, found.record.last
    ))?;
    Ok(())
}
