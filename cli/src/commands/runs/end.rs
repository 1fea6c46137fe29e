//! `hallpass runs end`: a run gets no further token.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use hallpass_client::{RunEnd, TokenClient, TokenError};
use hallpass_vocabulary::{ClientId, Environment, RunId};

use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;
use crate::secret_input::{ClientArgs, NetworkArgs};
use crate::trust::block_on;

const EXAMPLES: &str = "\
Examples:
  hallpass runs end run_0199e8f3c0b17d3f9a3c5d7e9f1b3d5a --reason 'the ticket is solved'
  hallpass runs end run_0199e8f3c0b17d3f9a3c5d7e9f1b3d5a --key dana.key

A client ends its own runs; with --key an operator ends any. Neither the run nor a run it started gets a further token. \
Tokens it has are good until they expire. Ending a run twice is ending it once.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The run
    run: RunId,
    /// Why, for the records
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The authority
    #[arg(long, value_name = "URL", env = "HALLPASS_AUTHORITY")]
    authority: String,
    /// The client
    #[arg(
        long,
        value_name = "CLIENT",
        env = "HALLPASS_CLIENT_ID",
        required_unless_present = "key"
    )]
    client_id: Option<ClientId>,
    /// A file with the client's secret; without one it is read from HALLPASS_CLIENT_SECRET
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    client_secret_file: Option<PathBuf>,
    /// End it as an operator, with this key file, and not as a client; its passphrase comes from HALLPASS_PASSPHRASE or is
    /// asked for
    #[arg(long, value_name = "FILE", requires = "trust_root")]
    key: Option<PathBuf>,
    /// With --key, the authority's trust root: the request is signed for the authority it names
    #[arg(long, value_name = "FILE", env = "HALLPASS_TRUST_ROOT")]
    trust_root: Option<PathBuf>,
    /// With --key, the environment that is meant
    #[arg(long, env = "HALLPASS_ENV")]
    env: Option<Environment>,
    #[command(flatten)]
    network: NetworkArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Ended {
    run_id: RunId,
    ended_at: hallpass_vocabulary::Timestamp,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let ended = match (&args.key, &args.trust_root, &args.client_id) {
        (Some(key), Some(trust_root), _) => {
            let operator = OperatorArgs::new(
                args.authority.clone(),
                key.clone(),
                trust_root.clone(),
                args.env.clone(),
                args.network.clone(),
            );
            let operator = operator.client(output)?;
            let ending = operator.end_run(args.run, args.reason.as_deref());
            wait(ending, "the run was not ended")?
        }
        (None, _, Some(client)) => {
            let client = ClientArgs::new(client.clone(), args.client_secret_file.clone());
            by_client(args, &client, output)?
        }
        _ => {
            return Err(anyhow!("nobody ends the run"))
                .hint("give --client-id, or --key and --trust-root");
        }
    };
    if ended.run_id != args.run {
        return Err(anyhow!("the authority ended another run"))
            .hint("check that there is a Hallpass authority at that address");
    }
    if args.json {
        output.json(&Ended {
            run_id: ended.run_id,
            ended_at: ended.ended_at,
        })?;
    } else {
        output.line(&ended.to_string())?;
    }
    Ok(Exit::Ok)
}

fn by_client(args: &Args, client: &ClientArgs, output: &mut Output) -> anyhow::Result<RunEnd> {
    let authority = args.network.base_url(&args.authority)?;
    // A client is registered in exactly one environment, so there is nothing to choose between.
    output.note(&format!(
        "the environment of client {}, authority {authority}",
        client.id()
    ));
    let client = TokenClient::new(authority, client.id().clone(), client.secret()?)?;
    let answer = block_on(client.end_run(args.run, args.reason.as_deref()))?;
    let hint = match &answer {
        Err(TokenError::Refused(problem)) if problem.code == "run_unknown" => {
            "a client ends its own runs; an operator ends any, with --key"
        }
        Err(TokenError::Refused(_)) => "docs/authority.md lists the authority's codes",
        _ => "check that there is a Hallpass authority at that address",
    };
    answer.context("the run was not ended").hint(hint)
}
