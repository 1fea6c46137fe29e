//! `hallpass keys root sign`: one more signature on a root document.

use std::path::PathBuf;

use anyhow::anyhow;
use hallpass_vocabulary::Environment;

use super::document::{self, Document};
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass keys root sign root-2.json --key root-ben.key --previous roots/1.json

Says first what the document says, and against --previous what it changes; read that before you sign. Adds the signature to \
the file, which then goes to the next who must sign, or is installed. A key signs once, however often it is used. The \
passphrase comes from HALLPASS_PASSPHRASE or is asked for.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The document; it is written again with the signature
    file: PathBuf,
    /// A root key file to sign with; may be given more than once
    #[arg(long, value_name = "FILE", required = true)]
    key: Vec<PathBuf>,
    /// The root before, to count its keys' signatures too
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// The environment that is meant; the document belongs to one
    #[arg(long, env = "HALLPASS_ENV")]
    env: Option<Environment>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let document = Document::read(&args.file)?;
    let environment = document.root.environment().clone();
    output.note(&format!("environment {environment}"));
    if args.env.as_ref().is_some_and(|meant| *meant != environment) {
        return Err(anyhow!("the document is of environment `{environment}`"))
            .hint("give the document of the environment that is meant");
    }
    let previous = match &args.previous {
        Some(path) => Some(Document::read(path)?.root),
        None => None,
    };
    if let Some(previous) = &previous
        && document.root.version() != previous.version().saturating_add(1)
    {
        return Err(anyhow!(
            "root {} does not follow root {}",
            document.root.version(),
            previous.version()
        ))
        .hint(
            "--previous is the root in force, the last file of an authority's directory `roots`",
        );
    }
    let keys = document::keys(&args.key, &environment)?;
    for key in &keys {
        let public = key.verifying_key();
        let known = [Some(&document.root), previous.as_ref()];
        let mut listed = known.into_iter().flatten();
        if previous.is_some() && !listed.any(|root| root.root().keys().contains(&public)) {
            return Err(anyhow!("neither root lists the key {public}"))
                .hint("its signature would count for nothing");
        }
    }
    let payload = document.root.to_payload();
    if payload != document.envelope.unverified_payload() {
        return Err(anyhow!(
            "`{}` is not written as this release writes it",
            args.file.display()
        ))
        .hint("sign it with the release that made it");
    }
    let envelope = Document::signed(Some(&document.envelope), payload, &keys)?;
    document::write(&args.file, &envelope)?;
    let signed = Document {
        envelope,
        root: document.root,
    };
    if args.json {
        output.json(&signed.described(previous.as_ref()))?;
    } else {
        signed.say(previous.as_ref(), output)?;
    }
    Ok(Exit::Ok)
}
