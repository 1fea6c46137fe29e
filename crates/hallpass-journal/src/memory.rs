//! What a journal remembers of its own records, so that what may happen once happens once.
//!
//! Rebuilt at start from every record, or from a snapshot and the records after it. Whatever is recalled twice is the same
//! as recalled once: a snapshot may hold what later records say again.

use crate::scan::Visited;

/// A line of a snapshot that says nothing this version remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an entry of the memory")]
pub(crate) struct UnknownEntry;

/// The memory of one journal, shared by its handles.
#[derive(Debug, Default)]
pub(crate) struct Memory {}

impl Memory {
    /// Remembers what a record says, while the journal is opened.
    pub(crate) fn recall(&self, _record: &Visited<'_>) {}

    /// Appends everything remembered to a snapshot: one JSON object a line.
    pub(crate) fn write_entries(&self, _out: &mut Vec<u8>) {}

    /// Remembers what a line of a snapshot says, given without its end.
    pub(crate) fn recall_entry(&self, _line: &[u8]) -> Result<(), UnknownEntry> {
        Err(UnknownEntry)
    }
}
