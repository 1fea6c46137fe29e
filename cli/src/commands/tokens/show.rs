//! `hallpass tokens show`: the record of a token.

use hallpass_vocabulary::TokenId;

use crate::exit::Exit;
use crate::listing::show_one;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass tokens show tok_0199e8f3c0b17d3f9a3c5d7e9f1b3d5a

The record the authority has of it: nobody keeps its bytes. `hallpass tokens inspect` reads a token itself.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The token's id
    token: TokenId,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let token = wait(operator.token(args.token), "the token is not known")?;
    show_one(&token, args.json, output)?;
    Ok(Exit::Ok)
}
