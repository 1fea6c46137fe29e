//! How far the journal was when it was last looked at: what says that an older copy was put back.
//!
//! The mark lies beside the number of the last bundle. A journal that has fewer records than it says, and a store that does not
//! have them either, have forgotten tokens; so does a copy made by `hallpass backup`, which says of itself that it is one.

use std::path::{Path, PathBuf};

use hallpass_journal::{CutOff, Durability, Event, Journal, Text};
use hallpass_vocabulary::{Environment, Timestamp};

use crate::file::{self, FileError};
use crate::journal::{self, START_APPEND_MAX};
use crate::layout;
use crate::open::OpenError;
use crate::store::Store;

/// The largest mark, in bytes. A real one has about 100.
const MARK_BYTES_MAX: usize = 4 * 1024;

/// How far a journal was.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mark {
    pub(crate) origin: String,
    /// Records that were signed, so that no power cut takes them.
    pub(crate) records: u64,
    /// Whether this directory is a copy, which was never an authority's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) copied: bool,
}

/// A mark that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MarkError {
    /// It is not one.
    #[error("`{}` does not say how far the journal was", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Mark {
    /// Of a journal as it is now.
    pub(crate) fn of(journal: &Journal) -> Self {
        Self {
            origin: journal.origin().to_owned(),
            records: journal.status().signed,
            copied: false,
        }
    }

    /// Of a directory that is a copy.
    pub(crate) fn of_copy() -> Self {
        Self {
            origin: String::new(),
            records: 0,
            copied: true,
        }
    }

    /// The mark in a bundle directory, if there is one.
    pub(crate) fn read(directory: &Path) -> Result<Option<Self>, MarkError> {
        let path = directory.join(layout::JOURNAL_MARK_FILE);
        let parsed = file::read(&path, MARK_BYTES_MAX)?.map(|text| serde_json::from_str(&text));
        parsed.transpose().map_err(|_| MarkError::Damaged { path })
    }

    /// Puts it in place of the one in a bundle directory. Blocks on the disk.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), FileError> {
        // Strings and numbers only: writing them to memory cannot fail.
        let text = serde_json::to_vec(self).unwrap_or_default();
        file::replace(&directory.join(layout::JOURNAL_MARK_FILE), &text)
    }

    /// Whether records are gone, with `floors` as what the store has of each journal.
    pub(crate) fn is_ahead_of(&self, floors: &[(String, u64)]) -> bool {
        let floor = floors.iter().find(|(origin, _)| *origin == self.origin);
        self.copied || floor.map_or(0, |(_, floor)| *floor) < self.records
    }
}

/// Cuts off every token of the environment that was issued before now, where records are gone: among them may be those of stops
/// and of tokens. Blocks.
pub(crate) fn after_restore(
    store: &Store,
    journal: &Journal,
    directory: &Path,
    environment: &Environment,
    now: Timestamp,
) -> Result<(), OpenError> {
    let mark = Mark::read(directory)?;
    let floors = store.floors()?;
    if mark.as_ref().is_some_and(|mark| mark.is_ahead_of(&floors)) {
        // Nothing that is lost was issued in this very second.
        let before = Timestamp::from_unix_seconds(now.unix_seconds());
        tracing::error!(
            %environment,
            "the journal is older than what was published: tokens issued before now are cut off. Look for stops, disabled \
             clients and retired secrets of the time that is lost"
        );
        let cut_off = Event::CutOff(CutOff {
            selector: Text::new(&format!("environment:{environment}")),
            before,
            reason: Text::new("the journal is older than what was published"),
        });
        let _recorded = journal
            .append(&cut_off, Durability::Durable)
            .wait(START_APPEND_MAX)?;
        journal::bring_up_to_date(store, journal)?;
    }
    // After the record: a crash in between cuts off once more rather than never.
    Mark::of(journal).write(directory)?;
    Ok(())
}
