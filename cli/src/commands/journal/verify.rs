//! `hallpass journal verify`: whether a journal is what was signed.

use std::path::PathBuf;

use hallpass_journal::Damage;
use hallpass_journal::verify::{Report, VerifyError, verify};

use super::key::JournalKey;
use super::records;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::words::escaped;

const EXAMPLES: &str = "\
Examples:
  hallpass journal verify authority/journal
  hallpass journal verify journal --key \"$(cat kept-elsewhere.vkey)\"

Reads the files and asks nobody. The key, the file `journal.vkey` of the journal, proves more when it was kept \
elsewhere: whoever replaced a whole directory replaced its key too.

Exit status: 0 intact, 1 altered, cut or signed by somebody else, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory
    directory: PathBuf,
    /// The key it must be signed by: the text of a `journal.vkey`, or 64 hex digits
    #[arg(long, value_name = "VKEY")]
    key: Option<JournalKey>,
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
    match verify(&args.directory, given) {
        Ok(report)
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
        Ok(report) => intact(args, &report, output),
        Err(error @ (VerifyError::Io { .. } | VerifyError::Damaged(Damage::Io { .. }))) => {
            Err(error.into())
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
