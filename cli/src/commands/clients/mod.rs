//! `hallpass clients`: one file per verb.

mod added;
mod list;
mod new;
mod retire;
mod rotate;
mod standing;

use clap::Subcommand;

use crate::exit::Exit;
use crate::output::Output;

/// What to do with clients.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Keep a client out, whatever it proves itself with
    Disable(standing::DisableArgs),
    /// Let a client in again
    Enable(standing::EnableArgs),
    /// Say which clients there are, and what they prove themselves with
    List(list::Args),
    /// Give a client its first secret
    New(new::Args),
    /// Retire one secret of a client
    Retire(retire::Args),
    /// Give a client a new secret, and retire those it has after an overlap
    Rotate(rotate::Args),
}

impl Command {
    pub(crate) fn run(&self, output: &mut Output) -> anyhow::Result<Exit> {
        match self {
            Self::Disable(args) => standing::disable(args, output),
            Self::Enable(args) => standing::enable(args, output),
            Self::List(args) => list::run(args, output),
            Self::New(args) => new::run(args, output),
            Self::Retire(args) => retire::run(args, output),
            Self::Rotate(args) => rotate::run(args, output),
        }
    }
}
