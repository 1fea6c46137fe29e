//! `hallpass clients retire`: an end for one secret.

use hallpass_vocabulary::ClientId;

use crate::duration::Span;
use crate::exit::Exit;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;
use crate::words::time;

const EXAMPLES: &str = "\
Examples:
  hallpass clients retire support-orchestrator sec_1f0c3a5b7d9e8642
  hallpass clients retire support-orchestrator sec_1f0c3a5b7d9e8642 --after 1h

`hallpass clients list` has the ids. A secret that ends sooner already is left as it is.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The client
    client: ClientId,
    /// The secret, by its id
    #[arg(value_parser = secret_id)]
    secret_id: String,
    /// When it ends; at once when left out
    #[arg(long, value_name = "DURATION")]
    after: Option<Span>,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// An id, and not the secret itself, which nobody should type here.
fn secret_id(text: &str) -> Result<String, &'static str> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    match text.strip_prefix("sec_") {
        Some(rest) if !rest.is_empty() && rest.bytes().all(plain) => Ok(text.to_owned()),
        _ => Err("expected the id of a secret, `sec_…`"),
    }
}

#[derive(serde::Serialize)]
struct Shown<'a> {
    client: &'a str,
    secret_id: &'a str,
    until: hallpass_vocabulary::Timestamp,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let after = args.after.map_or(0, |after| after.get().as_secs());
    let until = wait(
        operator.retire_secret(&args.client, &args.secret_id, after),
        "the secret was not retired",
    )?;
    if args.json {
        output.json(&Shown {
            client: args.client.as_str(),
            secret_id: &args.secret_id,
            until,
        })?;
    } else {
        output.line(&format!("secret {} ends {}", args.secret_id, time(until)))?;
    }
    Ok(Exit::Ok)
}
