//! What a journal remembers of its own records, so that what may happen once happens once.
//!
//! Rebuilt at start from every record, or from a snapshot and the records after it. Whatever is recalled twice is the same
//! as recalled once: a snapshot may hold what later records say again.

use crate::scan::Visited;

/// The memory of one journal, shared by its handles.
#[derive(Debug, Default)]
pub(crate) struct Memory {}

impl Memory {
    /// Remembers what a record says, while the journal is opened.
    pub(crate) fn recall(&self, _record: &Visited<'_>) {}
}
