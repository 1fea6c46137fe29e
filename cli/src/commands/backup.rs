//! `hallpass backup`: copies an authority's directory, which may be running.

use std::path::PathBuf;

use anyhow::Context as _;
use hallpass_authority::{BackupError, BackupKeys, InitError, OpenError, backup};

use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass backup /srv/hallpass /backup/hallpass-2026-11-25
  hallpass backup /srv/hallpass /media/safe/hallpass --with-keys     whoever has that copy can mint

The authority may be running. Without --with-keys no key is copied, and a copy starts once they are
put back from where they are kept. Rows in PostgreSQL are not copied: dump the database before this
command, so that the journal knows all the dump does.
docs/store.md describes how a copy is put back.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The authority's directory
    directory: PathBuf,
    /// The directory to create
    out: PathBuf,
    /// Copy the keys too
    #[arg(long)]
    with_keys: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let keys = match args.with_keys {
        true => BackupKeys::Included,
        false => BackupKeys::LeftOut,
    };
    let made = backup(&args.directory, &args.out, keys);
    let hint = match &made {
        Err(BackupError::Place(InitError::NotEmpty { .. })) => "give a new directory",
        Err(BackupError::Open(OpenError::Missing { .. })) => {
            "give the directory that `hallpass serve --dir` runs"
        }
        _ => "nothing was left at the new place; the authority is as it was",
    };
    let made = made.context("no copy was made").hint(hint)?;
    if args.json {
        let json = serde_json::json!({
            "directory": made.directory,
            "keys": args.with_keys,
            "store": made.store,
            "journal_bytes": made.journal_bytes,
        });
        output.line(&json.to_string())?;
        return Ok(Exit::Ok);
    }
    output.line(&format!("copied to {}", made.directory.display()))?;
    if !made.store {
        output.note("the rows are in PostgreSQL and are not in the copy");
    }
    if !args.with_keys {
        output.note("no key is in the copy");
    }
    Ok(Exit::Ok)
}
