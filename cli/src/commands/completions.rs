//! `hallpass completions`: what a shell needs to complete commands and flags.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass completions bash > ~/.local/share/bash-completion/completions/hallpass
  hallpass completions fish > ~/.config/fish/completions/hallpass.fish";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Which shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    // Into memory first: the generator panics when a pipe is closed under it.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hallpass", &mut script);
    output.write(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
