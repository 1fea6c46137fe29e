//! `hallpass stop`: nothing of what is named is minted, renewed or carried out any more.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, anyhow};
use hallpass_bundle::{IdSet, Selector, SignedStop, Stop};
use hallpass_keys::random_bytes;
use hallpass_vocabulary::{Clock as _, Environment, StopId, SystemClock, Timestamp};
use serde_json::{Value, json};

use crate::duration::Span;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::listing::text;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::{Output, Style};
use crate::reach::Reach;
use crate::secret_input::NetworkArgs;

const EXAMPLES: &str = "\
Examples:
  hallpass stop tenant:acme --reason 'INC-42: refunds to the wrong account' --env prod
  hallpass stop tool:ticket.update --reason 'INC-42' --until 2h
  hallpass stop run:run_0199e8f3c0b17d3f9a3c5d7e9f1b3d5a --reason 'loops' --no-wait
  hallpass stop everything --reason 'INC-42' --sign-only --out everything.stop

By actor, audience, client, environment, route, run, subject, tenant, token or tool, or everything. It holds until \
`hallpass resume`, or its end. Waits until every verifier that is known has it, or says which have not. --sign-only asks \
nobody: it writes a file that verifiers obey when it is put into their state directory, for when the authority is down.

Exit status: 0 every verifier that is known has it, 1 some have not, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What to stop: `tenant:acme`, `tool:ticket.update`, …, or `everything`
    selector: Selector,
    /// Why, for the records and whoever looks later
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// When it ends by itself, such as `2026-11-21T09:30:00Z`, or `2h` from now
    #[arg(long, value_name = "TIME")]
    until: Option<End>,
    /// Do not wait for verifiers
    #[arg(long)]
    no_wait: bool,
    /// Ask nobody: sign the stop, for verifiers to be given as a file
    #[arg(long, requires = "out")]
    sign_only: bool,
    /// With --sign-only, the file to write; verifiers look for `*.stop`
    #[arg(long, value_name = "FILE", requires = "sign_only")]
    out: Option<PathBuf>,
    /// The authority
    #[arg(
        long,
        value_name = "URL",
        env = "HALLPASS_AUTHORITY",
        required_unless_present = "sign_only"
    )]
    authority: Option<String>,
    /// The operator's key file; its passphrase comes from HALLPASS_PASSPHRASE or is asked for
    #[arg(long, value_name = "FILE", env = "HALLPASS_OPERATOR_KEY")]
    key: PathBuf,
    /// The authority's trust root: what is signed is for the authority it names, and no other obeys
    #[arg(long, value_name = "FILE", env = "HALLPASS_TRUST_ROOT")]
    trust_root: PathBuf,
    /// The environment that is meant; the key and the trust root belong to one each
    #[arg(long, env = "HALLPASS_ENV")]
    env: Option<Environment>,
    #[command(flatten)]
    network: NetworkArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// When a stop ends.
#[derive(Debug, Clone, Copy)]
enum End {
    At(Timestamp),
    In(Span),
}

/// Text that is no end.
#[derive(Debug, Clone, thiserror::Error)]
#[error("expected a time such as `2026-11-21T09:30:00Z`, or how long from now, such as `2h`")]
struct InvalidEnd;

impl FromStr for End {
    type Err = InvalidEnd;

    fn from_str(text: &str) -> Result<Self, InvalidEnd> {
        text.parse()
            .map(Self::At)
            .or_else(|_| text.parse().map(Self::In))
            .map_err(|_| InvalidEnd)
    }
}

impl End {
    fn timestamp(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::In(span) => now.after(span.get()),
        }
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let now = SystemClock.now();
    let until = args.until.map(|until| until.timestamp(now));
    let operator = OperatorArgs::new(
        args.authority.clone().unwrap_or_default(),
        args.key.clone(),
        args.trust_root.clone(),
        args.env.clone(),
        args.network.clone(),
    );
    if let Some(out) = &args.out {
        return sign(args, &operator, until, now, out, output);
    }
    let operator = operator.client(output)?;
    let mut body = json!({"selector": args.selector, "reason": args.reason});
    if let (Some(until), Some(members)) = (until, body.as_object_mut()) {
        members.insert("until".to_owned(), json!(until));
    }
    let mut answer = wait(operator.place_stop(&body), "nothing was stopped")?;
    if !args.json {
        say(&answer, output)?;
    }
    let version = answer.get("bundle_version").and_then(Value::as_u64);
    let reach = match version {
        Some(version) => Some(Reach::of(&operator, version, !args.no_wait)?),
        None => None,
    };
    let everywhere = reach
        .as_ref()
        .is_some_and(|reach| reach.missing().is_empty());
    if args.json {
        let known = reach.and_then(|reach| reach.document);
        if let (Some(known), Some(members)) = (known, answer.as_object_mut()) {
            members.insert("reach".to_owned(), known);
        }
        output.json(&answer)?;
    } else {
        match &reach {
            Some(reach) => reach.say(output)?,
            None => output.line(
                "verifiers: the authority could not publish it yet, and tries again every second",
            )?,
        }
        let stop = answer.get("stop").cloned().unwrap_or_default();
        output.line(&format!(
            "resume with: hallpass resume {}",
            text(&stop, "stop_id")
        ))?;
    }
    Ok(match everywhere || args.no_wait {
        true => Exit::Ok,
        false => Exit::Denied,
    })
}

