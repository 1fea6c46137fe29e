//! `hallpass verifiers retire`: nothing a verifier signs is believed any more.

use super::show::tell;
use crate::exit::Exit;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass verifiers retire 0011223344556677 --reason 'the pod is gone'

It goes on deciding calls, for that it needs nobody. What it reports and ships is refused; what was kept of it stays.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The verifier, by its origin
    origin: String,
    /// Why, for the record
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let retired = operator.retire_verifier(&args.origin, args.reason.as_deref());
    let verifier = wait(retired, "the verifier was not retired")?;
    tell(&verifier, args.json, output)
}
