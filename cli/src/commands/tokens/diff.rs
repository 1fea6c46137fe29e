//! `hallpass tokens diff`: what a narrower token gave up.

use anyhow::anyhow;
use hallpass_token::given_up::GivenUp;

use super::given_up;
use super::inspect::claimed;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::token_input::TokenInput;

const EXAMPLES: &str = "\
Examples:
  hallpass tokens diff @token @narrower
  hallpass tokens diff @token @narrower --json | jq .tools

Compares what the two tokens claim; no signature is looked at, `hallpass tokens verify` does that.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The token: its text, `@FILE`, or `-` for standard input
    token: TokenInput,
    /// The one that was made from it
    narrower: TokenInput,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    if matches!(
        (&args.token, &args.narrower),
        (TokenInput::Stdin, TokenInput::Stdin)
    ) {
        return Err(anyhow!(
            "the two tokens cannot both come from standard input"
        ))
        .hint("give one of them as `@FILE`");
    }
    let before = claimed(&args.token.parse(output)?)?;
    let after = claimed(&args.narrower.parse(output)?)?;
    if !before.is_narrowed_to(&after) {
        let hint = if after.is_narrowed_to(&before) {
            "it is the other way round: give the wider token first"
        } else {
            "`hallpass tokens inspect` shows where they part: both must have the same grant, and the second every caveat \
             of the first"
        };
        return Err(anyhow!("the second token was not made from the first")).hint(hint);
    }
    let given_up: GivenUp = before.given_up(&after);
    if args.json {
        output.json(&given_up)?;
        return Ok(Exit::Ok);
    }
    let lines = given_up::lines(&given_up, |label| output.style(Style::Faint, label));
    for line in lines {
        output.line(&line)?;
    }
    Ok(Exit::Ok)
}
