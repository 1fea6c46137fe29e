//! `hallpass tokens list`: which tokens an authority minted.

use hallpass_client::List;
use hallpass_vocabulary::{ClientId, RunId, Tenant};
use serde_json::Value;

use crate::exit::Exit;
use crate::listing::{Filters, rows, show, text};
use crate::operator_input::OperatorArgs;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass tokens list --active
  hallpass tokens list --run run_0199e8f3c0b17d3f9a3c5d7e9f1b3d5a --json

Records of tokens: nobody keeps their bytes.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Only tokens that have not expired
    #[arg(long)]
    active: bool,
    /// Of this run
    #[arg(long)]
    run: Option<RunId>,
    /// Asked for by this client
    #[arg(long)]
    client: Option<ClientId>,
    /// Of this tenant
    #[arg(long)]
    tenant: Option<Tenant>,
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
    let filters = Filters::default()
        .with("active", args.active.then_some(true))
        .with("client", args.client.as_ref())
        .with("run", args.run)
        .with("tenant", args.tenant.as_ref());
    let limit = usize::try_from(args.limit)?;
    let tokens = rows(&operator, List::Tokens, filters, limit, output)?;
    let header = [
        "TOKEN", "RUN", "TENANT", "ROUTE", "SUBJECT", "CLIENT", "ISSUED", "EXPIRES",
    ];
    show(&tokens, args.json, header, cells, output)?;
    Ok(Exit::Ok)
}

fn cells(token: &Value) -> [String; 8] {
    [
        "token_id",
        "run_id",
        "tenant",
        "route",
        "subject",
        "client",
        "issued_at",
        "expires_at",
    ]
    .map(|name| text(token, name))
}
