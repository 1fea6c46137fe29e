//! `hallpass keys list`: where every key of an authority stands.

use comfy_table::Table;
use serde_json::Value;

use super::short;
use crate::exit::Exit;
use crate::listing::text;
use crate::operator_input::OperatorArgs;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass keys list
  hallpass keys list --all --json | jq .root

Keys that are retired are left out without --all. A key that is not HERE has no file in the directory of the authority that \
answers; where there are several replicas, each must have it before the key is made active.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Those too that are retired
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let mut answer = super::keys(&operator)?;
    if let Some(keys) = answer.get_mut("keys").and_then(Value::as_array_mut)
        && !args.all
    {
        keys.retain(|key| text(key, "standing") != "retired");
    }
    if args.json {
        output.json(&answer)?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["PURPOSE", "STANDING", "KEY", "SINCE", "UNTIL", "HERE"]);
    let keys = answer.get("keys").and_then(Value::as_array);
    for key in keys.into_iter().flatten() {
        let here = key.get("here").and_then(Value::as_bool) == Some(true);
        table.add_row([
            text(key, "purpose"),
            text(key, "standing"),
            short(&text(key, "key")),
            text(key, "since"),
            text(key, "until"),
            if here { "yes" } else { "no" }.to_owned(),
        ]);
    }
    for line in table.lines() {
        output.line(line.trim_end())?;
    }
    if let Some(root) = answer.get("root") {
        output.line("")?;
        output.line(&format!(
            "root {}: {} of {} keys sign the next, believed until {}",
            text(root, "version"),
            text(root, "threshold"),
            root.get("keys")
                .and_then(Value::as_array)
                .map_or(0, Vec::len),
            text(root, "expires"),
        ))?;
    }
    Ok(Exit::Ok)
}
