//! `[store]` of `authority.toml`: where the rows are.

use std::path::{Path, PathBuf};

/// Where the rows are: in the embedded store at `paths.store`, or in PostgreSQL. A password is never part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSettings {
    /// A PostgreSQL connection string (`host=… dbname=… user=…`); the embedded store when absent.
    pub(crate) postgres: Option<String>,
    /// A file with the password, in the form of PostgreSQL's `.pgpass`. `PGPASSWORD` goes before it.
    pub(crate) passfile: Option<PathBuf>,
    /// The certificates that the server's must descend from, in PEM. With it the connection is encrypted.
    pub(crate) ca_file: Option<PathBuf>,
}

impl StoreSettings {
    /// With its files found from a directory.
    pub(crate) fn under(&self, directory: &Path) -> Self {
        let under = |path: &PathBuf| directory.join(path);
        Self {
            postgres: self.postgres.clone(),
            passfile: self.passfile.as_ref().map(under),
            ca_file: self.ca_file.as_ref().map(under),
        }
    }
}
