//! What must be found of a journal whose life was cut short.

use std::path::Path;
use std::sync::Arc;

use hallpass_journal::Journal;
use hallpass_journal::read::Record;
use hallpass_journal::verify::{Report, VerifyError, verify};
use hallpass_testkit::{Left, SimDisk, TempDir};

use crate::fixture::{all, decision, settings};
use crate::scenario::{Due, PRUNED_BELOW, journal_dir};
use crate::sim_spends;
use crate::sim_storage::SimStorage;

/// No life prunes more.
const PRUNED_MAX: u64 = PRUNED_BELOW[1];

/// What `verify` says of an image; none where no journal can be expected yet.
pub fn look(image: &TempDir, due: &Due) -> Result<Option<Report>, String> {
    let dir = journal_dir(image.path());
    match verify(&dir, None) {
        Ok(report) => Ok(Some(report)),
        // Cut before the first checkpoint.
        Err(VerifyError::CheckpointMissing { .. } | VerifyError::VerifierKeyMissing { .. })
            if due.acks.is_empty() =>
        {
            Ok(None)
        }
        Err(error) => Err(format!("before opening: {error:?}")),
    }
}

/// Opens the journal on an image for good and checks that all that is due is there and said.
pub fn recover(image: TempDir, due: &Due, left: Left) -> Result<(), String> {
    let dir = journal_dir(image.path());
    let before = look(&image, due)?;
    let mut closed_before = false;
    let mut size_before = 0_u64;
    if let Some(report) = &before {
        let records = all_whole(&dir, report.records - report.pruned_below.unwrap_or(0))?;
        closed_before = records
            .last()
            .is_some_and(|record| record.kind() == "closed");
        size_before = report.records;
        if report.records < report.signed {
            return Err(format!("fewer than signed: {report:?}"));
        }
    }
    let boot = if left == Left::Written {
        "boot-1"
    } else {
        "boot-9"
    };
    // Only to be quick: nothing is synced for real.
    let disk = SimDisk::on(image);
    let storage = Arc::new(SimStorage::new(&disk));
    let settings = settings().boot(Some(boot)).storage(storage);
    let journal = Journal::open(&dir, settings).map_err(|error| format!("opening: {error:?}"))?;
    sim_spends::are_spent(&journal, &due.acks)?;
    journal
        .close()
        .map_err(|error| format!("closing: {error:?}"))?;
    let after = verify(&dir, None).map_err(|error| format!("after opening: {error:?}"))?;
    if after.unsigned() != 0 || after.torn.is_some() {
        return Err(format!("not whole after a close: {after:?}"));
    }
    let records = all(&dir);
    let first = records.first().map_or(0, Record::index);
    if first < due.pruned || first > PRUNED_MAX {
        return Err(format!("{first} is the first, pruned below {}", due.pruned));
    }
    // What was pruned was due to go.
    for ack in due.acks.iter().filter(|ack| ack.index >= first) {
        let there = records
            .get(usize::try_from(ack.index - first).unwrap())
            .is_some_and(|record| record.line().contains(&decision(ack.number).to_string()));
        if !there {
            return Err(format!("lost: {ack:?} of {} records", records.len()));
        }
    }
    keys_are_there_or_erased(&dir, &records, due)?;
    let new: Vec<_> = records
        .iter()
        .filter(|record| record.index() >= size_before)
        .map(Record::kind)
        .collect();
    let torn = before.as_ref().is_some_and(|report| report.torn.is_some());
    let rebooted = left != Left::Written && size_before > 0 && !closed_before;
    for (kind, expected) in [("recovered", torn), ("possible_loss", rebooted)] {
        if before.is_some() && new.contains(&kind) != expected {
            return Err(format!("{kind} must be {expected}: {new:?}"));
        }
    }
    Ok(())
}

fn all_whole(dir: &Path, count: u64) -> Result<Vec<Record>, String> {
    // A torn tail with a line end is no end to the reader; what is before it is.
    hallpass_journal::read::records(dir)
        .map_err(|error| format!("reading: {error:?}"))?
        .take(usize::try_from(count).unwrap())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("reading: {error:?}"))
}

/// A key is there as long as a record may need it, and gone once it is on record that it is.
fn keys_are_there_or_erased(dir: &Path, records: &[Record], due: &Due) -> Result<(), String> {
    let mut keys: Vec<u64> = std::fs::read_dir(dir)
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".key")?.parse().ok()
        })
        .collect();
    keys.sort_unstable();
    let first = records.first().map_or(0, Record::index);
    let erased = records
        .iter()
        .filter(|record| record.kind() == "keys_erased")
        .filter_map(|record| record.json()["below"].as_u64())
        .fold(due.erased, u64::max);
    if let Some(left) = keys.windows(2).find(|pair| pair[1] <= erased) {
        return Err(format!("key {} is not erased: {keys:?}", left[0]));
    }
    let kept = |key: &u64| *key >= erased.max(first);
    // A record that was answered after the next segment began may be in it and have the key of the one before.
    let lost = due
        .acks
        .iter()
        .filter_map(|ack| ack.key)
        .find(|key| kept(key) && !keys.contains(key));
    match lost {
        Some(key) => Err(format!(
            "key {key} is lost: {keys:?}, erased below {erased}"
        )),
        None => Ok(()),
    }
}
