//! `hallpass runs end`: a run gets no further token.

use anyhow::{Context as _, anyhow};
use hallpass_client::{TokenClient, TokenError};
use hallpass_vocabulary::RunId;

use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;
use crate::secret_input::{ClientArgs, NetworkArgs};
use crate::trust::block_on;

const EXAMPLES: &str = "\
Examples:
  hallpass runs end run_0199e8f3c0b17d3f9a3c5d7e9f1b3d5a --reason 'the ticket is solved'

Neither the run nor a run it started gets a further token. Tokens it has are good until they expire. Ending a run twice \
is ending it once.";

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
    #[command(flatten)]
    client: ClientArgs,
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
    let authority = args.network.base_url(&args.authority)?;
    // A client is registered in exactly one environment, so there is nothing to choose between.
    output.note(&format!(
        "the environment of client {}, authority {authority}",
        args.client.id()
    ));
    let client = TokenClient::new(authority, args.client.id().clone(), args.client.secret()?)?;
    let answer = block_on(client.end_run(args.run, args.reason.as_deref()))?;
    let hint = match &answer {
        Err(TokenError::Refused(problem)) if problem.code == "run_unknown" => {
            "a client ends its own runs; an operator ends any"
        }
        Err(TokenError::Refused(_)) => "docs/authority.md lists the authority's codes",
        _ => "check that there is a Hallpass authority at that address",
    };
    let ended = answer.context("the run was not ended").hint(hint)?;
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
