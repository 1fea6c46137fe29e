//! `hallpass journal verify`: whether a journal is what was signed.

use std::path::PathBuf;

use anyhow::Context as _;
use hallpass_journal::Damage;
use hallpass_journal::verify::{Progress, Report, Verification, Verified, VerifyError};

use super::key::JournalKey;
use super::{reached, read_at_most, records};
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::progress::ProgressLine;
use crate::words::escaped;

/// Far above a checkpoint with the signatures of many witnesses, in bytes.
const NOTE_BYTES_MAX: u64 = 64 * 1024;

const EXAMPLES: &str = "\
Examples:
  hallpass journal verify authority/journal
  hallpass journal verify journal --key \"$(cat kept-elsewhere.vkey)\"
  hallpass journal verify journal --from checkpoint-of-last-week
  hallpass journal verify journal --resume /var/lib/audit/journal.reached

Reads the files and asks nobody. The key, the file `journal.vkey` of the journal, proves more when it was kept \
elsewhere: whoever replaced a whole directory replaced its key too.

With --from, a copy of an earlier file `checkpoint`, the journal must begin with exactly the records of that checkpoint: an older \
copy that was put back, or one that was continued in another way, does not. With --resume only what is new since the last time is \
read, and the file is written anew; what was verified then is not looked at again, so keep it where the journal's writer \
cannot reach it and verify the whole now and then.

Exit status: 0 intact, 1 altered, cut or signed by somebody else, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory
    directory: PathBuf,
    /// The key it must be signed by: the text of a `journal.vkey`, or 64 hex digits
    #[arg(long, value_name = "VKEY")]
    key: Option<JournalKey>,
    /// An earlier checkpoint of this journal, kept elsewhere
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Read only what is new since this file was written, and write it anew; made when it is not there
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    resume: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Intact<'a> {
    intact: bool,
    origin: &'a str,
    key: String,
    key_was_given: bool,
    records: u64,
    signed: u64,
    torn_bytes: u64,
    records_read: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pruned_below: Option<u64>,
}

#[derive(Default, serde::Serialize)]
struct Tampered {
    intact: bool,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let given = args.key.as_ref().map(JournalKey::key);
    let earlier = match &args.from {
        Some(path) => {
            let note = read_at_most(path, NOTE_BYTES_MAX);
            Some(note.with_context(|| format!("cannot read `{}`", path.display()))?)
        }
        None => None,
    };
    let reached = match &args.resume {
        Some(path) => reached::read(path)?,
        None => None,
    };
    let mut line = ProgressLine::new();
    let mut show = |progress: Progress| line.show(progress.records, progress.bytes);
    let mut verification = Verification::new()
        .key(given)
        .earlier(earlier.as_deref())
        .progress(&mut show);
    if let Some(reached) = &reached {
        verification = verification.resume(reached);
    }
    let verified = verification.run(&args.directory);
    drop(line);
    match verified {
        Ok(Verified { report, .. })
            if args
                .key
                .as_ref()
                .is_some_and(|key| !key.is_for(&report.origin)) =>
        {
            let reason = format!("the key is of another journal than `{}`", report.origin);
            tampered(
                args,
                Tampered {
                    reason,
                    ..Tampered::default()
                },
                output,
            )
        }
        Ok(Verified { report, reached }) => {
            if let (Some(path), Some(reached)) = (&args.resume, reached) {
                reached::write(path, &reached)?;
            }
            intact(args, &report, output)
        }
        Err(error @ (VerifyError::Io { .. } | VerifyError::Damaged(Damage::Io { .. }))) => {
            Err(error.into())
        }
        Err(error @ VerifyError::PrunedMeanwhile) => Err(error).hint("run this again"),
        Err(error @ VerifyError::EarlierPruned { .. }) => {
            Err(error).hint("compare with a later checkpoint")
        }
        Err(error @ VerifyError::OtherReached { .. }) => {
            Err(error).hint("give each journal a file of its own")
        }
        Err(error @ VerifyError::VerifierKeyMissing { .. }) => {
            Err(error).hint("give the key it was signed by: --key VKEY")
        }
        Err(error) => {
            // A directory that is no journal is a mistake; a journal without its checkpoint is tampering.
            if matches!(error, VerifyError::CheckpointMissing { .. }) {
                drop(records(&args.directory)?);
            }
            tampered(args, found(&error), output)
        }
    }
}

