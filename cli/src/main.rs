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
mod journals_input;
mod listing;
mod logging;
mod operator_input;
mod output;
mod passphrase;
mod progress;
mod reach;
mod secret_input;
mod sources;
mod temporary;
mod token_input;
mod trust;
mod variables;
mod verdict;
mod words;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::output::Output;
use crate::token_input::without_tokens;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    let mut output = Output::of_process();
    match cli.command.run(&mut output) {
        Ok(exit) => exit.into(),
        Err(error) => {
            hint::report(&error, &mut output);
            exit::Exit::Failure.into()
        }
    }
}

/// Help, a version, or a mistake; and no token that was given in a wrong place, since standard error is often kept.
fn not_understood(error: &clap::Error) -> ExitCode {
    let text = error.to_string();
    let shown = without_tokens(&text);
    if text == shown {
        // In colour where there is colour.
        let _ = error.print();
    } else {
        Output::of_process().note(shown.trim_end());
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::Exit::Failure as u8))
}
