//! `hallpass tokens verify`: whether a token is genuine, and whether it would allow a call.

use anyhow::anyhow;
use hallpass_token::UnverifiedToken;
use hallpass_vocabulary::{Audience, Clock as _, SystemClock, Timestamp, ToolName};

use crate::arguments_input::ArgumentsInput;
use crate::commands::denied;
use crate::exit::Exit;
use crate::explained::{Beside, Comparison, lines};
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::token_input::TokenInput;
use crate::trust::TrustArgs;
use crate::verdict::{self, Denial, Identified, Rehearsal, Steps};
use crate::words::time;

const EXAMPLES: &str = "\
Examples:
  hallpass tokens verify @token --trust-root trust-root.txt --authority http://127.0.0.1:7420
  hallpass tokens verify @token --trust-root trust-root.txt --bundle bundle.json \\
      --audience tickets --tool kb.search --args '{\"query\":\"refund\"}'
  hallpass tokens verify @token --audience tickets --tool kb.search --args @call.json --explain
  hallpass tokens verify @token --audience tickets --tool kb.search --engine

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
    /// The arguments of the call, a JSON object, `@FILE`, or `-` for standard input; `{}` when left out
    #[arg(long, value_name = "JSON", requires = "tool")]
    args: Option<ArgumentsInput>,
    /// Show every step that was taken, each caveat with its block, and why one failed
    #[arg(long)]
    explain: bool,
    /// Decide a second time with the Biscuit engine, and fail if the two disagree
    #[arg(long, requires = "tool")]
    engine: bool,
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
    #[serde(flatten)]
    beside: &'a Beside,
}

/// The two deciders gave no one answer.
#[derive(serde::Serialize)]
struct Undecided {
    verdict: &'static str,
    engine: Comparison,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let now = args.at.unwrap_or_else(|| SystemClock.now());
    let call = rehearsal(args)?;
    let text = args.token.read(output)?;
    let snapshot = args.trust.snapshot(now)?;
    let mut steps = Steps::default();
    let identified = UnverifiedToken::parse(&text)
        .map_err(|error| Denial {
            code: error.code(),
            detail: Some(error.to_string()),
        })
        .and_then(|token| verdict::identify(token, &snapshot, &mut steps));
    let engine = match (&identified, &call) {
        (Ok(identified), Some(call)) if args.engine => {
            let facts = call.facts(snapshot.environment(), now);
            Some(Comparison::of(identified, &facts))
        }
        _ => None,
    };
    if let Some(compared) = engine
        && compared.failure().is_some()
    {
        return undecided(compared, args.json, output);
    }
    let decided = identified.and_then(|identified| {
        let token = &identified.token;
        match &call {
            Some(call) => verdict::decide(token, call, &snapshot, now, &mut steps)?,
            None => verdict::current(token, &snapshot, now, &mut steps)?,
        }
        Ok(identified)
    });
    let beside = Beside {
        steps: args.explain.then_some(steps.0),
        engine,
    };
    match decided {
        Ok(identified) => allow(args, &identified, &beside, output),
        Err(denial) => denied::report(&denial, &beside, args.json, output),
    }
}

fn rehearsal(args: &Args) -> anyhow::Result<Option<Rehearsal>> {
    let (Some(audience), Some(tool)) = (&args.audience, &args.tool) else {
        return Ok(None);
    };
    let none = ArgumentsInput::Text("{}".to_owned());
    let stdin = matches!(args.token, TokenInput::Stdin);
    let (_, arguments) = args.args.as_ref().unwrap_or(&none).read(stdin)?;
    Ok(Some(Rehearsal {
        audience: audience.clone(),
        tool: tool.clone(),
        arguments,
    }))
}

/// Shows both verdicts, and fails.
fn undecided(compared: Comparison, json: bool, output: &mut Output) -> anyhow::Result<Exit> {
    let Some((error, hint)) = compared.failure() else {
        return Ok(Exit::Ok);
    };
    if json {
        output.json(&Undecided {
            verdict: "none",
            engine: compared,
        })?;
    } else {
        let beside = Beside {
            steps: None,
            engine: Some(compared),
        };
        for line in lines(&beside, output) {
            output.line(&line)?;
        }
    }
    Err(anyhow!(error)).hint(hint)
}

fn allow(
    args: &Args,
    identified: &Identified,
    beside: &Beside,
    output: &mut Output,
) -> anyhow::Result<Exit> {
    let description = identified.token.describe();
    let key = identified.key.id().to_string();
    if args.json {
        output.json(&Allowed {
            verdict: "allow",
            token: description.token.to_string(),
            key,
            expires: description.not_after,
            audience: args.audience.as_ref(),
            tool: args.tool.as_ref(),
            beside,
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
    for line in lines(beside, output) {
        output.line(&line)?;
    }
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use hallpass_token::engine::EngineVerdict;
    use hallpass_vocabulary::DenialCode;

    use super::*;

    #[test]
    fn a_disagreement_is_shown_and_is_a_failure() {
        for (engine, word, failure) in [
            (EngineVerdict::Allow, "allow", "disagree"),
            (EngineVerdict::CouldNotEvaluate, "no verdict", "no verdict"),
        ] {
            let compared = Comparison {
                typed: EngineVerdict::Deny,
                typed_code: Some(DenialCode::CaveatFailed),
                engine,
                agree: false,
            };
            let (mut output, written) = Output::to_memory();
            let error = undecided(compared, false, &mut output).unwrap_err();
            assert!(error.to_string().contains(failure), "{error}");
            let rows = format!("typed   deny caveat_failed\nengine  {word}\nunseen  ");
            assert!(written.text().starts_with(&rows), "{}", written.text());

            let (mut output, written) = Output::to_memory();
            assert!(undecided(compared, true, &mut output).is_err());
            let json: serde_json::Value = serde_json::from_str(&written.text()).unwrap();
            assert_eq!(
                (&json["verdict"], &json["engine"]["agree"]),
                (&"none".into(), &false.into())
            );
        }
    }
}
