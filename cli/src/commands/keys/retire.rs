//! `hallpass keys retire`: a key ends before its time.

use anyhow::anyhow;
use hallpass_client::OperatorError;
use serde_json::{Value, json};

use super::short;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::listing::text;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::{Output, Style};
use crate::trust::block_on;
use crate::words::escaped;

const EXAMPLES: &str = "\
Examples:
  hallpass keys retire 9f3a5c7e1b2d4f60 --env prod
  hallpass keys retire 9f3a5c7e1b2d4f60 --env prod --yes    also when live tokens end with it

For a key that retires anyway, one that is prepared and not wanted, or one that is tainted and need not be refused by name \
any longer. The key that signs cannot be retired: rotate it, or taint it.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The key, by its id or how that starts
    key_id: String,
    /// Also when live tokens end with it
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let key = super::one(&operator, &args.key_id)?;
    let path = format!("/v1/keys/{key}/retire");
    let body = json!({"confirmed": args.yes}).to_string();
    let answer = block_on(operator.ask("POST", &path, None, body.as_bytes()))?;
    if let Err(OperatorError::Refused(problem)) = &answer
        && problem.code == "key_in_use"
    {
        let detail = problem.detail.as_deref().unwrap_or_default();
        return Err(anyhow!("the key was not retired: {}", escaped(detail)))
            .hint("--yes ends live tokens; it retires by itself when they have expired");
    }
    let retired: Value = wait(std::future::ready(answer), "the key was not retired")?;
    if args.json {
        output.json(&retired)?;
        return Ok(Exit::Ok);
    }
    let tokens = retired.get("tokens").and_then(Value::as_u64).unwrap_or(0);
    if tokens > 0 {
        let warning = output.err_style(Style::Caution, "warning:");
        let or_more = match retired.get("more").and_then(Value::as_bool) {
            Some(true) => " or more",
            _ => "",
        };
        output.note(&format!(
            "{warning} {tokens}{or_more} live tokens ended with it"
        ));
    }
    output.line(&format!(
        "retired: {}, in bundle {}",
        short(&text(&retired, "key")),
        text(&retired, "bundle_version"),
    ))?;
    Ok(Exit::Ok)
}
