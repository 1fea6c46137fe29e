//! `hallpass stops list`: what is stopped.

use hallpass_client::List;
use serde_json::Value;

use crate::exit::Exit;
use crate::listing::{Filters, rows, show, text};
use crate::operator_input::OperatorArgs;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass stops list
  hallpass stops list --all --limit 500
  hallpass stops list --json | jq -r '.[].stop_id'";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Also those that were lifted or have ended
    #[arg(long)]
    all: bool,
    /// At most so many, the newest
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let filters = Filters::default().with("active", (!args.all).then_some(true));
    let limit = usize::try_from(args.limit)?;
    let stops = rows(&operator, List::Stops, filters, limit, output)?;
    let header = ["STOP", "STATE", "OF", "SINCE", "UNTIL", "BY", "REASON"];
    show(&stops, args.json, header, cells, output)?;
    Ok(Exit::Ok)
}

fn cells(stop: &Value) -> [String; 7] {
    let until = match stop.get("lifted_at") {
        Some(_) => "lifted_at",
        None => "until",
    };
    let asked = stop.get("lift_asked").and_then(Value::as_array);
    let in_force = text(stop, "state") == "in_force";
    let state = match asked.is_some_and(|asked| !asked.is_empty()) {
        true if in_force => "resume asked".to_owned(),
        _ => text(stop, "state").replace('_', " "),
    };
    [
        text(stop, "stop_id"),
        state,
        text(stop, "selector"),
        text(stop, "placed_at"),
        text(stop, until),
        text(stop, "placed_by"),
        text(stop, "reason"),
    ]
}
