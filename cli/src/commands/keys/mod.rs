//! `hallpass keys`: one file per verb.

mod list;
mod new;
mod retire;
mod root;
mod rotate;
mod taint;

use anyhow::anyhow;
use clap::Subcommand;
use hallpass_client::OperatorClient;
use serde_json::Value;

use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::listing::text;
use crate::operator_input::wait;
use crate::output::Output;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say where the keys of an authority stand
    List(list::Args),
    /// Make a key for people to keep, such as a root key
    New(new::Args),
    /// End a key before its time
    Retire(retire::Args),
    /// Make, sign and install the documents that say who may sign bundles
    #[command(subcommand)]
    Root(root::Command),
    /// Let another key take the place of the one that signs
    Rotate(rotate::Args),
    /// Refuse a key that somebody else may have, at once
    Taint(taint::Args),
}

impl Command {
    pub(crate) fn run(&self, output: &mut Output) -> anyhow::Result<Exit> {
        match self {
            Self::List(args) => list::run(args, output),
            Self::New(args) => new::run(args, output),
            Self::Retire(args) => retire::run(args, output),
            Self::Root(command) => command.run(output),
            Self::Rotate(args) => rotate::run(args, output),
            Self::Taint(args) => taint::run(args, output),
        }
    }
}

/// What an authority says of its keys.
fn keys(operator: &OperatorClient) -> anyhow::Result<Value> {
    wait(
        operator.ask::<Value>("GET", "/v1/keys", None, b""),
        "the keys are not known",
    )
}

/// The id of the one key that starts like this.
fn one(operator: &OperatorClient, start: &str) -> anyhow::Result<String> {
    const DIGITS_MIN: usize = 8;
    let hint = "`hallpass keys list` has the ids of keys; eight digits or more name one";
    if start.len() < DIGITS_MIN {
        return Err(anyhow!("`{start}` is too short to name a key")).hint(hint);
    }
    let answer = keys(operator)?;
    let all = answer.get("keys").and_then(Value::as_array);
    let ids = all.into_iter().flatten().map(|key| text(key, "key"));
    let mut found: Vec<String> = ids.filter(|id| id.starts_with(start)).collect();
    match (found.pop(), found.is_empty()) {
        (Some(id), true) => Ok(id),
        (None, _) => Err(anyhow!("the authority has no key `{start}`")).hint(hint),
        (Some(_), false) => Err(anyhow!("several keys start with `{start}`")).hint(hint),
    }
}

/// A key as people are shown it.
fn short(id: &str) -> String {
    format!("{id:.16}…")
}
