//! `hallpass operators`: one file per verb.

mod list;
mod new;

use clap::Subcommand;

use crate::exit::Exit;
use crate::output::Output;

/// What to do with operators.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say who may act on an authority, and what each may do
    List(list::Args),
    /// Make an operator's key, and print what the policy needs to enrol it
    New(new::Args),
}

impl Command {
    pub(crate) fn run(&self, output: &mut Output) -> anyhow::Result<Exit> {
        match self {
            Self::List(args) => list::run(args, output),
            Self::New(args) => new::run(args, output),
        }
    }
}
