//! `hallpass clients new`: the first secret of a client.

use anyhow::anyhow;
use hallpass_vocabulary::ClientId;

use super::added;
use crate::duration::Span;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass clients new support-orchestrator > secret
  hallpass clients new nightly --valid 90d --json

The policy must declare the client first. Prints the secret, and nothing else, on standard output: it is shown this \
once, and only its hash is kept. A client that has a secret already gets the next one by `hallpass clients rotate`.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The client, as the policy declares it
    client: ClientId,
    /// How long the secret is good; until it is retired when left out
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
    let clients = wait(operator.clients(), "no secret was added")?;
    let known = clients.iter().find(|it| it.client == args.client);
    if known.is_some_and(|client| client.secrets.iter().any(|secret| secret.good)) {
        return Err(anyhow!("client `{}` has a secret already", args.client)).hint(format!(
            "`hallpass clients rotate {}` gives it another and retires those it has",
            args.client
        ));
    }
    let valid = args.valid.map(|valid| valid.get().as_secs());
    let added = wait(
        operator.add_secret(&args.client, valid),
        "no secret was added",
    )?;
    added::show(&added, &[], args.json, output)?;
    Ok(Exit::Ok)
}
