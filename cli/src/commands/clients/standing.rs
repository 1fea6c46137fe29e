//! `hallpass clients disable` and `enable`: whether a client may ask at all.

use hallpass_vocabulary::ClientId;

use crate::exit::Exit;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;

const DISABLE_EXAMPLES: &str = "\
Examples:
  hallpass clients disable support-orchestrator

The client gets no token from then on, whatever it proves itself with. Tokens it has go on until they expire.";

const ENABLE_EXAMPLES: &str = "\
Examples:
  hallpass clients enable support-orchestrator";

#[derive(Debug, clap::Args)]
#[command(after_help = DISABLE_EXAMPLES)]
pub(crate) struct DisableArgs {
    /// The client
    client: ClientId,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = ENABLE_EXAMPLES)]
pub(crate) struct EnableArgs {
    /// The client
    client: ClientId,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Standing<'a> {
    client: &'a str,
    enabled: bool,
}

pub(crate) fn disable(args: &DisableArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let disabled = operator.set_enabled(&args.client, false);
    wait(disabled, "the client was not disabled")?;
    say(&args.client, false, args.json, output)
}

pub(crate) fn enable(args: &EnableArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let enabled = operator.set_enabled(&args.client, true);
    wait(enabled, "the client was not enabled")?;
    say(&args.client, true, args.json, output)
}

fn say(client: &ClientId, enabled: bool, json: bool, output: &mut Output) -> anyhow::Result<Exit> {
    if json {
        let client = client.as_str();
        output.json(&Standing { client, enabled })?;
    } else {
        let word = if enabled { "enabled" } else { "disabled" };
        output.line(&format!("client {client} is {word}"))?;
    }
    Ok(Exit::Ok)
}
