//! `hallpass journal prove`: one decision, for somebody without the journal.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use hallpass_journal::proof::{ProveError, Proved, prove_watched};
use hallpass_journal::verify::Progress;
use hallpass_vocabulary::DecisionId;

use super::records;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::progress::ProgressLine;
use crate::words::shell_quoted;

/// How often a decision that is not signed yet is looked at again, and after which pause: twice the second within which
/// a running writer signs.
const SIGNED_TRIES: u32 = 8;
const SIGNED_PAUSE: Duration = Duration::from_millis(250);

const EXAMPLES: &str = "\
Examples:
  hallpass journal prove dec_019a… --journal journal > proof.json
  hallpass journal check proof.json --key \"$(cat kept-elsewhere.vkey)\"

Verifies the journal first, and waits two seconds for a decision that is not signed yet. The proof has the records of this decision and of no other, with what \
they show of the arguments. It does not have the journal's key, which whoever checks it has to have from elsewhere.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The decision
    decision: DecisionId,
    /// The journal's directory
    #[arg(long, value_name = "DIR", env = "HALLPASS_JOURNAL")]
    journal: PathBuf,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let dir = args.journal.display().to_string();
    let Proved { proof, left_out } = match prove_once_signed(args) {
        Ok(proved) => proved,
        Err(error @ ProveError::NotSigned { .. }) => {
            return Err(error).hint(
                "a running service signs within a second; after a crash its next start does: then run this again",
            );
        }
        Err(error @ (ProveError::Unknown { .. } | ProveError::UnknownOrPruned { .. })) => {
            return Err(error).hint("give the journal of the service that decided");
        }
        Err(error @ ProveError::Journal(_)) => {
            // A directory that is no journal is a mistake with words of its own.
            drop(records(&args.journal)?);
            return Err(error)
                .with_context(|| format!("nothing is proven from `{dir}`"))
                .hint(format!("hallpass journal verify {}", shell_quoted(&dir)));
        }
        Err(error) => return Err(error.into()),
    };
    output.json(&proof)?;
    if left_out > 0 {
        let label = output.err_style(Style::Caution, "note:");
        output.note(&format!(
            "{label} later records of this decision are left out: {left_out}, not signed yet or too many; a proof made later may have them"
        ));
    }
    Ok(Exit::Ok)
}

/// A decision is often asked about at once, and signed a moment later.
fn prove_once_signed(args: &Args) -> Result<Proved, ProveError> {
    let mut line = ProgressLine::new();
    let mut show = |progress: Progress| line.show(progress.records, progress.bytes);
    let mut found = prove_watched(&args.journal, args.decision, &mut show);
    for _ in 0..SIGNED_TRIES {
        if !matches!(found, Err(ProveError::NotSigned { .. })) {
            break;
        }
        thread::sleep(SIGNED_PAUSE);
        found = prove_watched(&args.journal, args.decision, &mut show);
    }
    found
}
