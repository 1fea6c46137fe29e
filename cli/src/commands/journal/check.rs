//! `hallpass journal check`: whether a proof proves its decision.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use hallpass_journal::proof::{InvalidProof, PROOF_BYTES_MAX, Proof, Proven};

use super::key::JournalKey;
use crate::commands::story::{Explained, Source, Story};
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::words::escaped;

const EXAMPLES: &str = "\
Examples:
  hallpass journal check proof.json --key \"$(cat kept-elsewhere.vkey)\"
  hallpass journal check proof.json --key \"$KEY\" --json | jq .record

Reads the file and asks nobody. The key is the file `journal.vkey` of the journal that decided, from whoever runs it and \
not from whoever sent the proof. A proof shows what was recorded, not that nothing else was: an outcome can be left out.

Exit status: 0 proven, 1 not, 2 usage or failure, also without a key.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The proof, as `hallpass journal prove` wrote it
    file: PathBuf,
    /// The key it must be signed by: the text of a `journal.vkey`, or 64 hex digits
    #[arg(long, value_name = "VKEY")]
    key: Option<JournalKey>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Checked<'a> {
    proven: bool,
    origin: &'a str,
    key: String,
    signed: u64,
    #[serde(flatten)]
    explained: Explained<'a>,
}

#[derive(serde::Serialize)]
struct Refused {
    proven: bool,
    reason: String,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let bytes = read(&args.file)?;
    let Some(key) = &args.key else {
        return Err(anyhow!(
            "nothing is proven without the journal's key: whoever made the file may have made a journal too"
        ))
        .hint("get the `journal.vkey` of the service from whoever runs it: --key VKEY");
    };
    match Proof::parse(&bytes).and_then(|proof| proof.verify(&key.signer())) {
        Ok(proven) => show(args, key, &proven, output),
        Err(error) => refuse(args, error, output),
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than a proof may have, so that a longer file is seen to be one.
    File::open(path)
        .and_then(|file| {
            file.take(PROOF_BYTES_MAX as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .with_context(|| format!("cannot read `{}`", path.display()))
        .hint("give the file that `hallpass journal prove` wrote")?;
    Ok(bytes)
}

fn show(
    args: &Args,
    key: &JournalKey,
    proven: &Proven,
    output: &mut Output,
) -> anyhow::Result<Exit> {
    let story = Story::of(proven.records().to_vec(), Source::Proof)
        .context("the proof has no decision in a form this version knows")?;
    let id = key.key().id().to_string();
    if args.json {
        output.json(&Checked {
            proven: true,
            origin: proven.origin(),
            key: id,
            signed: proven.signed(),
            explained: story.explained()?,
        })?;
        return Ok(Exit::Ok);
    }
    let verdict = output.style(Style::Good, "proven");
    output.line(&format!(
        "{verdict}: {} stands in {}, under {} signed records",
        proven.decision(),
        escaped(proven.origin()),
        proven.signed()
    ))?;
    output.line(&format!("key {id}, as given"))?;
    story.tell(output)?;
    Ok(Exit::Ok)
}

fn refuse(args: &Args, error: InvalidProof, output: &mut Output) -> anyhow::Result<Exit> {
    let error = anyhow::Error::new(error);
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    let reason = causes.join(": ");
    if args.json {
        output.json(&Refused {
            proven: false,
            reason,
        })?;
        return Ok(Exit::Denied);
    }
    let verdict = output.style(Style::Bad, "NOT PROVEN");
    output.line(&format!("{verdict}: {}", escaped(&reason)))?;
    Ok(Exit::Denied)
}
