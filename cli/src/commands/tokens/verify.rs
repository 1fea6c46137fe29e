//! `hallpass tokens verify`: whether a token is genuine, and whether it would allow a call.

use anyhow::Context as _;
use hallpass_args::Arguments;
use hallpass_keys::VerifyingKey;
use hallpass_token::AdmittedToken;
use hallpass_vocabulary::{Audience, Clock as _, SystemClock, Timestamp, ToolName};

use crate::commands::denied;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::token_input::TokenInput;
use crate::trust::TrustArgs;
use crate::verdict::{self, Denial, Rehearsal};
use crate::words::time;

const EXAMPLES: &str = "\
Examples:
  hallpass tokens verify @token --trust-root trust-root.txt --authority http://127.0.0.1:7420
  hallpass tokens verify @token --trust-root trust-root.txt --bundle bundle.json \\
      --audience tickets --tool kb.search --args '{\"query\":\"refund\"}'

Without a call: every signature, the structure, the environment and the time. With one: what a service of that name \
would decide of a call without a proof of possession, whichever tenant it serves. Nothing is recorded.

Exit status: 0 allow, 1 deny, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The token: its text, `@FILE`, or `-` for standard input
    #[arg(default_value = "-")]
    token: TokenInput,
    #[command(flatten)]
    trust: TrustArgs,
    /// The service to be called
    #[arg(long, requires = "tool")]
    audience: Option<Audience>,
    /// The tool to be called
    #[arg(long, requires = "audience")]
    tool: Option<ToolName>,
    /// The arguments of the call, a JSON object; `{}` when left out
    #[arg(long, value_name = "JSON", requires = "tool")]
    args: Option<String>,
    /// As of this time instead of now
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Allowed<'a> {
    verdict: &'static str,
    token: String,
    key: String,
    expires: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<&'a Audience>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<&'a ToolName>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let now = args.at.unwrap_or_else(|| SystemClock.now());
    let call = rehearsal(args)?;
    let text = args.token.read(output)?;
    let snapshot = args.trust.snapshot(now)?;
    let verified = hallpass_token::UnverifiedToken::parse(&text)
        .map_err(|error| Denial {
            code: error.code(),
            detail: Some(error.to_string()),
        })
        .and_then(|token| verdict::identify(token, &snapshot))
        .and_then(|(token, key)| {
            match &call {
                Some(call) => verdict::decide(&token, call, &snapshot, now)?,
                None => verdict::current(&token, &snapshot, now)?,
            }
            Ok((token, key))
        });
    match verified {
        Ok((token, key)) => allow(args, &token, &key, output),
        Err(denial) => denied::report(&denial, args.json, output),
    }
}

fn rehearsal(args: &Args) -> anyhow::Result<Option<Rehearsal>> {
    let (Some(audience), Some(tool)) = (&args.audience, &args.tool) else {
        return Ok(None);
    };
    let json = args.args.as_deref().unwrap_or("{}");
    let arguments = Arguments::parse(json.as_bytes())
        .context("--args cannot be the arguments of a call")
        .hint("give one JSON object, in single quotes: --args '{\"query\":\"refund\"}'")?;
    Ok(Some(Rehearsal {
        audience: audience.clone(),
        tool: tool.clone(),
        arguments,
    }))
}

fn allow(
    args: &Args,
    token: &AdmittedToken,
    key: &VerifyingKey,
    output: &mut Output,
) -> anyhow::Result<Exit> {
    let description = token.describe();
    let key = key.id().to_string();
    if args.json {
        output.json(&Allowed {
            verdict: "allow",
            token: description.token.to_string(),
            key,
            expires: description.not_after,
            audience: args.audience.as_ref(),
            tool: args.tool.as_ref(),
        })?;
        return Ok(Exit::Ok);
    }
    let line = match &args.tool {
        Some(tool) => format!(
            "{}: {} may call {tool}",
            output.style(Style::Good, "allow"),
            description.actor
        ),
        None => output.style(Style::Good, "verified: every signature holds"),
    };
    output.line(&line)?;
    output.line(&format!(
        "{} of {}, signed by key {key}, until {}",
        description.token,
        description.environment,
        time(description.not_after)
    ))?;
    Ok(Exit::Ok)
}
