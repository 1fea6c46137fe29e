//! `hallpass keys root install`: a signed root comes into force.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use hallpass_authority::{RootRefused, install_root};
use hallpass_client::OperatorError;
use hallpass_vocabulary::{Clock, Environment, SystemClock};
use serde_json::Value;

use super::document::Document;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::listing::text;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;
use crate::secret_input::NetworkArgs;
use crate::words::escaped;

const EXAMPLES: &str = "\
Examples:
  hallpass keys root install root-2.json --key dana.key
  hallpass keys root install root-2.json --dir authority      the authority does not run

The authority signs bundles and heartbeats under it from then on, and serves it with those before it. Refused, and nothing is \
changed, is one that does not follow the root in force, that too few have signed, or whose bundle and heartbeat keys the \
authority does not have. The same one again changes nothing. Where there are several replicas, each is told.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The document
    file: PathBuf,
    /// The directory of an authority that does not run
    #[arg(long, value_name = "DIR", conflicts_with = "key")]
    dir: Option<PathBuf>,
    /// The authority
    #[arg(long, value_name = "URL", env = "HALLPASS_AUTHORITY")]
    authority: Option<String>,
    /// The operator's key file; its passphrase comes from HALLPASS_PASSPHRASE or is asked for
    #[arg(long, value_name = "FILE", env = "HALLPASS_OPERATOR_KEY")]
    key: Option<PathBuf>,
    /// The authority's trust root: requests are signed for the authority it names, and no other carries them out
    #[arg(long, value_name = "FILE", env = "HALLPASS_TRUST_ROOT")]
    trust_root: Option<PathBuf>,
    /// The environment that is meant; the document belongs to one
    #[arg(long, env = "HALLPASS_ENV")]
    env: Option<Environment>,
    #[command(flatten)]
    network: NetworkArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let document = Document::read(&args.file)?;
    let environment = document.root.environment();
    if args.env.as_ref().is_some_and(|meant| meant != environment) {
        return Err(anyhow!("the document is of environment `{environment}`"))
            .hint("give the document of the environment that is meant");
    }
    let installed = match &args.dir {
        Some(directory) => {
            output.note(&format!("environment {environment}"));
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let installed = install_root(directory, &document.envelope.to_json(), &clock);
            let hint = match &installed {
                Err(RootRefused::Journal(_)) => {
                    "an authority that runs is told by an operator: --key FILE instead of --dir"
                }
                _ => "`hallpass keys root show FILE --previous FILE` says who has yet to sign",
            };
            let installed = installed.context("the root was not installed").hint(hint)?;
            serde_json::to_value(installed)?
        }
        None => ask(args, &document, output)?,
    };
    if args.json {
        output.json(&installed)?;
        return Ok(Exit::Ok);
    }
    let word = match installed.get("changed").and_then(Value::as_bool) {
        Some(true) => "in force",
        _ => "in force already",
    };
    output.line(&format!(
        "{word}: root {}, until {}",
        text(&installed, "version"),
        text(&installed, "expires")
    ))?;
    Ok(Exit::Ok)
}

fn ask(args: &Args, document: &Document, output: &mut Output) -> anyhow::Result<Value> {
    let (Some(authority), Some(key), Some(trust_root)) =
        (&args.authority, &args.key, &args.trust_root)
    else {
        return Err(anyhow!("nobody is told of the root"))
            .hint("give --authority, --key and --trust-root; or --dir for one that does not run");
    };
    let operator = OperatorArgs::new(
        authority.clone(),
        key.clone(),
        trust_root.clone(),
        args.env.clone(),
        args.network.clone(),
    );
    let operator = operator.client(output)?;
    let body = document.envelope.to_json();
    let answer = crate::trust::block_on(operator.ask::<Value>("POST", "/v1/roots", None, &body))?;
    if let Err(OperatorError::Refused(problem)) = &answer
        && problem.code == "root_refused"
    {
        let detail = problem.detail.as_deref().unwrap_or_default();
        return Err(anyhow!("the root was not installed: {}", escaped(detail)))
            .hint("`hallpass keys root show FILE --previous FILE` says who has yet to sign");
    }
    wait(std::future::ready(answer), "the root was not installed")
}
