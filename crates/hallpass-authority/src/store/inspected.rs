//! A look at a store from outside: nothing is made, migrated or written.

use std::path::Path;

use super::{Sqlite, StoreError, StoreSettings};

/// What a store says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inspected {
    /// The version of its tables.
    pub(crate) version: i64,
    /// Whether this release writes that version.
    pub(crate) current: bool,
    /// Up to which record it is complete, for each journal.
    pub(crate) floors: Vec<(String, u64)>,
}

/// Looks at the store the settings name, also while its authority runs. Blocks.
pub(crate) fn inspect(settings: &StoreSettings, path: &Path) -> Result<Inspected, StoreError> {
    match &settings.postgres {
        None => Sqlite::inspect(path),
        #[cfg(feature = "postgres")]
        Some(postgres) => super::Postgres::inspect(settings, postgres),
        #[cfg(not(feature = "postgres"))]
        Some(_) => Err(StoreError::Setting(super::NOT_BUILT)),
    }
}
