//! What becomes of each change of a journal: found or not, by what, and whether that is as it must be.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use hallpass_journal::verify::{Report, VerifyError, verify};
use hallpass_journal::{Checkpoint, Damage};
use hallpass_keys::VerifyingKey;
use tempfile::TempDir;

/// What a verifier has kept from before: the key, and with a witness a checkpoint.
pub struct Kept {
    pub key: VerifyingKey,
    /// The newest checkpoint, kept elsewhere.
    pub witnessed: Checkpoint,
}

/// What becomes of every try of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Must {
    /// Found from the files alone.
    BeFound,
    /// Found from the files alone. With the key kept elsewhere it is nothing to be looked at.
    BeFoundWithoutAKey,
    /// Found from the files and the key kept elsewhere; without that key, nothing is found.
    BeFoundWithTheKey,
    /// Not to be seen in the files; found with a checkpoint kept elsewhere.
    NeedAWitness,
    /// Whoever can write to the directory can add what is not signed: it is said how much that is, and nobody is to
    /// believe it.
    BeSaid,
    /// No alarm: nothing but a crash.
    BeQuiet,
}

#[derive(Default)]
pub struct Row {
    tried: u64,
    files: u64,
    key: u64,
    witness: u64,
    by: BTreeMap<String, u64>,
}

/// One kind after another; printed at the end.
pub struct Table {
    pub kept: Kept,
    pub text: String,
}

impl Table {
    /// Tries every change of one kind.
    pub fn row(&mut self, what: &str, must: Must, tries: impl IntoIterator<Item = TempDir>) {
        let mut row = Row::default();
        for dir in tries {
            self.judge(dir.path(), &mut row);
        }
        self.end(what, must, &row);
    }

    pub fn judge(&self, dir: &Path, row: &mut Row) {
        row.tried += 1;
        let by_files = verify(dir, None);
        let by_key = verify(dir, Some(self.kept.key));
        row.files += u64::from(by_files.is_err());
        row.key += u64::from(by_key.is_err());
        let name = match (&by_key, &by_files) {
            (Err(error), _) => name(error),
            (Ok(_), Err(error)) => format!("{}, unless a key is given", name(error)),
            (Ok(report), Ok(_)) => match contradicts(dir, report, &self.kept.witnessed) {
                false if report.torn.is_some() => "said: an unfinished end".to_owned(),
                false if report.unsigned() > 0 => "said: not signed".to_owned(),
                false => "nothing".to_owned(),
                true => {
                    row.witness += 1;
                    "a checkpoint kept elsewhere".to_owned()
                }
            },
        };
        *row.by.entry(name).or_default() += 1;
    }

    pub fn end(&mut self, what: &str, must: Must, row: &Row) {
        let Row {
            tried,
            files,
            key,
            witness,
            ..
        } = *row;
        assert!(tried > 0, "{what}: nothing tried");
        let (holds, found) = match must {
            Must::BeFound => (files == tried && key == tried, files.to_string()),
            Must::BeFoundWithoutAKey => (files == tried, files.to_string()),
            Must::BeFoundWithTheKey => (
                key == tried && files == 0,
                format!("{key}, with the key kept elsewhere; else 0"),
            ),
            Must::NeedAWitness => (
                key == 0 && witness == tried,
                format!("0; {witness} with a witness"),
            ),
            Must::BeSaid => (
                key + files + witness == 0 && !row.by.contains_key("nothing"),
                "0: nothing signed was changed".to_owned(),
            ),
            Must::BeQuiet => (key + files + witness == 0, "0: no alarm is due".to_owned()),
        };
        let by: Vec<_> = row.by.iter().map(|(by, n)| format!("{by} {n}")).collect();
        let by = by.join(", ");
        writeln!(self.text, "| {what} | {tried} | {found} | {by} |").unwrap();
        assert!(
            holds,
            "{what}: tried {tried}, {files} found by the files, {key} with the key, {witness} with a witness: {by}"
        );
    }
}

/// Whether the records are not those a checkpoint kept elsewhere covers.
fn contradicts(dir: &Path, report: &Report, witnessed: &Checkpoint) -> bool {
    let size = usize::try_from(witnessed.size).unwrap();
    let records = hallpass_journal::read::records(dir).unwrap().take(size);
    let mut tree = hallpass_journal::merkle::Tree::new();
    for record in records {
        let line = record.unwrap();
        tree.push(hallpass_journal::merkle::leaf_hash(line.line().as_bytes()));
    }
    report.origin != witnessed.origin
        || tree.size() != witnessed.size
        || tree.root() != witnessed.root
}

fn name(error: &VerifyError) -> String {
    match error {
        VerifyError::Checkpoint(_) => "checkpoint not believed",
        VerifyError::CheckpointMissing { .. } => "checkpoint missing",
        VerifyError::Damaged(damage) => match damage {
            Damage::BadLine { .. } => "bad line, located",
            Damage::RootMismatch { .. } => "root",
            Damage::SegmentMissing { .. } => "segment missing",
            Damage::SegmentName { .. } => "segment name",
            Damage::SignedTailMissing { .. } => "signed tail missing",
            _ => "other damage",
        },
        VerifyError::OtherJournal { .. } => "another journal's opening",
        VerifyError::OtherKey { .. } => "another key",
        VerifyError::VerifierKeyMissing { .. } => "no readable key",
        _ => "another error",
    }
    .to_owned()
}
