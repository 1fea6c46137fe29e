//! `[store]` of `authority.toml`: where the rows are.

use std::path::{Path, PathBuf};

/// Where the rows are: in the embedded store at `paths.store`, or in PostgreSQL. A password is never part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
    /// Whether a password was written where everybody who may read the configuration sees it.
    pub(crate) fn holds_password(&self) -> bool {
        let Some(postgres) = &self.postgres else {
            return false;
        };
        let named = postgres.to_ascii_lowercase().contains("password");
        // The form of a URL: postgresql://user:password@host/database. What is before the first `@` is read as user and
        // password, whatever else is in it.
        let authority = postgres.split_once("://").map_or("", |(_, rest)| rest);
        named
            || authority
                .split_once('@')
                .is_some_and(|(user, _)| user.contains(':'))
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_seen_in_every_form() {
        let holds = |postgres: &str| {
            let settings = StoreSettings {
                postgres: Some(postgres.to_owned()),
                ..StoreSettings::default()
            };
            settings.holds_password()
        };
        for with in [
            "host=db user=hallpass password=secret",
            "host=db PassWord = 'secret'",
            "postgresql://hallpass:secret@db/hallpass",
            "postgresql://hallpass:se/cret@db/hallpass",
            "postgresql://hallpass:se?cret@db/hallpass",
            "postgres://hallpass@db/hallpass?password=secret",
        ] {
            assert!(holds(with), "{with}");
        }
        for without in [
            "host=db user=hallpass dbname=hallpass",
            "postgresql://hallpass@db:5432/hallpass",
            "postgresql://db:5432/hallpass",
        ] {
            assert!(!holds(without), "{without}");
        }
        assert!(!StoreSettings::default().holds_password());
    }
}
