//! `hallpass journal prune`: old records are removed for good.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use hallpass_journal::{
    Journal, JournalName, Old, OpenError, Prunable, PruneError, Settings, prunable,
};
use hallpass_keys::note::NoteVerifier;
use hallpass_vocabulary::{Clock as _, Environment, SystemClock, Timestamp};

use super::records;
use super::wanted::When;
use crate::duration::Span;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;
use crate::words::shell_quoted;

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
        let journal = open(&args.directory)?;
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

/// Opens the journal as what its origin says it is.
fn open(dir: &Path) -> anyhow::Result<Journal> {
    let path = dir.join("journal.vkey");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let verifier: NoteVerifier = text
        .trim_end()
        .parse()
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    let origin = verifier.name().as_str();
    let named = || {
        let mut parts = origin.split('/').skip(1);
        let environment = Environment::new(parts.next()?).ok()?;
        Some((environment, JournalName::new(parts.next()?).ok()?))
    };
    let (environment, name) =
        named().ok_or_else(|| anyhow!("`{origin}` is not the origin of a journal"))?;
    let settings = Settings::new(environment, name, Arc::new(SystemClock));
    match Journal::open(dir, settings) {
        Err(error @ OpenError::Locked { .. }) => Err(error).hint(
            "the service that writes it runs: stop it first, or let it prune by itself (Settings::keep)",
        ),
        Err(error @ OpenError::Damaged(_)) => Err(error).hint(format!(
            "hallpass journal verify {}",
            shell_quoted(&dir.display().to_string())
        )),
        opened => Ok(opened?),
    }
}
