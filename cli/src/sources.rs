//! Whether a value was given as a flag or by the environment.

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _};
use hallpass_authority::Source;

use crate::cli::Cli;

/// What was given to one command of this process.
pub(crate) struct Sources(Option<ArgMatches>);

impl Sources {
    /// Of the command with this name.
    pub(crate) fn of_process(command: &[&str]) -> Self {
        let matches = Cli::command().try_get_matches().ok();
        Self(command.iter().fold(matches, |matches, name| {
            matches?.subcommand_matches(name).cloned()
        }))
    }

    /// Where the value of a flag that was given comes from.
    pub(crate) fn of(&self, id: &str, flag: &'static str, variable: &'static str) -> Source {
        let source = self.0.as_ref().and_then(|matches| matches.value_source(id));
        match source {
            Some(ValueSource::EnvVariable) => Source::Environment(variable),
            _ => Source::Flag(flag),
        }
    }
}
