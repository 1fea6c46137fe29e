//! `hallpass tokens`: one file per verb.

mod attenuate;
mod caveats;
mod described;
mod diff;
mod given_up;
mod inspect;
mod list;
mod mint;
mod show;
mod verify;
mod warnings;

use clap::Subcommand;

use crate::exit::Exit;
use crate::output::Output;

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Narrow a token, offline
    Attenuate(attenuate::Args),
    /// Say what a narrower token gave up
    Diff(diff::Args),
    /// Say who may do what with a token, where and until when
    Inspect(inspect::Args),
    /// Say which tokens an authority minted
    List(list::Args),
    /// Ask an authority for a token
    Mint(Box<mint::Args>),
    /// Say what an authority recorded of a token
    Show(show::Args),
    /// Check a token's signatures, and whether it allows a call
    Verify(verify::Args),
}

impl Command {
    pub(crate) fn run(&self, output: &mut Output) -> anyhow::Result<Exit> {
        match self {
            Self::Attenuate(args) => attenuate::run(args, output),
            Self::Diff(args) => diff::run(args, output),
            Self::Inspect(args) => inspect::run(args, output),
            Self::List(args) => list::run(args, output),
            Self::Mint(args) => mint::run(args, output),
            Self::Show(args) => show::run(args, output),
            Self::Verify(args) => verify::run(args, output),
        }
    }
}
