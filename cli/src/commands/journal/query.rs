//! `hallpass journal query`: the records somebody asks for.

use std::collections::VecDeque;
use std::path::PathBuf;

use comfy_table::Table;
use hallpass_journal::read::Record;
use hallpass_vocabulary::{Clock as _, SystemClock};

use super::records;
use super::summary::Summary;
use super::wanted::Wanted;
use crate::exit::Exit;
use crate::output::Output;

/// Records in a table when nothing else is asked for: a few screens.
const TABLE_ROWS_DEFAULT: usize = 100;

const EXAMPLES: &str = "\
Examples:
  hallpass journal query journal --verdict deny --since 1h
  hallpass journal query journal --tenant acme --tool ticket.close
  hallpass journal query journal --arg /ticket=T-1
  hallpass journal query journal --kind minted --json | jq -r .subject

An argument is found where records show it, and a sensitive one where the journal's key files can be read and are not \
erased. Shows what is written; `hallpass journal verify` says whether to believe it.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory
    directory: PathBuf,
    #[command(flatten)]
    wanted: Wanted,
    /// Only the newest so many; 100 in a table, all as JSON, when left out
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Each record as it stands in the file, one JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let filter = args.wanted.filter(SystemClock.now());
    let mut arguments = args.wanted.arguments(&args.directory)?;
    let limit = match args.limit {
        Some(limit) => limit,
        None if args.json => usize::MAX,
        None => TABLE_ROWS_DEFAULT,
    };
    let mut found = VecDeque::new();
    let mut left_out = 0_u64;
    let mut unreadable = None;
    for record in records(&args.directory)? {
        let record = match record {
            Ok(record) => record,
            // What was found before it is shown all the same: a crash may leave a last line that is none.
            Err(error) => {
                unreadable = Some(error);
                break;
            }
        };
        if !filter.matches(&record) || !arguments.matches(&record) {
            continue;
        }
        if args.json && args.limit.is_none() {
            output.json_text(record.line())?;
            if output.is_closed() {
                break;
            }
            continue;
        }
        found.push_back(record);
        if found.len() > limit {
            found.pop_front();
            left_out = left_out.saturating_add(1);
        }
    }
    if args.json {
        for record in &found {
            output.json_text(record.line())?;
        }
    } else {
        table(&found, output)?;
    }
    arguments.report(output);
    if left_out > 0 {
        output.note(&format!(
            "{left_out} older records match and are left out; --limit N shows more"
        ));
    }
    unreadable.map_or(Ok(Exit::Ok), Err)
}

fn table(found: &VecDeque<Record>, output: &mut Output) -> anyhow::Result<()> {
    if found.is_empty() {
        output.note("no record matches");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(Summary::COLUMNS);
    for record in found {
        table.add_row(Summary::of(record).cells());
    }
    for line in table.lines() {
        output.line(line.trim_end())?;
    }
    Ok(())
}
