//! `hallpass why`: one decision in words.

use std::path::PathBuf;

use anyhow::anyhow;
use hallpass_journal::read::Filter;
use hallpass_vocabulary::DecisionId;

use super::journal::records;
use super::story::{Source, Story};
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass why dec_019a… --journal journal
  hallpass why dec_019a… --journal journal --json | jq .code

The id is in the header `Hallpass-Decision` of the answer, and `hallpass call` prints it. The journal is the one of the \
service that decided. Says what is written; `hallpass journal verify` says whether to believe it.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The decision
    decision: DecisionId,
    /// The journal's directory
    #[arg(long, value_name = "DIR", env = "HALLPASS_JOURNAL")]
    journal: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let story = find(args)?;
    if args.json {
        output.json(&story.explained()?)?;
        return Ok(Exit::Ok);
    }
    story.tell(output)?;
    Ok(Exit::Ok)
}

fn find(args: &Args) -> anyhow::Result<Story> {
    let filter = Filter {
        decision: Some(args.decision),
        ..Filter::default()
    };
    let mut found = Vec::new();
    for record in records(&args.journal)? {
        let record = record?;
        if filter.matches(&record) {
            found.push(record);
        }
    }
    Story::of(found, Source::Journal)
        .ok_or_else(|| anyhow!("there is no {} in `{}`", args.decision, args.journal.display()))
        .hint(
            "give the journal of the service that decided; in a flood of bad requests only some are recorded singly, \
             the rest as a number in records of kind `refused`",
        )
}
