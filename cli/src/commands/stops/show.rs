//! `hallpass stops show`: everything that is known of a stop.

use hallpass_vocabulary::StopId;

use crate::exit::Exit;
use crate::listing::show_one;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass stops show stop_0199e8f3c0b17d3f9a3c5d7e9f1b3d5a";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The stop
    stop: StopId,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let stop = wait(operator.stop(args.stop), "the stop is not known")?;
    show_one(&stop, args.json, output)?;
    Ok(Exit::Ok)
}
