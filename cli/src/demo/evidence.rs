//! What is left behind: journals that verify, and one that was altered and does not.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;
use hallpass_journal::verify::{Report, verify};
use hallpass_journal::{Event, read};

use super::narrator::Narrator;
use super::world::World;
use crate::words::escaped;

/// How long the journals may take to sign their last records, in seconds; they do so within one.
const SIGNED_SECONDS_MAX: u64 = 10;

pub(crate) async fn show(world: &World, narrator: &mut Narrator<'_>) -> anyhow::Result<()> {
    narrator.step(
        "The journals prove it",
        "Each decision was written down before its tool ran. The lines form a Merkle log that is signed every second.",
    )?;
    for (name, journal) in [
        ("authority", &world.authority_journal()),
        ("tickets", &world.shared.journal),
        ("tickets (globex)", &world.globex_only.journal),
    ] {
        let report = signed(journal).await?;
        let rest = format!("{name:<17} {} records, all of them signed", report.records);
        narrator.finding(true, "intact", &rest)?;
    }
    let withheld = withheld_row(&world.shared.journal)?;
    narrator.detail("and the row that read as absent stands there as what it was:")?;
    narrator.detail(&format!("  row_withheld: {}", escaped(&withheld)))?;

    narrator.step(
        "Tampering shows",
        "In a copy of the tickets journal one word is changed: the first `deny` becomes `allow`.",
    )?;
    let copy = world.scratch("altered-journal");
    altered_copy(&world.shared.journal, &copy)?;
    found(narrator, &copy)
}

/// Waits until every record is under a signature.
async fn signed(journal: &Path) -> anyhow::Result<Report> {
    let started = Instant::now();
    loop {
        let report = verify(journal, None)?;
        if report.unsigned() == 0 && report.torn.is_none() {
            return Ok(report);
        }
        if started.elapsed() > Duration::from_secs(SIGNED_SECONDS_MAX) {
            bail!("the journal `{}` was not signed in time", journal.display());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn withheld_row(journal: &Path) -> anyhow::Result<String> {
    for record in read::records(journal)? {
        if let Ok(Event::RowWithheld(row)) = record?.event() {
            return Ok(row.detail.as_str().to_owned());
        }
    }
    bail!("the journal does not say which row was withheld")
}

fn altered_copy(journal: &Path, copy: &Path) -> anyhow::Result<()> {
    fs::create_dir(copy)?;
    let mut altered = false;
    let mut entries: Vec<_> = fs::read_dir(journal)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let to = copy.join(entry.file_name());
        if altered
            || entry
                .path()
                .extension()
                .is_none_or(|extension| extension != "jsonl")
        {
            fs::copy(entry.path(), to)?;
            continue;
        }
        let text = fs::read_to_string(entry.path())?;
        let changed = text.replacen(r#""verdict":"deny""#, r#""verdict":"allow""#, 1);
        altered = changed != text;
        fs::write(to, changed)?;
    }
    if altered {
        Ok(())
    } else {
        bail!("there is no denial in the journal to alter")
    }
}

fn found(narrator: &mut Narrator<'_>, copy: &Path) -> anyhow::Result<()> {
    match verify(copy, None) {
        Ok(_) => narrator.expect(false, "the altered copy verifies"),
        Err(error) => {
            let mut reason = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                reason = format!("{reason}: {error}");
                cause = error.source();
            }
            narrator.finding(false, "TAMPERED", &escaped(&reason))
        }
    }
}
