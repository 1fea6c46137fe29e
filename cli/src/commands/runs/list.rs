//! `hallpass runs list`: which runs there are.

use hallpass_client::List;
use hallpass_vocabulary::{
    Actor, ClientId, Clock as _, Route, Subject, SystemClock, Tenant, ToolName,
};
use serde_json::Value;

use crate::commands::journal::When;
use crate::exit::Exit;
use crate::listing::{Filters, rows, show, text};
use crate::operator_input::OperatorArgs;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass runs list --active
  hallpass runs list --active --tool ticket.update --tenant acme
  hallpass runs list --since 24h --json | jq -r '.[].run_id'";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Only runs that are neither ended nor over
    #[arg(long)]
    active: bool,
    /// That may call this tool, with an approval or without
    #[arg(long)]
    tool: Option<ToolName>,
    /// Started at this time or later; `1h` is an hour ago
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
    /// Of this tenant
    #[arg(long)]
    tenant: Option<Tenant>,
    /// Started under this route
    #[arg(long)]
    route: Option<Route>,
    /// Started by this client
    #[arg(long)]
    client: Option<ClientId>,
    /// On behalf of this subject
    #[arg(long)]
    subject: Option<Subject>,
    /// Of this agent
    #[arg(long)]
    actor: Option<Actor>,
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
    let now = SystemClock.now();
    let filters = Filters::default()
        .with("active", args.active.then_some(true))
        .with("actor", args.actor.as_ref())
        .with("client", args.client.as_ref())
        .with("route", args.route.as_ref())
        .with("since", args.since.map(|since| since.timestamp(now)))
        .with("subject", args.subject.as_ref())
        .with("tenant", args.tenant.as_ref())
        .with("tool", args.tool.as_ref());
    let limit = usize::try_from(args.limit)?;
    let runs = rows(&operator, List::Runs, filters, limit, output)?;
    let header = [
        "RUN", "STATE", "TENANT", "ROUTE", "SUBJECT", "ACTOR", "CLIENT", "STARTED", "ENDS",
    ];
    show(&runs, args.json, header, cells, output)?;
    Ok(Exit::Ok)
}

fn cells(run: &Value) -> [String; 9] {
    let ended = run.get("ended_at").is_some();
    let active = run.get("active") == Some(&Value::Bool(true));
    let state = match (ended, active) {
        (true, _) => "ended",
        (false, true) => "active",
        (false, false) => "over",
    };
    let ends = if ended { "ended_at" } else { "ends_at" };
    [
        text(run, "run_id"),
        state.to_owned(),
        text(run, "tenant"),
        text(run, "route"),
        text(run, "subject"),
        text(run, "actor"),
        text(run, "client"),
        text(run, "started_at"),
        text(run, ends),
    ]
}