fn intact(args: &Args, report: &Report, output: &mut Output) -> anyhow::Result<Exit> {
    let torn = report.torn.as_ref().map_or(0, |torn| torn.dropped.bytes);
    if args.json {
        output.json(&Intact {
            intact: true,
            origin: &report.origin,
            key: report.key.to_string(),
            key_was_given: report.key_was_given,
            records: report.records,
            signed: report.signed,
            torn_bytes: torn,
            records_read: report.records_read,
            pruned_below: report.pruned_below,
        })?;
        return Ok(Exit::Ok);
    }
    let verdict = output.style(Style::Good, "intact");
    output.line(&format!(
        "{verdict}: {} records, {} of them signed, in {}",
        report.records,
        report.signed,
        escaped(&report.origin)
    ))?;
    let from = if report.key_was_given {
        "as given"
    } else {
        "found in the directory"
    };
    output.line(&format!("key {}, {from}", report.key))?;
    if args.from.is_some() {
        output.line("the earlier checkpoint agrees: its records are the first of these")?;
    }
    if let Some(below) = report.pruned_below {
        output.line(&format!(
            "the records below {below} were pruned, as a signed record says"
        ))?;
    }
    let before = report
        .records
        .saturating_sub(report.records_read)
        .saturating_sub(report.pruned_below.unwrap_or(0));
    if before > 0 {
        output.line(&format!(
            "{} records are new and were read; {before} were verified before",
            report.records_read
        ))?;
    }
    if report.unsigned() > 0 {
        output.line(&format!(
            "the last {} are whole and not signed: nothing shows who wrote them; a journal in use has at most a second's worth",
            report.unsigned()
        ))?;
    }
    if torn > 0 {
        output.line(&format!(
            "{torn} bytes of an unfinished record follow: one being written now, or cut off by a crash"
        ))?;
    }
    Ok(Exit::Ok)
}

fn tampered(args: &Args, found: Tampered, output: &mut Output) -> anyhow::Result<Exit> {
    if args.json {
        output.json(&found)?;
        return Ok(Exit::Denied);
    }
    let verdict = output.style(Style::Bad, "TAMPERED");
    output.line(&format!("{verdict}: {}", escaped(&found.reason)))?;
    let label = output.err_style(Style::Hint, "hint:");
    output.note(&format!(
        "{label} keep this directory as it is and compare it with a copy or with what was shipped elsewhere"
    ));
    Ok(Exit::Denied)
}

/// What was found, and where, as far as it is known.
fn found(error: &VerifyError) -> Tampered {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        reason = format!("{reason}: {error}");
        cause = error.source();
    }
    let (file, line, index) = match error {
        VerifyError::Damaged(Damage::BadLine {
            file, line, index, ..
        }) => (Some(file.clone()), Some(*line), Some(*index)),
        VerifyError::Damaged(Damage::RootMismatch { first_file, .. }) => {
            (Some(first_file.clone()), None, None)
        }
        VerifyError::Damaged(Damage::SegmentMissing { expected, found }) => {
            (Some(found.clone()), None, Some(*expected))
        }
        VerifyError::Damaged(Damage::SegmentName { file }) => (Some(file.clone()), None, None),
        VerifyError::Damaged(Damage::SignedTailMissing { found, .. }) => (None, None, Some(*found)),
        VerifyError::Damaged(Damage::PrunedFile) => (Some("pruned".to_owned()), None, None),
        VerifyError::OtherJournal { index, .. } => (None, None, Some(*index)),
        _ => (None, None, None),
    };
    Tampered {
        intact: false,
        reason,
        file,
        line,
        index,
    }
}
