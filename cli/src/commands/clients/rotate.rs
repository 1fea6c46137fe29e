//! `hallpass clients rotate`: a new secret, and an end for the old ones.

use hallpass_vocabulary::ClientId;

use super::added::{self, Retired};
use crate::duration::Span;
use crate::exit::Exit;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass clients rotate support-orchestrator > secret
  hallpass clients rotate support-orchestrator --overlap 5m > secret

Both secrets are good during the overlap, so the client can change over without a gap. The new secret comes first: when \
something fails in between, run `hallpass clients list` and retire what is left over.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The client
    client: ClientId,
    /// How long the secrets it has go on being good
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    overlap: Span,
    /// How long the new secret is good; until it is retired when left out
    #[arg(long, value_name = "DURATION")]
    valid: Option<Span>,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let clients = wait(operator.clients(), "nothing was changed")?;
    let old: Vec<String> = clients
        .into_iter()
        .filter(|it| it.client == args.client)
        .flat_map(|it| it.secrets)
        .filter(|secret| secret.good)
        .map(|secret| secret.secret_id)
        .collect();
    let valid = args.valid.map(|valid| valid.get().as_secs());
    let added = wait(
        operator.add_secret(&args.client, valid),
        "nothing was changed",
    )?;
    let overlap = args.overlap.get().as_secs();
    let mut retired = Vec::new();
    let mut failed = None;
    for secret_id in old {
        let until = wait(
            operator.retire_secret(&args.client, &secret_id, overlap),
            "the new secret is good, and an old one was not retired",
        );
        match until {
            Ok(until) => retired.push(Retired { secret_id, until }),
            Err(error) => failed = Some(error),
        }
    }
    // Also when an old one is left over: the new one is told only here.
    added::show(&added, &retired, args.json, output)?;
    failed.map_or(Ok(Exit::Ok), Err)
}
