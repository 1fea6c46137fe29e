//! `hallpass verifiers enrol`: a code for one verifier.

use hallpass_vocabulary::{Audience, Timestamp};

use crate::duration::Span;
use crate::exit::Exit;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;
use crate::words::time;

const EXAMPLES: &str = "\
Examples:
  hallpass verifiers enrol --audience tickets
  hallpass verifiers enrol --audience tickets --ttl 1h > tickets.code

The code is shown this once, and is good for one verifier. A service takes it where it is configured (`tickets-service \
--enrol FILE`) and needs it no more once it is known.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The service the verifier is of
    #[arg(long)]
    audience: Audience,
    /// For how long it may be used, at most a day [default: 15m]
    #[arg(long, value_name = "SPAN")]
    ttl: Option<Span>,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Shown<'a> {
    code: &'a str,
    audience: &'a Audience,
    until: Timestamp,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let seconds = args.ttl.map(|ttl| ttl.get().as_secs());
    let issued = operator.invite_verifier(&args.audience, seconds);
    let issued = wait(issued, "no code was made")?;
    if args.json {
        output.json(&Shown {
            code: &issued.code,
            audience: &issued.audience,
            until: issued.until,
        })?;
        return Ok(Exit::Ok);
    }
    output.note(&format!(
        "good for one verifier of {} until {}",
        issued.audience,
        time(issued.until)
    ));
    output.line(&issued.code)?;
    Ok(Exit::Ok)
}
