//! `hallpass clients list`: who may ask, and with what.

use comfy_table::Table;
use hallpass_client::{RegisteredClient, RegisteredSecret};
use hallpass_vocabulary::{Clock as _, SystemClock, Timestamp};

use crate::exit::Exit;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::Output;
use crate::words::{escaped, relative, time};

const EXAMPLES: &str = "\
Examples:
  hallpass clients list
  hallpass clients list --json | jq -r '.[] | select(.enabled) | .client'";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let clients = wait(operator.clients(), "the clients are not known")?;
    if args.json {
        output.json(&clients)?;
        return Ok(Exit::Ok);
    }
    let now = SystemClock.now();
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["CLIENT", "STATE", "PROVES ITSELF WITH", "ADDED", "UNTIL"]);
    for client in &clients {
        let mut first = true;
        for [proof, added, until] in proofs(client, now) {
            let (name, state) = if first {
                (client.client.as_str(), state(client))
            } else {
                ("", "")
            };
            first = false;
            table.add_row([name, state, &proof, &added, &until]);
        }
    }
    for line in table.lines() {
        output.line(line.trim_end())?;
    }
    Ok(Exit::Ok)
}

fn state(client: &RegisteredClient) -> &'static str {
    match (client.declared, client.enabled) {
        (_, false) => "disabled",
        (false, true) => "not in the policy",
        (true, true) => "enabled",
    }
}

/// A row for each proof there is, and one that says so where there is none.
fn proofs(client: &RegisteredClient, now: Timestamp) -> Vec<[String; 3]> {
    let workload = client.workload.iter().map(|workload| {
        let subject = escaped(&workload.subject);
        [
            format!("{}: {subject}", escaped(&workload.issuer)),
            String::new(),
            String::new(),
        ]
    });
    let secrets = client.secrets.iter().map(|secret| {
        [
            escaped(&secret.secret_id),
            time(secret.added),
            end(secret, now),
        ]
    });
    let mut rows: Vec<[String; 3]> = workload.chain(secrets).collect();
    if rows.is_empty() {
        rows.push(["nothing yet".to_owned(), String::new(), String::new()]);
    }
    rows
}

fn end(secret: &RegisteredSecret, now: Timestamp) -> String {
    match secret.until {
        None => "it is retired".to_owned(),
        Some(_) if !secret.good => "over".to_owned(),
        Some(until) => relative(until, now),
    }
}
