//! The configuration in force: the file, what the environment says instead, and what flags say instead of both.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hallpass_vocabulary::Environment;
use toml::{Table, Value};

use crate::OpenError;
use crate::config::{CONFIG_BYTES_MAX, Config, ConfigError, LogFormat, with_suggestion};
use crate::file;
use crate::layout;

mod shown;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// The variable of this name.
    Environment(&'static str),
    /// `authority.toml`.
    File,
    /// The flag of this name.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Environment(name) | Self::Flag(name) => f.write_str(name),
            Self::File => f.write_str(layout::CONFIG_FILE),
        }
    }
}

/// Values that stand instead of those of the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides(Vec<Override>);

#[derive(Debug, Clone)]
struct Override {
    key: &'static str,
    value: Value,
    source: Source,
}

impl Overrides {
    /// Another value for a key of `authority.toml`, such as `listen` or `tls.key`. The last one said of a key counts.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Value>, source: Source) -> Self {
        let value = value.into();
        self.0.retain(|earlier| earlier.key != key);
        self.0.push(Override { key, value, source });
        self
    }
}

/// The configuration of an authority, from wherever each value comes.
#[derive(Debug, Clone)]
pub struct Settings {
    directory: PathBuf,
    pub(crate) config: Config,
    /// What the file said, to tell its values from defaults.
    file: Table,
    overrides: Overrides,
}

impl Settings {
    /// Reads `authority.toml` of a directory and puts the overrides over it. A mistake in the file is one even where an
    /// override makes it irrelevant.
    ///
    /// # Errors
    /// [`OpenError::Config`] with the line and what was probably meant; [`OpenError::Missing`] when there is no file.
    pub fn read(directory: &Path, overrides: Overrides) -> Result<Self, OpenError> {
        let path = directory.join(layout::CONFIG_FILE);
        let text = file::read(&path, CONFIG_BYTES_MAX)?
            .ok_or_else(|| OpenError::Missing { path: path.clone() })?;
        Self::of_text(directory, &text, overrides)
            .map_err(|source| OpenError::Config { path, source })
    }

    fn of_text(directory: &Path, text: &str, overrides: Overrides) -> Result<Self, ConfigError> {
        let mut config = Config::parse(text)?;
        // It was read as TOML a moment ago.
        let file: Table = text.parse().unwrap_or_default();
        if !overrides.0.is_empty() {
            config = overlaid(&file, &overrides)?;
            config.check()?;
        }
        Ok(Self {
            directory: directory.to_owned(),
            config,
            file,
            overrides,
        })
    }

    /// Whether an authority may run so.
    ///
    /// # Errors
    /// When it would listen where other machines reach it, without a certificate and without saying so; and when it
    /// names what this build does not have.
    pub fn check(&self) -> Result<(), OpenError> {
        self.config
            .check_exposure()
            .map_err(|source| OpenError::Config {
                path: self.directory.join(layout::CONFIG_FILE),
                source,
            })
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The environment it mints for.
    pub fn environment(&self) -> &Environment {
        &self.config.environment
    }

    /// Where it listens.
    pub fn listen(&self) -> SocketAddr {
        self.config.listen
    }

    /// Whether it speaks TLS.
    pub fn is_tls(&self) -> bool {
        self.config.tls.is_some()
    }

    /// What is logged, in the form of `tracing_subscriber::EnvFilter`.
    pub fn log_filter(&self) -> &str {
        &self.config.log.filter
    }

    /// How it is logged.
    pub fn log_format(&self) -> LogFormat {
        self.config.log.format
    }

    /// How long requests under way may take to end once it is told to stop.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.config.drain_seconds)
    }

    /// All of it as TOML, each value with where it comes from. What could be a secret is left out.
    pub fn shown(&self) -> String {
        let values = Table::try_from(&self.config).unwrap_or_default();
        shown::shown(&values, &|key| self.source(key))
    }

    /// Where the value of a key comes from.
    fn source(&self, key: &str) -> Source {
        if let Some(over) = self.overrides.0.iter().find(|over| over.key == key) {
            return over.source;
        }
        let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
        let table = if section.is_empty() {
            Some(&self.file)
        } else {
            self.file.get(section).and_then(Value::as_table)
        };
        match table {
            Some(table) if table.contains_key(name) => Source::File,
            _ => Source::Default,
        }
    }
}

/// The file with the overrides in it.
fn overlaid(file: &Table, overrides: &Overrides) -> Result<Config, ConfigError> {
    let mut values = file.clone();
    for over in &overrides.0 {
        let table = match over.key.rsplit_once('.') {
            None => &mut values,
            Some((section, _)) => values
                .entry(section)
                .or_insert_with(|| Value::Table(Table::new()))
                .as_table_mut()
                .ok_or_else(|| given(over, "not a section"))?,
        };
        let name = over.key.rsplit('.').next().unwrap_or(over.key);
        table.insert(name.to_owned(), over.value.clone());
        // One by one, so that a mistake is told with its source. Half a section is completed by the next one.
        let trial: Result<Config, _> = Value::Table(values.clone()).try_into();
        if let Err(error) = trial
            && !error.message().starts_with("missing field")
        {
            return Err(given(over, &with_suggestion(error.message())));
        }
    }
    Value::Table(values)
        .try_into()
        .map_err(|error: toml::de::Error| match overrides.0.last() {
            Some(over) => given(over, error.message()),
            None => ConfigError::TooLarge,
        })
}

fn given(over: &Override, message: &str) -> ConfigError {
    ConfigError::Given {
        from: over.source,
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests;
