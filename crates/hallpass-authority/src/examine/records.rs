//! The journal and the store.

use std::path::Path;

use hallpass_journal::read;
use hallpass_journal::verify::{Report, verify};

use super::{Finding, Verdict, chain};
use crate::store::{StoreSettings, inspect};

/// A journal of up to this many bytes is verified whole: a second or two of reading.
const VERIFY_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Of a larger one, so many of the newest records are read.
const NEWEST: u64 = 1_000;

/// Whether the journal is what was signed: whole, or of a large one its newest records; and how many records it has, where that
/// is known.
pub(super) fn journal(directory: &Path) -> (Vec<Finding>, Option<Reached>) {
    let subject = "journal";
    let bytes = match bytes_in(directory) {
        Ok(bytes) => bytes,
        Err(error) => {
            let detail = format!("cannot read `{}`: {error}", directory.display());
            return (vec![Finding::new(subject, Verdict::Bad, detail)], None);
        }
    };
    if bytes > VERIFY_BYTES_MAX {
        return (vec![newest(directory, bytes)], None);
    }
    match verify(directory, None) {
        Ok(report) => {
            let findings = verified(&report);
            let reached = Reached {
                origin: report.origin,
                records: report.records,
            };
            (findings, Some(reached))
        }
        Err(error) => {
            let finding = Finding::new(subject, Verdict::Bad, chain(&error)).hint(
                "keep the directory as it is, and compare it with a backup and with a checkpoint kept elsewhere",
            );
            (vec![finding], None)
        }
    }
}

/// How far a journal goes.
pub(super) struct Reached {
    origin: String,
    records: u64,
}

fn verified(report: &Report) -> Vec<Finding> {
    let subject = "journal";
    let mut findings = vec![Finding::new(
        subject,
        Verdict::Good,
        format!(
            "{} records, {} of them signed",
            report.records, report.signed
        ),
    )];
    if report.torn.is_some() {
        let detail = "its last line is unfinished: it is being written, or a crash left it";
        findings.push(
            Finding::new(subject, Verdict::Caution, detail)
                .hint("the next start cuts it off and records that"),
        );
    }
    findings
}

fn newest(directory: &Path, bytes: u64) -> Finding {
    let subject = "journal";
    let mut count = 0_u64;
    let read = read::newest(directory, NEWEST).and_then(|records| {
        for record in records {
            record?;
            count += 1;
        }
        Ok(())
    });
    match read {
        Ok(()) => Finding::new(
            subject,
            Verdict::Good,
            format!(
                "{} MB; its newest {count} records are readable",
                bytes / 1_000_000
            ),
        )
        .hint("`hallpass journal verify` reads all of it"),
        Err(error) => Finding::new(subject, Verdict::Bad, chain(&error))
            .hint("`hallpass journal verify` says more"),
    }
}

fn bytes_in(directory: &Path) -> std::io::Result<u64> {
    let mut bytes = 0_u64;
    for entry in std::fs::read_dir(directory)? {
        bytes = bytes.saturating_add(entry?.metadata()?.len());
    }
    Ok(bytes)
}

/// Whether the store is one this release reads, and how far it is behind the journal.
pub(super) fn store(settings: &StoreSettings, path: &Path, journal: Option<&Reached>) -> Finding {
    let subject = "store";
    let inspected = match inspect(settings, path) {
        Ok(inspected) => inspected,
        Err(error) => return Finding::new(subject, Verdict::Bad, chain(&error)),
    };
    let version = inspected.version;
    if !inspected.current {
        let detail = format!("schema version {version}, older than this release's");
        return Finding::new(subject, Verdict::Caution, detail)
            .hint("the next start copies it and brings it up to date");
    }
    let Some(journal) = journal else {
        let detail = format!("schema version {version}; not compared with the journal");
        return Finding::new(subject, Verdict::Unknown, detail);
    };
    let floor = inspected
        .floors
        .iter()
        .find(|(origin, _)| *origin == journal.origin)
        .map_or(0, |(_, floor)| *floor);
    match journal.records.checked_sub(floor) {
        None => Finding::new(
            subject,
            Verdict::Bad,
            format!(
                "it knows {floor} records and the journal has {}: one of the two was replaced",
                journal.records
            ),
        )
        .hint("restore both from one backup"),
        Some(behind) => Finding::new(
            subject,
            Verdict::Good,
            format!("schema version {version}, {behind} records behind the journal"),
        ),
    }
}
