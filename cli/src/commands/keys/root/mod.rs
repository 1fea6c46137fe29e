//! `hallpass keys root`: one file per verb.

mod document;
mod install;
mod rotate;
mod show;
mod sign;

use clap::Subcommand;

use crate::exit::Exit;
use crate::output::Output;

/// What to do with roots.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Put a signed root in force
    Install(install::Args),
    /// Make the root after one, and sign it with the keys at hand
    Rotate(rotate::Args),
    /// Say what a root document says, who signed it and who has yet to
    Show(show::Args),
    /// Sign a root document that somebody else made
    Sign(sign::Args),
}

impl Command {
    pub(crate) fn run(&self, output: &mut Output) -> anyhow::Result<Exit> {
        match self {
            Self::Install(args) => install::run(args, output),
            Self::Rotate(args) => rotate::run(args, output),
            Self::Show(args) => show::run(args, output),
            Self::Sign(args) => sign::run(args, output),
        }
    }
}
