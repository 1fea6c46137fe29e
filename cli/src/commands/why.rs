//! `hallpass why`: one decision in words.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use hallpass_journal::read::{Filter, Lines, Record};
use hallpass_vocabulary::{DecisionId, Environment};

use super::journal::records;
use super::story::{Source, Story};
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;
use crate::secret_input::NetworkArgs;
use crate::words::escaped;

const EXAMPLES: &str = "\
Examples:
  hallpass why dec_019a… --journal journal
  hallpass why dec_019a… --journal journal --json | jq .code
  hallpass why dec_019a… --key dana.key            from what services shipped to the authority

The id is in the header `Hallpass-Decision` of the answer, and `hallpass call` prints it. The journal is the one of the \
service that decided. Says what is written; `hallpass journal verify` says whether to believe it.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The decision
    decision: DecisionId,
    /// The journal's directory
    #[arg(
        long,
        value_name = "DIR",
        env = "HALLPASS_JOURNAL",
        required_unless_present = "key"
    )]
    journal: Option<PathBuf>,
    /// Ask the authority, with this operator's key file; its passphrase comes from HALLPASS_PASSPHRASE or is asked for
    #[arg(long, value_name = "FILE", requires_all = ["authority", "trust_root"])]
    key: Option<PathBuf>,
    /// With --key, the authority
    #[arg(long, value_name = "URL", env = "HALLPASS_AUTHORITY")]
    authority: Option<String>,
    /// With --key, the authority's trust root: the request is signed for the authority it names
    #[arg(long, value_name = "FILE", env = "HALLPASS_TRUST_ROOT")]
    trust_root: Option<PathBuf>,
    /// With --key, the environment that is meant
    #[arg(long, env = "HALLPASS_ENV")]
    env: Option<Environment>,
    #[command(flatten)]
    network: NetworkArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let story = match (&args.key, &args.authority, &args.trust_root, &args.journal) {
        (Some(key), Some(authority), Some(trust_root), _) => {
            let operator = OperatorArgs::new(
                authority.clone(),
                key.clone(),
                trust_root.clone(),
                args.env.clone(),
                args.network.clone(),
            );
            asked(args.decision, &operator, output)?
        }
        (_, _, _, Some(journal)) => found(args.decision, journal)?,
        _ => {
            return Err(anyhow!(
                "give --journal DIR, or --key FILE to ask the authority"
            ));
        }
    };
    if args.json {
        output.json(&story.explained()?)?;
        return Ok(Exit::Ok);
    }
    story.tell(output)?;
    Ok(Exit::Ok)
}

/// From what was shipped to an authority.
fn asked(
    decision: DecisionId,
    operator: &OperatorArgs,
    output: &mut Output,
) -> anyhow::Result<Story> {
    let operator = operator.client(output)?;
    let shipped = operator.decision(decision);
    let shipped = wait(shipped, "the decision is not known")?;
    output.note(&format!(
        "decided by verifier {}{}",
        escaped(&shipped.verifier),
        shipped
            .audience
            .map(|audience| format!(" of {audience}"))
            .unwrap_or_default()
    ));
    let mut text = shipped.lines.join("\n");
    text.push('\n');
    let records: Result<Vec<Record>, _> = Lines::new(text.as_bytes()).collect();
    let records = records.context("the authority answered what is no record")?;
    Story::of(records, Source::Journal)
        .ok_or_else(|| anyhow!("the authority has what came of {decision}, and not the decision"))
        .hint("what it has begins later; look into the journal of the service")
}

/// From a journal at hand.
fn found(decision: DecisionId, journal: &Path) -> anyhow::Result<Story> {
    let filter = Filter {
        decision: Some(decision),
        ..Filter::default()
    };
    let mut found = Vec::new();
    for record in records(journal)? {
        let record = record?;
        if filter.matches(&record) {
            found.push(record);
        }
    }
    Story::of(found, Source::Journal)
        .ok_or_else(|| anyhow!("there is no {decision} in `{}`", journal.display()))
        .hint(
            "give the journal of the service that decided; in a flood of bad requests only some are recorded singly, \
             the rest as a number in records of kind `refused`",
        )
}
