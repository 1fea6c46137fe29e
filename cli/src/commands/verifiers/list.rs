//! `hallpass verifiers list`: which verifiers there are, and how each is.

use std::time::Duration;

use comfy_table::Table;
use hallpass_client::KnownVerifier;
use hallpass_vocabulary::{Audience, Clock as _, SystemClock, Timestamp};

use crate::exit::Exit;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;
use crate::words::{escaped, relative};

const EXAMPLES: &str = "\
Examples:
  hallpass verifiers list
  hallpass verifiers list --audience tickets --all
  hallpass verifiers list --json | jq -r '.[] | select(.refused_at) | .origin'

BUNDLE says whether a verifier has the newest one, and how old its last heartbeat is. WITNESSED is the last checkpoint of its \
journal, KEPT how many of its records are here. A journal that is not what was witnessed is REFUSED.";

/// Longer than this without a report, and a verifier is not there.
const SILENT_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Only those of this service
    #[arg(long)]
    audience: Option<Audience>,
    /// Those that were retired too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let known = wait(operator.verifiers(), "the verifiers are not known")?;
    let wanted = |verifier: &&KnownVerifier| {
        let of_service = |audience: &Audience| *audience == verifier.audience;
        args.audience.as_ref().is_none_or(of_service) && (args.all || verifier.retired_at.is_none())
    };
    let verifiers: Vec<&KnownVerifier> = known.verifiers.iter().filter(wanted).collect();
    if args.json {
        output.json(&verifiers)?;
        return Ok(Exit::Ok);
    }
    let now = SystemClock.now();
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "ORIGIN",
        "SERVICE",
        "STATE",
        "SEEN",
        "BUNDLE",
        "RECORDS",
        "WITNESSED",
        "KEPT",
        "CALLS",
    ]);
    for verifier in verifiers {
        table.add_row([
            escaped(&verifier.origin),
            verifier.audience.to_string(),
            state(verifier, now).to_owned(),
            verifier
                .seen_at
                .map_or_else(|| "never".to_owned(), |at| relative(at, now)),
            bundle(verifier, now),
            count(verifier.journal_size.map(|size| size.records)),
            count(verifier.checkpoint.map(|checkpoint| checkpoint.size)),
            verifier.acknowledged.to_string(),
            verifier.calls_in_flight.to_string(),
        ]);
    }
    for line in table.lines() {
        output.line(line.trim_end())?;
    }
    Ok(Exit::Ok)
}

/// In one word, the worst first.
pub(super) fn state(verifier: &KnownVerifier, now: Timestamp) -> &str {
    if verifier.retired_at.is_some() {
        return "retired";
    }
    if verifier.refused_at.is_some() {
        return "REFUSED";
    }
    match verifier.seen_at {
        None => "not heard",
        Some(at) if now.since(at) > SILENT_AFTER => "silent",
        Some(_) => match verifier.mode.as_deref() {
            Some("draining") => "draining",
            Some("halted") => "halted",
            _ => "serving",
        },
    }
}

pub(super) fn bundle(verifier: &KnownVerifier, now: Timestamp) -> String {
    let Some(heartbeat) = verifier.heartbeat else {
        return "none".to_owned();
    };
    let which = if verifier.bundle_current {
        "newest"
    } else {
        "older"
    };
    format!("{which}, {}s", now.since(heartbeat).as_secs())
}

fn count(number: Option<u64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}
