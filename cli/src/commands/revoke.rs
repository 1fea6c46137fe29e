//! `hallpass revoke`: one token, or one secret of a client, is not good any more.

use std::str::FromStr;

use hallpass_vocabulary::TokenId;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::listing::text;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::{Output, Style};
use crate::token_input::TokenInput;

const EXAMPLES: &str = "\
Examples:
  hallpass revoke tok_0199e8f3c0b17d3f9a3c5d7e9f1b3d5a --reason 'leaked in a log' --env prod
  hallpass revoke @token
  hallpass revoke sec_1f0c3a5b7d9e8642

A token by its id, or itself in a file; whoever renews its run gets another. A secret by its id (`hallpass clients list`): it ends \
now, and tokens asked for with it go on. `hallpass stop run:RUN` and `hallpass stop client:CLIENT` end more.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The id of a token or of a secret, `@FILE` with a token, or `-` for standard input
    #[arg(value_name = "TOKEN|SECRET")]
    what: What,
    /// Why, for the records
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What is revoked.
#[derive(Debug, Clone)]
enum What {
    Held(TokenInput),
    Secret(String),
    Token(TokenId),
}

/// Text that names nothing that can be revoked. It is not shown again: it may be a token.
#[derive(Debug, Clone, thiserror::Error)]
#[error("expected `tok_…`, `sec_…`, `@FILE` or `-`")]
struct InvalidWhat;

impl FromStr for What {
    type Err = InvalidWhat;

    fn from_str(text: &str) -> Result<Self, InvalidWhat> {
        if text == "-" || text.starts_with('@') {
            return text.parse().map(Self::Held).map_err(|_| InvalidWhat);
        }
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        match text.strip_prefix("sec_") {
            Some(rest) if !rest.is_empty() && rest.bytes().all(plain) => {
                Ok(Self::Secret(text.to_owned()))
            }
            _ => text.parse().map(Self::Token).map_err(|_| InvalidWhat),
        }
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let token = match &args.what {
        What::Held(held) => {
            let token = held.parse(output)?;
            let described = token.describe();
            let id = described.map(|it| it.token);
            Some(id.hint("the token does not say which one it is; revoke it by its id")?)
        }
        What::Secret(_) => None,
        What::Token(token) => Some(*token),
    };
    let mut body = json!({});
    if let Some(members) = body.as_object_mut() {
        match (&args.what, token) {
            (What::Secret(secret), _) => members.insert("secret_id".to_owned(), json!(secret)),
            (_, token) => members.insert("token_id".to_owned(), json!(token)),
        };
        if let Some(reason) = &args.reason {
            members.insert("reason".to_owned(), json!(reason));
        }
    }
    let operator = args.operator.client(output)?;
    let answer = wait(operator.revoke(&body), "nothing was revoked")?;
    if args.json {
        output.json(&answer)?;
    } else {
        say(&answer, output)?;
    }
    Ok(Exit::Ok)
}

fn say(answer: &Value, output: &mut Output) -> anyhow::Result<()> {
    let label = output.style(Style::Good, "revoked:");
    if answer.get("secret_id").is_some() {
        let (secret, client) = (text(answer, "secret_id"), text(answer, "client"));
        output.line(&format!("{label} secret {secret} of client {client}"))?;
        return Ok(output.line(&format!(
            "tokens asked for with it go on until they expire; hallpass stop client:{client} ends them"
        ))?);
    }
    let token = text(answer, "token_id");
    match answer.get("bundle_version") {
        Some(_) => output.line(&format!(
            "{label} {token}, in bundle {}; it would have expired {}",
            text(answer, "bundle_version"),
            text(answer, "expires_at")
        ))?,
        None => output.line(&format!(
            "{label} {token}, which expired {}",
            text(answer, "expires_at")
        ))?,
    }
    match answer.get("run_id") {
        Some(_) => output.line(&format!(
            "its run goes on: hallpass stop run:{}",
            text(answer, "run_id")
        ))?,
        None => output.line("this authority has no record of it")?,
    }
    Ok(())
}
