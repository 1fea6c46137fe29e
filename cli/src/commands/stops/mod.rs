//! `hallpass stops`: what is stopped, and what was.

mod list;
mod show;

use clap::Subcommand;

use crate::exit::Exit;
use crate::output::Output;

/// What to say of stops.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what is stopped
    List(list::Args),
    /// Say what is known of a stop
    Show(show::Args),
}

impl Command {
    pub(crate) fn run(&self, output: &mut Output) -> anyhow::Result<Exit> {
        match self {
            Self::List(args) => list::run(args, output),
            Self::Show(args) => show::run(args, output),
        }
    }
}
