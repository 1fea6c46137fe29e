//! `hallpass keys taint`: a key that somebody else may have is not believed any more.

use serde_json::{Value, json};

use super::short;
use crate::exit::Exit;
use crate::listing::text;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::{Output, Style};

const EXAMPLES: &str = "\
Examples:
  hallpass keys taint 9f3a5c7e1b2d4f60 --env prod --reason 'found in a backup'

From now on the bundle says that the key is not to be believed: its tokens are refused by every verifier that has the bundle, \
and by the others at the latest when theirs is too old. Where it was the key that signs, the prepared one signs, or a new \
one. Tokens that were minted with it are worth nothing: whoever holds one asks for another. It cannot be taken back. Keys \
of bundles and heartbeats are replaced with a root: `hallpass keys root rotate`.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The key, by its id or how that starts
    key_id: String,
    /// Why, for the records
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let key = super::one(&operator, &args.key_id)?;
    let path = format!("/v1/keys/{key}/taint");
    let body = json!({"reason": args.reason}).to_string();
    let tainted: Value = wait(
        operator.ask("POST", &path, None, body.as_bytes()),
        "the key was not tainted",
    )?;
    if args.json {
        output.json(&tainted)?;
        return Ok(Exit::Ok);
    }
    let word = output.style(Style::Bad, "tainted:");
    output.line(&format!(
        "{word} {}, in bundle {}; {} signs",
        short(&text(&tainted, "key")),
        text(&tainted, "bundle_version"),
        short(&text(&tainted, "active")),
    ))?;
    Ok(Exit::Ok)
}
