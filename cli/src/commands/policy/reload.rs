//! `hallpass policy reload`: a running authority reads its policy again.

use hallpass_client::OperatorError;

use crate::exit::Exit;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::{Output, Style};
use crate::words::escaped;

const EXAMPLES: &str = "\
Examples:
  hallpass policy reload --env prod
  hallpass policy reload --env prod --json | jq .widenings

For an operator with the role admin. The authority reads its own policy directory; put the files there first, and check \
them. A policy that is refused changes nothing. What it allows more is recorded and alerted. SIGHUP does the same for who \
can send it.

Exit status: 0 it is in force, 1 it is refused and the one before goes on, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Reloaded {
    policy: String,
    changed: bool,
    widenings: Vec<String>,
    narrowings: usize,
    warnings: Vec<String>,
    bundle_version: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let client = args.operator.client(output)?;
    let answer = wait(
        async {
            let path = "/v1/policy/reload";
            match client.ask::<Reloaded>("POST", path, None, b"{}").await {
                Err(OperatorError::Refused(problem)) if problem.code == "policy_refused" => {
                    Ok(Err(problem.detail.unwrap_or_default()))
                }
                other => other.map(Ok),
            }
        },
        "the policy was not loaded",
    )?;
    match answer {
        Ok(reloaded) if args.json => output.json(&reloaded)?,
        Ok(reloaded) => say(&reloaded, output)?,
        Err(faults) => {
            for fault in faults.lines() {
                output.line(&escaped(fault))?;
            }
            let refused = output.style(Style::Bad, "refused:");
            output.line(&format!("{refused} the policy before stays in force"))?;
            return Ok(Exit::Denied);
        }
    }
    Ok(Exit::Ok)
}

fn say(reloaded: &Reloaded, output: &mut Output) -> anyhow::Result<()> {
    for widening in &reloaded.widenings {
        let label = output.style(Style::Bad, "wider   ");
        output.line(&format!("{label}  {}", escaped(widening)))?;
    }
    for warning in &reloaded.warnings {
        let label = output.style(Style::Caution, "warning:");
        output.note(&format!("{label} {}", escaped(warning)));
    }
    let ok = output.style(Style::Good, "in force:");
    let policy = escaped(&reloaded.policy);
    let line = if reloaded.changed {
        format!(
            "{ok} {policy}, in bundle {}; {} wider, {} narrower",
            reloaded.bundle_version,
            reloaded.widenings.len(),
            reloaded.narrowings
        )
    } else {
        format!("{ok} {policy}, as before")
    };
    Ok(output.line(&line)?)
}
