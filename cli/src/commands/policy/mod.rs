//! `hallpass policy`: one file per verb.

mod check;
mod diff;
mod explain;
mod grid;
mod input;
mod reload;
mod revision;
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
            Self::Test(args) => test::run(args, output),
        }
    }
}
