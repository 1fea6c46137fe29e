//! `hallpass decisions`: what an authority decided, and what was done with it.

use hallpass_client::List;
use hallpass_vocabulary::{
    ClientId, Clock as _, RunId, Subject, SystemClock, Tenant, TokenId, ToolName,
};
use serde_json::Value;

use super::journal::When;
use crate::exit::Exit;
use crate::listing::{Filters, rows, show, text};
use crate::operator_input::OperatorArgs;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass decisions --since 1h
  hallpass decisions --kind mint_refused --tenant acme
  hallpass decisions --run run_0199e8f3c0b17d3f9a3c5d7e9f1b3d5a --json
  hallpass decisions --verifier 0011223344556677 --tool ticket.close

The records of the authority's own journal: tokens it minted and refused, what operators did and were refused, policies it \
loaded. With --verifier, what a service decided, as far as its journal was shipped to the authority.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Recorded at this time or later; `1h` is an hour ago
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
    /// Recorded before this time
    #[arg(long, value_name = "TIME")]
    until: Option<When>,
    /// Of this kind, such as `minted` or `mint_refused`
    #[arg(long)]
    kind: Option<String>,
    /// With this code
    #[arg(long)]
    code: Option<String>,
    /// About this client
    #[arg(long)]
    client: Option<ClientId>,
    /// About this tenant
    #[arg(long)]
    tenant: Option<Tenant>,
    /// On behalf of this subject
    #[arg(long)]
    subject: Option<Subject>,
    /// About this run
    #[arg(long)]
    run: Option<RunId>,
    /// About this token
    #[arg(long)]
    token: Option<TokenId>,
    /// About this tool
    #[arg(long)]
    tool: Option<ToolName>,
    /// From the journal of this verifier, by its origin
    #[arg(long, value_name = "ORIGIN")]
    verifier: Option<String>,
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
        .with("client", args.client.as_ref())
        .with("code", args.code.as_ref())
        .with("kind", args.kind.as_ref())
        .with("run", args.run)
        .with("since", args.since.map(|since| since.timestamp(now)))
        .with("subject", args.subject.as_ref())
        .with("tenant", args.tenant.as_ref())
        .with("token", args.token)
        .with("tool", args.tool.as_ref())
        .with("until", args.until.map(|until| until.timestamp(now)))
        .with("verifier", args.verifier.as_ref());
    let limit = usize::try_from(args.limit)?;
    let decisions = rows(&operator, List::Decisions, filters, limit, output)?;
    let header = ["INDEX", "TIME", "KIND", "TENANT", "WHO", "WHAT", "CODE"];
    show(&decisions, args.json, header, cells, output)?;
    Ok(Exit::Ok)
}

fn cells(record: &Value) -> [String; 7] {
    let first = |names: &[&str]| {
        let texts = names.iter().map(|name| text(record, name));
        texts
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    };
    [
        text(record, "index"),
        text(record, "time"),
        text(record, "kind"),
        text(record, "tenant"),
        first(&["operator", "by", "subject", "client"]),
        first(&[
            "action", "tool", "token", "run", "change", "route", "digest", "detail", "decision",
        ]),
        first(&["code", "status", "verdict", "result"]),
    ]
}
