//! `hallpass call`: calls a tool of a guarded service as a person.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use hallpass_client::{BaseUrl, BearerToken, Problem, ToolAnswer, ToolClient, ToolRequest};
use hallpass_vocabulary::{Audience, DecisionId, DenialCode, ToolName};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::denied::next_step;
use crate::arguments_input::ArgumentsInput;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::secret_input::NetworkArgs;
use crate::token_input::HiddenTokenInput;
use crate::trust::block_on;
use crate::words::escaped;

/// The variable with a token. Not a flag's value on purpose.
const TOKEN_VARIABLE: &str = "HALLPASS_TOKEN";

/// What the variable with the URL of one service starts with; the audience follows, in capitals.
const SERVICE_VARIABLE_PREFIX: &str = "HALLPASS_SERVICE_";

/// The variable with the URL of whatever service is called.
const URL_VARIABLE: &str = "HALLPASS_URL";

const EXAMPLES: &str = "\
Examples:
  hallpass call tickets kb.search '{\"query\":\"refund\"}' --url http://127.0.0.1:8080 --token @token
  hallpass tokens mint … | hallpass call tickets tickets.get '{\"id\":7}' --token -
  HALLPASS_SERVICE_TICKETS=http://127.0.0.1:8080 HALLPASS_TOKEN=… \\
      hallpass call tickets kb.search '{}'

Prints the result on standard output and the decision's id on standard error.

Exit status: 0 the tool ran, 1 denied, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The service
    audience: Audience,
    /// The tool
    tool: ToolName,
    /// Its arguments, a JSON object; `@FILE` reads them from a file, `-` from standard input
    #[arg(value_name = "JSON", default_value = "{}")]
    arguments: ArgumentsInput,
    /// Where the service is; else `HALLPASS_SERVICE_<AUDIENCE>`, else `HALLPASS_URL`
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The token: `@FILE`, or `-` for standard input; else HALLPASS_TOKEN
    #[arg(long, value_name = "@FILE|-")]
    token: Option<HiddenTokenInput>,
    /// A file with the token
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// Names this call, so that a repetition is not a second one
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    network: NetworkArgs,
    /// As JSON: the verdict, the decision's id, and the result
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Allowed<'a> {
    verdict: &'static str,
    decision: Option<DecisionId>,
    result: &'a RawValue,
}

#[derive(serde::Serialize)]
struct Denied<'a> {
    verdict: &'static str,
    decision: Option<DecisionId>,
    code: &'a str,
    meaning: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    next: &'a str,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    if matches!(args.token, Some(HiddenTokenInput::Argument)) {
        // Before everything else: the token was seen, whatever else is wrong.
        token(args, output)?;
    }
    let service = service(args)?;
    // Sent as they were written.
    let stdin = matches!(args.token, Some(HiddenTokenInput::Stdin));
    let (arguments, _) = args.arguments.read(stdin)?;
    let token = token(args, output)?;
    let client = ToolClient::of(&service)?;
    let request = ToolRequest {
        tool: &args.tool,
        arguments_json: &arguments,
        token: Some(&token),
        idempotency_key: args.idempotency_key.as_deref(),
    };
    let answer = block_on(client.call(&service, request))?
        .with_context(|| format!("no answer from {} at {service}", args.audience))
        .hint("check that the service runs there; if it does, the call may have had effects: look at its journal")?;
    if !args.json
        && let Some(decision) = answer.decision
    {
        output.note(&format!("decision {decision}"));
    }
    if answer.is_success() {
        return succeeded(args, &answer, output);
    }
    let problem = answer
        .problem()
        .ok_or_else(|| anyhow!("{service} answered {} without saying why", answer.status))
        .hint("check that it is a service guarded by Hallpass")?;
    match problem.code.parse() {
        Ok(code) => denied(args, &answer, code, &problem, output),
        Err(_) => Err(anyhow!("the tool failed: {problem}")).hint(match answer.decision {
            Some(decision) => format!("hallpass why {decision} --journal DIR"),
            None => "look at the service's log".to_owned(),
        }),
    }
}

fn succeeded(args: &Args, answer: &ToolAnswer, output: &mut Output) -> anyhow::Result<Exit> {
    // Not parsed any further: a number keeps all of its digits.
    let result: &RawValue =
        serde_json::from_slice(&answer.body).context("the service's answer is not JSON")?;
    if args.json {
        output.json(&Allowed {
            verdict: "allow",
            decision: answer.decision,
            result,
        })?;
    } else {
        output.json_text(result.get())?;
    }
    Ok(Exit::Ok)
}

fn denied(
    args: &Args,
    answer: &ToolAnswer,
    code: DenialCode,
    problem: &Problem,
    output: &mut Output,
) -> anyhow::Result<Exit> {
    let next = next_step(code, problem.detail.as_deref());
    if args.json {
        output.json(&Denied {
            verdict: "deny",
            decision: answer.decision,
            code: code.as_str(),
            meaning: code.meaning(),
            detail: problem.detail.as_deref(),
            next: &next,
        })?;
        return Ok(Exit::Denied);
    }
    let verdict = output.err_style(Style::Bad, &format!("denied {code}"));
    output.note(&format!("{verdict}: {}", code.meaning()));
    if let Some(detail) = &problem.detail {
        output.note(&format!("detail: {}", escaped(detail)));
    }
    output.note(&format!("next: {next}"));
    if let Some(decision) = answer.decision {
        let label = output.err_style(Style::Hint, "hint:");
        output.note(&format!("{label} hallpass why {decision} --journal DIR"));
    }
    Ok(Exit::Denied)
}

fn service(args: &Args) -> anyhow::Result<BaseUrl> {
    let of_audience = format!(
        "{SERVICE_VARIABLE_PREFIX}{}",
        args.audience
            .as_str()
            .to_ascii_uppercase()
            .replace('-', "_")
    );
    let url = args
        .url
        .clone()
        .or_else(|| std::env::var(&of_audience).ok())
        .or_else(|| std::env::var(URL_VARIABLE).ok())
        .ok_or_else(|| anyhow!("where `{}` is, nobody says", args.audience))
        .hint(format!(
            "give --url URL, or set {of_audience} or {URL_VARIABLE}"
        ))?;
    args.network.base_url(&url)
}

fn token(args: &Args, output: &mut Output) -> anyhow::Result<BearerToken> {
    let text = match (&args.token, &args.token_file) {
        (Some(input), _) => input.read(output)?,
        (None, Some(path)) => HiddenTokenInput::File(path.clone()).read(output)?,
        (None, None) => std::env::var(TOKEN_VARIABLE)
            .map(Zeroizing::new)
            .map_err(|_| anyhow!("there is no token to call with"))
            .hint(format!(
                "give --token @FILE or --token -, or set {TOKEN_VARIABLE}"
            ))?,
    };
    Ok(BearerToken::new(text.trim())?)
}
