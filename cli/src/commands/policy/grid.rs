//! `hallpass policy grid`: which route gives which tool, to whom.

use std::path::PathBuf;

use anyhow::anyhow;
use comfy_table::Table;
use hallpass_policy::GridRow;
use hallpass_vocabulary::{Route, ToolName};

use super::input;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass policy grid authority/policy
  hallpass policy grid policy --route /support/send
  hallpass policy grid policy --json | jq '.rows[] | select(.tools.\"ticket.close\" != \"-\")'

One row for each route as every subject has it, and one for each role that a subject's own token may give it there. \
`bound` is with arguments that some caveat allows; `hallpass policy explain` says which.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The policy: its directory, or one file
    #[arg(default_value = input::POLICY_DEFAULT)]
    policy: PathBuf,
    /// Only this route
    #[arg(long)]
    route: Option<Route>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Answer<'a> {
    rows: Vec<Row<'a>>,
}

#[derive(serde::Serialize)]
struct Row<'a> {
    route: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    tools: std::collections::BTreeMap<&'a str, &'static str>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let grid = input::policy(&args.policy)?.grid();
    let wanted = |row: &&GridRow| args.route.as_ref().is_none_or(|route| *route == row.route);
    let rows: Vec<&GridRow> = grid.rows.iter().filter(wanted).collect();
    if let (true, Some(route)) = (rows.is_empty(), &args.route) {
        return Err(anyhow!("there is no route `{route}`"))
            .hint("`hallpass policy grid` without --route shows all of them");
    }
    if args.json {
        output.json(&Answer {
            rows: rows.iter().map(|row| json(&grid.tools, row)).collect(),
        })?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let columns = ["route", "role"].into_iter();
    table.set_header(columns.chain(grid.tools.iter().map(ToolName::as_str)));
    for row in rows {
        let who = [
            row.route.as_str(),
            row.role.as_ref().map_or("any", |role| role.as_str()),
        ];
        table.add_row(
            who.into_iter()
                .chain(row.cells.iter().map(|cell| cell.as_str())),
        );
    }
    for line in table.lines() {
        output.line(line.trim_end())?;
    }
    Ok(Exit::Ok)
}

fn json<'a>(tools: &'a [ToolName], row: &'a GridRow) -> Row<'a> {
    let cells = row.cells.iter().map(|cell| cell.as_str());
    Row {
        route: row.route.as_str(),
        role: row.role.as_ref().map(|role| role.as_str()),
        tools: tools.iter().map(ToolName::as_str).zip(cells).collect(),
    }
}
