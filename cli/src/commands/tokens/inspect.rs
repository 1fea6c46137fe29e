//! `hallpass tokens inspect`: who may do what, where, until when.

use anyhow::Context as _;
use hallpass_token::UnverifiedToken;
use hallpass_token::describe::Description;
use hallpass_vocabulary::{Clock as _, SystemClock, Timestamp};

use super::described;
use crate::commands::denied;
use crate::exit::Exit;
use crate::explained::Beside;
use crate::hint::HintExt as _;
use crate::output::Output;
use crate::token_input::TokenInput;
use crate::trust::TrustArgs;
use crate::verdict::{self, Steps};
use crate::words::escaped;

const EXAMPLES: &str = "\
Examples:
  hallpass tokens inspect @token
  hallpass tokens mint … | hallpass tokens inspect
  hallpass tokens inspect @token --trust-root trust-root.txt --authority http://127.0.0.1:7420
  hallpass tokens inspect @token --json | jq .not_after
  hallpass tokens inspect @token --datalog

Reads the token and says what it claims. Without a trust root and keys no signature is looked at, and it says so.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The token: its text, `@FILE`, or `-` for standard input
    #[arg(default_value = "-")]
    token: TokenInput,
    #[command(flatten)]
    trust: TrustArgs,
    /// Look at no signature, whatever the environment's variables offer
    #[arg(long)]
    offline: bool,
    /// As of this time instead of now
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// The blocks as Datalog, as any Biscuit tool prints them
    #[arg(long, conflicts_with = "json")]
    datalog: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let now = args.at.unwrap_or_else(|| SystemClock.now());
    let token = args.token.parse(output)?;
    let (description, datalog) = if args.trust.is_given() && !args.offline {
        let snapshot = args
            .trust
            .snapshot(now)
            .hint("--offline looks at the token without looking at its signatures")?;
        match verdict::identify(token, &snapshot, &mut Steps::default()) {
            Ok(identified) => (identified.token.describe(), identified.token.datalog()),
            Err(denial) => {
                return denied::report(&denial, &Beside::default(), args.json, output);
            }
        }
    } else {
        // Described first: it says why, when it cannot be.
        (claimed(&token)?, token.datalog()?)
    };
    if args.datalog {
        for line in datalog_lines(&description, &datalog) {
            output.line(&line)?;
        }
    } else if args.json {
        output.json(&description)?;
    } else {
        for line in described::lines(&description, now, output) {
            output.line(&line)?;
        }
    }
    Ok(Exit::Ok)
}

/// The blocks, each under a comment.
fn datalog_lines(description: &Description, blocks: &[String]) -> Vec<String> {
    let mut lines = vec![format!("// {}", described::standing(description.standing))];
    for (position, block) in blocks.iter().enumerate() {
        lines.push(format!("// block {position}"));
        lines.extend(block.lines().map(escaped));
    }
    lines
}

/// What a token says of itself.
pub(super) fn claimed(token: &UnverifiedToken) -> anyhow::Result<Description> {
    let described = token.describe();
    let hint = described
        .as_ref()
        .err()
        .map_or("", |error| error.code().next_step());
    described
        .context("no service would admit this token")
        .hint(hint)
}
