//! `hallpass tokens attenuate`: a narrower token, made offline.

use anyhow::Context as _;
use clap::ArgGroup;
use hallpass_keys::random_bytes;
use hallpass_token::describe::Description;
use hallpass_token::{AttenuateError, Caveat, NameSet, NextSecret, UnverifiedToken};
use hallpass_vocabulary::{Audience, Clock as _, SystemClock, Timestamp, ToolName};

use super::inspect::claimed;
use crate::duration::Span;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::token_input::TokenInput;
use crate::words::listed;

const EXAMPLES: &str = "\
Examples:
  hallpass tokens attenuate @token --only-tool kb.search --expires-in 60s > narrower
  hallpass tokens mint … | hallpass tokens attenuate --only-audience tickets > narrower

Works offline: a holder needs nobody's permission to give something up. The narrower token can never do more than the \
one it was made from, which stays valid as it is.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group = ArgGroup::new("caveat").required(true).multiple(true))]
pub(crate) struct Args {
    /// The token: its text, `@FILE`, or `-` for standard input
    #[arg(default_value = "-")]
    token: TokenInput,
    /// Keep only this tool; may be given more than once
    #[arg(long, value_name = "TOOL", group = "caveat")]
    only_tool: Vec<ToolName>,
    /// Keep only this service; may be given more than once
    #[arg(long, value_name = "AUDIENCE", group = "caveat")]
    only_audience: Vec<Audience>,
    /// End after this long, such as `60s`
    #[arg(long, value_name = "DURATION", group = "caveat")]
    expires_in: Option<Span>,
    /// Count --expires-in from this time instead of now
    #[arg(long, value_name = "TIME", requires = "expires_in")]
    at: Option<Timestamp>,
    /// As JSON: the token and its caveats
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Narrowed<'a> {
    token: &'a str,
    added: Vec<String>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let token = args.token.parse(output)?;
    let before = claimed(&token)?;
    let caveats = caveats(args)?;
    let next = NextSecret::from_random(random_bytes()?);
    let narrower = token.attenuate(&caveats, next);
    let hint = match narrower {
        Err(AttenuateError::Sealed) => "use it as it is, or ask the authority for another",
        _ => "ask the authority for a fresh token",
    };
    let narrower = narrower.context("cannot narrow the token").hint(hint)?;

    for caveat in &caveats {
        output.note(&format!("added: {caveat}"));
    }
    let after = claimed(&UnverifiedToken::parse(narrower.expose())?)?;
    warn(args, &before, &after, output);
    if args.json {
        output.json(&Narrowed {
            token: narrower.expose(),
            added: caveats.iter().map(ToString::to_string).collect(),
        })?;
    } else {
        output.line(narrower.expose())?;
    }
    Ok(Exit::Ok)
}

fn caveats(args: &Args) -> anyhow::Result<Vec<Caveat>> {
    let mut caveats = Vec::new();
    if !args.only_tool.is_empty() {
        caveats.push(Caveat::OnlyTools(NameSet::new(
            args.only_tool.iter().cloned(),
        )?));
    }
    if !args.only_audience.is_empty() {
        let audiences = NameSet::new(args.only_audience.iter().cloned())?;
        caveats.push(Caveat::OnlyAudiences(audiences));
    }
    if let Some(span) = args.expires_in {
        let end = args
            .at
            .unwrap_or_else(|| SystemClock.now())
            .after(span.get());
        // Tokens keep whole seconds; rounding down is the narrower way.
        let end = Timestamp::from_unix_seconds(end.unix_seconds());
        caveats.push(Caveat::ExpiresBefore(end));
    }
    Ok(caveats)
}

/// Says where a caveat keeps something the token never granted: valid, and probably not meant.
fn warn(args: &Args, before: &Description, after: &Description, output: &mut Output) {
    let tools = args
        .only_tool
        .iter()
        .filter(|tool| !before.tools.contains(*tool) && !before.needs_approval.contains(*tool));
    let audiences = args
        .only_audience
        .iter()
        .filter(|audience| !before.audiences.contains(*audience));
    let absent: Vec<&str> = tools
        .map(ToolName::as_str)
        .chain(audiences.map(Audience::as_str))
        .collect();
    let label = output.err_style(Style::Caution, "warning:");
    if !absent.is_empty() {
        output.note(&format!(
            "{label} the token does not grant {}, and narrowing adds nothing",
            listed(absent)
        ));
    }
    if args.expires_in.is_some() && after.not_after == before.not_after {
        output.note(&format!("{label} the token ends before that anyway"));
    }
}
