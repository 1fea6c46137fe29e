//! `hallpass keys rotate`: another key takes the place of the one that signs, in phases that take their time.

use std::time::Duration;

use anyhow::anyhow;
use hallpass_client::{OperatorClient, OperatorError};
use hallpass_vocabulary::Timestamp;

use super::short;
use crate::duration::Span;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::{Output, Style};
use crate::trust::block_on;
use crate::words::{escaped, listed, span};

const EXAMPLES: &str = "\
Examples:
  hallpass keys rotate run --env prod
  hallpass keys rotate run --env prod --no-wait         one step, if its time has come
  hallpass keys rotate run --env prod --wait 1h
  hallpass keys rotate bundle --env prod                the key that the next root is to name

Phases: the new key is published (prepared) for 16 minutes, so that every verifier has it or denies; then it signs, and the \
old one is still believed (retiring) for 16 minutes, until all that it signed has expired; then that is dropped. The \
command may be interrupted in every phase: the same command goes on, and the last phase ends by itself. With several \
replicas the file of the new key is copied to each of them in the first phase, and --distributed says so. Keys of bundles \
and heartbeats change with a root: `hallpass keys root rotate`.

Exit status: 0 it is where it says, 2 usage or failure.";

/// How long to wait for an authority whose time has come and that was not reached.
const AGAIN: Duration = Duration::from_secs(2);

/// The longest to sleep before looking again: the clock here may be another than the authority's.
const LOOK: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Purpose {
    Approval,
    Bundle,
    Heartbeat,
    Run,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Bundle => "bundle",
            Self::Heartbeat => "heartbeat",
            Self::Run => "run",
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What the key is for
    purpose: Purpose,
    /// How long the new key is published before it signs; less than 16 minutes only with --force
    #[arg(long, value_name = "SPAN")]
    wait: Option<Span>,
    /// Do without the wait, or rotate again within an hour: verifiers that are behind refuse valid tokens then
    #[arg(long)]
    force: bool,
    /// The other replicas have the file of the new key
    #[arg(long)]
    distributed: bool,
    /// Do one step, if its time has come, and say what it is at
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON, one object a phase
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Wish {
    purpose: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_seconds: Option<u64>,
    force: bool,
    distributed: bool,
    resume: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Progress {
    purpose: String,
    phase: String,
    key: String,
    public_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    waits_for: Vec<String>,
    now: Timestamp,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let mut progress = step(args, &operator, false)?;
    loop {
        say(args, &progress, output)?;
        let over = matches!(progress.phase.as_str(), "done" | "root");
        if over || args.no_wait {
            return Ok(Exit::Ok);
        }
        progress = next(args, &operator, &progress)?;
    }
}

/// Waits for the phase after this one. An authority that is not reached for a while is asked again.
fn next(args: &Args, operator: &OperatorClient, at: &Progress) -> anyhow::Result<Progress> {
    let mut left = remaining(at);
    loop {
        std::thread::sleep(left.min(LOOK));
        match ask(args, operator, true)? {
            Ok(progress) if progress.phase != at.phase || progress.waits_for != at.waits_for => {
                return Ok(progress);
            }
            Ok(progress) => left = remaining(&progress).max(AGAIN),
            Err(OperatorError::Transport(_)) => left = AGAIN,
            Err(error) => return explained(Err(error)),
        }
    }
}

fn remaining(at: &Progress) -> Duration {
    at.until.map_or(Duration::ZERO, |until| until.since(at.now))
}

fn step(args: &Args, operator: &OperatorClient, resume: bool) -> anyhow::Result<Progress> {
    explained(ask(args, operator, resume)?)
}

fn ask(
    args: &Args,
    operator: &OperatorClient,
    resume: bool,
) -> anyhow::Result<Result<Progress, OperatorError>> {
    let wish = Wish {
        purpose: args.purpose.as_str(),
        wait_seconds: args.wait.map(|wait| wait.get().as_secs()),
        force: args.force,
        distributed: args.distributed,
        resume,
    };
    // Words and numbers only: writing them to memory cannot fail.
    let body = serde_json::to_vec(&wish).unwrap_or_default();
    block_on(operator.ask("POST", "/v1/keys/rotate", None, &body))
}

fn explained(answer: Result<Progress, OperatorError>) -> anyhow::Result<Progress> {
    match answer {
        Err(OperatorError::Refused(problem)) if problem.code == "key_not_ready" => {
            let detail = problem.detail.unwrap_or_default();
            Err(anyhow!("the key was not rotated: {}", escaped(&detail))).hint(
                "copy the new file to every replica and say --distributed, or wait; --force does without a wait",
            )
        }
        other => wait(std::future::ready(other), "the key was not rotated"),
    }
}

fn say(args: &Args, progress: &Progress, output: &mut Output) -> anyhow::Result<()> {
    if args.json {
        return output.json(progress);
    }
    let key = short(&progress.key);
    let old = progress.replaces.as_deref().map(short).unwrap_or_default();
    let until = progress.until.map(|until| {
        let left = span(until.since(progress.now));
        format!("until {until} (in {left})")
    });
    let until = until.unwrap_or_default();
    if !progress.waits_for.is_empty() {
        output.note(&format!(
            "waits for verifiers that have not got it: {}",
            escaped(&listed(&progress.waits_for))
        ));
    }
    let phase = output.style(Style::Faint, &format!("{:<8}", progress.phase));
    let line = match progress.phase.as_str() {
        "prepared" => format!("{key} is published and signs nothing yet; {old} signs {until}"),
        "retiring" => format!("{key} signs; {old} is still believed {until}"),
        "root" => format!(
            "{key} is ready, public key {}; it signs once a root names it: `hallpass keys root rotate`",
            progress.public_key
        ),
        _ => format!("{key} signs alone"),
    };
    Ok(output.line(&format!("{phase}  {line}"))?)
}
