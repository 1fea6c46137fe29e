//! The `hallpass` command: one file per subcommand, in `commands`.
//!
//! Exit status: 0 for yes and done, 1 for a denial (and for a journal that does not verify), 2 for a mistake in the
//! command line or a failure. What a script reads goes to standard output, what a person reads beside it to standard
//! error, where failures end as `error: …` and, where something can be done, `hint: …`.

mod arguments_input;
mod cli;
mod commands;
mod demo;
mod duration;
mod exit;
mod explained;
mod hint;
mod output;

mod secret_input;
mod temporary;
mod token_input;
mod trust;
mod verdict;
mod words;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::output::Output;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut output = Output::of_process();
    match cli.command.run(&mut output) {
        Ok(exit) => exit.into(),
        Err(error) => {
            hint::report(&error, &mut output);
            exit::Exit::Failure.into()
        }
    }
}