fn say(answer: &Value, output: &mut Output) -> anyhow::Result<()> {
    let stop = answer.get("stop").cloned().unwrap_or_default();
    let label = output.style(Style::Good, "stopped:");
    let until = match stop.get("until") {
        Some(_) => format!(" until {}", text(&stop, "until")),
        None => String::new(),
    };
    output.line(&format!(
        "{label} {}{until} ({})",
        text(&stop, "selector"),
        text(&stop, "stop_id")
    ))?;
    let bundle = match answer.get("bundle_version") {
        Some(_) => format!(", in bundle {}", text(answer, "bundle_version")),
        None => String::new(),
    };
    output.line(&format!(
        "authority: mints and renews nothing of it since {}{bundle}",
        text(&stop, "placed_at")
    ))?;
    let Some(hit) = answer.get("hit") else {
        return Ok(output.line("live tokens: not counted; hallpass tokens list --active")?);
    };
    output.line(&format!(
        "live tokens hit: {} of {} runs",
        text(hit, "tokens"),
        text(hit, "runs")
    ))?;
    let newest = hit.get("newest").and_then(Value::as_array);
    let newest = newest.map_or(&[][..], Vec::as_slice);
    for token in newest.iter().take(TOKENS_SHOWN) {
        output.line(&format!(
            "  {} {} {} {} {} expires {}",
            text(token, "token_id"),
            text(token, "run_id"),
            text(token, "route"),
            text(token, "subject"),
            text(token, "actor"),
            text(token, "expires_at")
        ))?;
    }
    let more = hit.get("tokens").and_then(Value::as_u64).unwrap_or(0);
    let shown = u64::try_from(newest.len().min(TOKENS_SHOWN))?;
    if more > shown {
        output.line(&format!("  and {} more", more - shown))?;
    }
    if more == 0 {
        let label = output.err_style(Style::Caution, "nothing that lives is hit;");
        output.note(&format!("{label} check the spelling"));
    }
    Ok(())
}

/// Tokens that are shown one by one; --json has more.
const TOKENS_SHOWN: usize = 10;

/// Writes a stop that an operator has signed and nobody was asked about.
fn sign(
    args: &Args,
    operator: &OperatorArgs,
    until: Option<Timestamp>,
    now: Timestamp,
    out: &Path,
    output: &mut Output,
) -> anyhow::Result<Exit> {
    if until.is_some_and(|until| until <= now) {
        return Err(anyhow!("the end is not after now")).hint("leave --until out for no end");
    }
    let (key, trust_root) = operator.signer(output, None)?;
    let stop = Stop {
        id: StopId::new(now, random_bytes()?),
        selector: args.selector.clone(),
        issued: now,
        until,
        runs: IdSet::default(),
    };
    let signed = SignedStop::sign(&stop, &trust_root.authority, &trust_root.environment, &key)?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(out)
        .with_context(|| format!("cannot write `{}`", out.display()))
        .hint("give --out the name of a file that is not there yet")?;
    std::io::Write::write_all(&mut file, &signed.to_json())?;
    file.sync_all()?;
    if args.json {
        output.json(
            &json!({"stop_id": stop.id, "selector": stop.selector, "until": until, "file": out}),
        )?;
    } else {
        let label = output.style(Style::Good, "signed:");
        output.line(&format!(
            "{label} {} ({}), in {}",
            stop.selector,
            stop.id,
            out.display()
        ))?;
    }
    if out.extension().is_none_or(|extension| extension != "stop") {
        output.note("verifiers look for files that end in `.stop`");
    }
    output.note(
        "put it into the state directory of each verifier; it holds there until the file is gone, or the authority stops the same",
    );
    output.note("nobody was asked, so nothing is on record yet: place the stop at the authority once it can be reached");
    Ok(Exit::Ok)
}
