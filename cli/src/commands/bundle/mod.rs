//! `hallpass bundle`: one file per verb.

mod export;

use clap::Subcommand;

use crate::exit::Exit;
use crate::output::Output;

/// What to do with the bundle.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write the bundle to a file, for services that no network reaches
    Export(export::Args),
}

impl Command {
    pub(crate) fn run(&self, output: &mut Output) -> anyhow::Result<Exit> {
        match self {
            Self::Export(args) => export::run(args, output),
        }
    }
}
