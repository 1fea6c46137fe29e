//! `hallpass policy`: one file per verb.

mod check;
mod diff;
mod explain;
mod grid;
mod input;
mod reload;
mod replay;
mod revision;
mod suggest;
mod test;

use clap::Subcommand;

use crate::exit::Exit;
use crate::output::Output;

/// What to do with a policy.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say whether a policy holds together, and what in it is probably not meant
    Check(check::Args),
    /// Say what a policy allows that another does not
    Diff(diff::Args),
    /// Say why a request for a token would be answered as it would
    Explain(explain::Args),
    /// Show which route gives which tool, to whom
    Grid(grid::Args),
    /// Make a running authority read its policy again
    Reload(reload::Args),
    /// Ask a policy what was asked and decided under another: what would be answered otherwise
    Replay(replay::Args),
    /// Say what is granted and was never used, as a narrower policy
    Suggest(suggest::Args),
    /// Hold a policy to the expectations beside it
    Test(test::Args),
}

impl Command {
    pub(crate) fn run(&self, output: &mut Output) -> anyhow::Result<Exit> {
        match self {
            Self::Check(args) => check::run(args, output),
            Self::Diff(args) => diff::run(args, output),
            Self::Explain(args) => explain::run(args, output),
            Self::Grid(args) => grid::run(args, output),
            Self::Reload(args) => reload::run(args, output),
            Self::Replay(args) => replay::run(args, output),
            Self::Suggest(args) => suggest::run(args, output),
            Self::Test(args) => test::run(args, output),
        }
    }
}
