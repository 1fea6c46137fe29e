//! `hallpass keys root show`: what a root document says.

use std::path::PathBuf;

use super::document::Document;
use crate::exit::Exit;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass keys root show root-2.json --previous roots/1.json
  hallpass keys root show roots/2.json --trust-root > trust-root.txt    what services pin that are set up from now on

Nothing it says is believed for being shown: a verifier believes a root that it pinned, or that follows from one.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The document
    file: PathBuf,
    /// The root before, to say what changes and count its keys' signatures too
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// As the trust root that services pin
    #[arg(long, conflicts_with = "json")]
    trust_root: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let document = Document::read(&args.file)?;
    let previous = match &args.previous {
        Some(path) => Some(Document::read(path)?.root),
        None => None,
    };
    if args.trust_root {
        output.write(&document.root.trust_root().to_string())?;
    } else if args.json {
        output.json(&document.described(previous.as_ref()))?;
    } else {
        document.say(previous.as_ref(), output)?;
    }
    Ok(Exit::Ok)
}
