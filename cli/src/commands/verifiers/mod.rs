//! `hallpass verifiers`: one file per verb.

mod enrol;
mod list;
mod retire;
mod show;

use clap::Subcommand;

use crate::exit::Exit;
use crate::output::Output;

/// What to do with verifiers.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a code with which one verifier of a service becomes known
    Enrol(enrol::Args),
    /// Say which verifiers are known, and how each is
    List(list::Args),
    /// Believe nothing a verifier signs any more
    Retire(retire::Args),
    /// Show a verifier, its calls in flight and its stops
    Show(show::Args),
}

impl Command {
    pub(crate) fn run(&self, output: &mut Output) -> anyhow::Result<Exit> {
        match self {
            Self::Enrol(args) => enrol::run(args, output),
            Self::List(args) => list::run(args, output),
            Self::Retire(args) => retire::run(args, output),
            Self::Show(args) => show::run(args, output),
        }
    }
}
