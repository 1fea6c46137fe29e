//! `hallpass runs`: one file per verb.

mod end;
mod list;
mod show;

use clap::Subcommand;

use crate::exit::Exit;
use crate::output::Output;

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// End a run: it gets no further token
    End(end::Args),
    /// Say which runs there are
    List(list::Args),
    /// Say what is known of a run
    Show(show::Args),
}

impl Command {
    pub(crate) fn run(&self, output: &mut Output) -> anyhow::Result<Exit> {
        match self {
            Self::End(args) => end::run(args, output),
            Self::List(args) => list::run(args, output),
            Self::Show(args) => show::run(args, output),
        }
    }
}
