//! `hallpass journal`: one file per verb.

pub(crate) mod arguments;
mod check;
mod csv;
mod erase;
mod export;
mod key;
mod prove;
mod prune;
mod query;
mod reached;
pub(crate) mod summary;
mod tail;
mod verify;
mod wanted;
mod writing;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;
use clap::Subcommand;
use hallpass_journal::read::{self, ReadError, Record, Records};

pub(crate) use key::JournalKey;
pub(crate) use wanted::When;

use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;
use crate::words::shell_quoted;

/// What to do with a journal.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check the proof of one decision, without its journal
    Check(check::Args),
    /// Erase the keys of old sensitive arguments, so that their digests compare with nothing
    Erase(erase::Args),
    /// Write records out for other programs: JSON Lines, or decisions with their outcomes as CSV
    Export(export::Args),
    /// Write the proof of one decision, for somebody without the journal
    Prove(prove::Args),
    /// Remove old records for good, so that the rest still verifies
    Prune(prune::Args),
    /// Find records
    Query(query::Args),
    /// Show the newest records, and new ones as they are written
    Tail(tail::Args),
    /// Check that a journal is what was signed: nothing altered, nothing missing
    Verify(verify::Args),
}

impl Command {
    pub(crate) fn run(&self, output: &mut Output) -> anyhow::Result<Exit> {
        match self {
            Self::Check(args) => check::run(args, output),
            Self::Erase(args) => erase::run(args, output),
            Self::Export(args) => export::run(args, output),
            Self::Prove(args) => prove::run(args, output),
            Self::Prune(args) => prune::run(args, output),
            Self::Query(args) => query::run(args, output),
            Self::Tail(args) => tail::run(args, output),
            Self::Verify(args) => verify::run(args, output),
        }
    }
}

/// The records of a directory, from the first to the last whole one.
pub(crate) fn records(dir: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Record>>> {
    hinted(dir, read::records(dir))
}

/// At least this many of the newest records of a directory, if there are so many.
fn newest_records(
    dir: &Path,
    count: u64,
) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Record>>> {
    hinted(dir, read::newest(dir, count))
}

fn hinted(
    dir: &Path,
    records: Result<Records, ReadError>,
) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Record>>> {
    let records = records
        .with_context(|| format!("cannot read the journal in `{}`", dir.display()))
        .hint("give the directory with the journal's `*.jsonl` files")?;
    let verify = format!(
        "hallpass journal verify {}",
        shell_quoted(&dir.display().to_string())
    );
    Ok(records.map(move |record| record.hint(verify.as_str())))
}

/// A whole file, if it is not longer than this: one from elsewhere may be a device, which never ends.
fn read_at_most(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}
