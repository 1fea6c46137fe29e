//! `hallpass demo`: the whole path on this machine, with everything that should be refused.

use crate::demo;
use crate::exit::Exit;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass demo           start everything, play it through, clean up
  hallpass demo --keep    leave it running, with curl commands to try

Everything runs on this machine, on ports the system chooses, in a temporary directory.
Exit status: 0 when every step went as said, 1 when one did not, 2 when it could not be played.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Leave everything running afterwards, until SIGINT or SIGTERM
    #[arg(long)]
    keep: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(demo::play(args.keep, output))
}
