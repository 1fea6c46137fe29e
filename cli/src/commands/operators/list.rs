//! `hallpass operators list`: who may act, and how.

use comfy_table::Table;

use crate::exit::Exit;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;
use crate::words::{escaped, listed};

const EXAMPLES: &str = "\
Examples:
  hallpass operators list
  hallpass operators list --json

They are those of the policy in force. Nobody is enrolled by a command: it is a change of the policy.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let operators = wait(operator.operators(), "the operators are not known")?;
    if args.json {
        output.json(&operators)?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["OPERATOR", "PERSON", "ROLES", "KEYS"]);
    for operator in &operators.operators {
        let roles: Vec<String> = operator.roles.iter().map(|role| escaped(role)).collect();
        let keys = operator
            .keys
            .iter()
            .map(|key| format!("{:.16}…", key.to_string()));
        table.add_row([
            operator.operator.to_string(),
            operator.person.to_string(),
            roles.join(", "),
            listed(keys),
        ]);
    }
    for line in table.lines() {
        output.line(line.trim_end())?;
    }
    for group in &operators.groups {
        output.line("")?;
        output.line(&format!(
            "group {}: {} ({})",
            group.group,
            listed(&group.members),
            escaped(&group.summary)
        ))?;
    }
    Ok(Exit::Ok)
}
