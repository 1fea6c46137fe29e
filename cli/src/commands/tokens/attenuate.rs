//! `hallpass tokens attenuate`: a narrower token, made offline.

use anyhow::Context as _;
use hallpass_keys::random_bytes;
use hallpass_token::given_up::GivenUp;
use hallpass_token::{AttenuateError, Caveat, NextSecret, UnverifiedToken};
use hallpass_vocabulary::{Clock as _, SystemClock, Timestamp};

use super::caveats::CaveatArgs;
use super::inspect::claimed;
use super::{given_up, warnings};
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::token_input::TokenInput;

const EXAMPLES: &str = "\
Examples:
  hallpass tokens attenuate @token --only-tool kb.search --expires-in 60s > narrower
  hallpass tokens attenuate @token --arg '/limit<=10' --only-arg query --only-arg limit > narrower
  hallpass tokens attenuate @token --arg 'for fs.read: /path under /workspace' --diff > narrower
  hallpass tokens attenuate @token --caveats caveats.toml --max-blocks 3 > narrower
  hallpass tokens mint … | hallpass tokens attenuate --only-audience tickets > narrower

docs/caveats.md has the words of every caveat. Works offline: a holder needs nobody's permission to give something up. \
The narrower token can never do more than the one it was made from, which stays valid as it is.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The token: its text, `@FILE`, or `-` for standard input
    #[arg(default_value = "-")]
    token: TokenInput,
    #[command(flatten)]
    caveats: CaveatArgs,
    /// As of this time instead of now; --expires-in counts from it
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Show on standard error what the narrower token gave up
    #[arg(long)]
    diff: bool,
    /// As JSON: the token, its caveats, and with --diff what it gave up
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Narrowed<'a> {
    token: &'a str,
    added: &'a [Caveat],
    #[serde(skip_serializing_if = "Option::is_none")]
    given_up: Option<&'a GivenUp>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let now = args.at.unwrap_or_else(|| SystemClock.now());
    // Before the token is waited for on standard input.
    let caveats = args.caveats.given(now)?;
    let token = args.token.parse(output)?;
    let before = claimed(&token)?;
    let next = NextSecret::from_random(random_bytes()?);
    let narrower = token.attenuate(&caveats, next);
    let hint = narrower.as_ref().err().map_or("", advice);
    let narrower = narrower.context("cannot narrow the token").hint(hint)?;

    for caveat in &caveats {
        output.note(&format!("added: {caveat}"));
    }
    let after = claimed(&UnverifiedToken::parse(narrower.expose())?)?;
    let label = output.err_style(Style::Caution, "warning:");
    for warning in warnings::of(&args.caveats, &caveats, &before, &after, now) {
        output.note(&format!("{label} {warning}"));
    }
    let given_up = args.diff.then(|| before.given_up(&after));
    if args.json {
        output.json(&Narrowed {
            token: narrower.expose(),
            added: &caveats,
            given_up: given_up.as_ref(),
        })?;
        return Ok(Exit::Ok);
    }
    if let Some(given_up) = &given_up {
        let lines = given_up::lines(given_up, |label| output.err_style(Style::Faint, label));
        for line in lines {
            output.note(&line);
        }
    }
    output.line(narrower.expose())?;
    Ok(Exit::Ok)
}

fn advice(error: &AttenuateError) -> &'static str {
    match error {
        AttenuateError::Date => "give a time between the years 1970 and 9999",
        AttenuateError::NotAdmitted(_) => {
            "one block holds up to 64 values a set and 192 names and texts: narrow twice, with some of the caveats each time"
        }
        AttenuateError::Sealed => "use it as it is, or ask the authority for another",
        AttenuateError::TooLarge { .. } => {
            "give fewer or shorter caveats, or narrow a token with fewer blocks"
        }
        AttenuateError::TooManyCaveats { .. } => {
            "narrow twice, with some of the caveats each time: each narrowing is a block of its own"
        }
        _ => "ask the authority for a fresh token",
    }
}
