//! `hallpass verifiers show`: one verifier.

use hallpass_client::KnownVerifier;
use hallpass_vocabulary::{Clock as _, SystemClock};

use super::list::{bundle, state};
use crate::exit::Exit;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;
use crate::words::{escaped, relative, time};

const EXAMPLES: &str = "\
Examples:
  hallpass verifiers show 0011223344556677
  hallpass verifiers show 0011223344556677 --json | jq .stops_at";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The verifier, by its origin
    origin: String,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let verifier = operator.verifier(&args.origin);
    let verifier = wait(verifier, "the verifier is not known")?;
    tell(&verifier, args.json, output)
}

pub(super) fn tell(
    verifier: &KnownVerifier,
    json: bool,
    output: &mut Output,
) -> anyhow::Result<Exit> {
    if json {
        output.json(verifier)?;
        return Ok(Exit::Ok);
    }
    let now = SystemClock.now();
    let mut line = |name: &str, value: &str| output.line(&format!("{name:<12}{value}"));
    line("verifier", &escaped(&verifier.origin))?;
    line("journal", &escaped(&verifier.journal))?;
    line("state", state(verifier, now))?;
    line("key", &verifier.key_id.to_string())?;
    line("enrolled", &time(verifier.enrolled_at))?;
    if let Some(before) = &verifier.predecessor {
        line("goes on from", &escaped(before))?;
    }
    if let Some(at) = verifier.retired_at {
        line("retired", &time(at))?;
    }
    if let Some(at) = verifier.refused_at {
        line(
            "refused",
            &format!("{}: its journal is not what was witnessed", time(at)),
        )?;
    }
    if let Some(at) = verifier.seen_at {
        line("seen", &relative(at, now))?;
    }
    if let Some(software) = &verifier.software {
        line("software", &escaped(software))?;
    }
    line("bundle", &bundle(verifier, now))?;
    if let Some(stops) = &verifier.stops_at {
        let (destructive, write, read) = (stops.destructive, stops.write, stops.read);
        line(
            "stops at",
            &format!(
                "{} destructive, {} writes, {} reads",
                time(destructive),
                time(write),
                time(read)
            ),
        )?;
    }
    if let Some(size) = &verifier.journal_size {
        let writable = if size.writable {
            ""
        } else {
            ", CANNOT BE WRITTEN"
        };
        line(
            "records",
            &format!("{} in {} bytes{writable}", size.records, size.bytes),
        )?;
    }
    if let Some(checkpoint) = &verifier.checkpoint {
        line(
            "witnessed",
            &format!(
                "{} records, {} ({})",
                checkpoint.size,
                checkpoint.root,
                time(checkpoint.at)
            ),
        )?;
    }
    line("kept", &format!("{} records", verifier.acknowledged))?;
    line("calls", &verifier.calls_in_flight.to_string())?;
    for call in &verifier.calls {
        let run = call.run.map(|run| run.to_string()).unwrap_or_default();
        line(
            "",
            &format!(
                "{} {} {run} since {}",
                call.decision,
                call.tool,
                time(call.since)
            ),
        )?;
    }
    for stop in &verifier.stops {
        line("stop", &escaped(stop))?;
    }
    Ok(Exit::Ok)
}
