//! `authority.toml`: who this authority is and where it listens.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hallpass_journal::KEEP_MIN;
use hallpass_keys::VerifyingKey;
use hallpass_policy::nearest;
use hallpass_vocabulary::{AuthorityId, Environment};

use crate::alert::{AlertConfig, COMMAND_WORDS_MAX};
use crate::settings::Source;
use crate::store::StoreSettings;

mod text;

/// The largest configuration file, in bytes. A real one has a few hundred.
pub(crate) const CONFIG_BYTES_MAX: usize = 64 * 1024;

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// The most keys of sibling environments. More environments than any deployment has.
pub(crate) const FOREIGN_KEYS_MAX: usize = 64;

/// The configuration of one authority. One authority serves one environment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The environment it mints for.
    pub(crate) environment: Environment,
    /// Its name, in its trust root and its bundles.
    pub(crate) name: AuthorityId,
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Listen without TLS where other machines can listen in.
    #[serde(default)]
    pub(crate) danger_plain_http: bool,
    /// How long requests under way may take to end once it is told to stop, in seconds.
    #[serde(default = "drain_seconds_default")]
    pub(crate) drain_seconds: u64,
    /// Where its parts are, relative to the directory.
    pub(crate) paths: Paths,
    /// What it logs, and how.
    #[serde(default)]
    pub(crate) log: LogConfig,
    /// What becomes of its journal.
    #[serde(default)]
    pub(crate) journal: JournalConfig,
    /// Who is told of a policy that allows more than the one before.
    #[serde(default, skip_serializing_if = "AlertConfig::is_silent")]
    pub(crate) alerts: AlertConfig,
    /// Where its rows are.
    #[serde(default)]
    pub(crate) store: StoreSettings,
    /// The certificate it shows; plain HTTP without.
    pub(crate) tls: Option<TlsConfig>,
    /// Run keys of sibling environments.
    #[serde(default)]
    pub(crate) foreign_keys: Vec<ForeignKey>,
}

/// What becomes of the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JournalConfig {
    /// For how many days records are kept; for ever when absent.
    keep_days: Option<u32>,
}

impl JournalConfig {
    /// For how long records are kept; for ever when absent.
    pub(crate) fn keep(&self) -> Option<Duration> {
        let days = self.keep_days?;
        Some(Duration::from_secs(u64::from(days) * DAY_SECONDS))
    }
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogConfig {
    /// What, in the form of `tracing_subscriber::EnvFilter`.
    pub(crate) filter: String,
    /// How.
    pub(crate) format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// The form of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Lines for people.
    Text,
}

/// The certificate of the authority's own port. Paths are relative to the directory.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsConfig {
    /// PEM: the certificate and those that lead from it to a root.
    pub(crate) certificate: PathBuf,
    /// PEM: its private key.
    pub(crate) key: PathBuf,
}

fn drain_seconds_default() -> u64 {
    crate::DRAIN_SECONDS_DEFAULT
}

/// Where the parts of an authority are. Relative paths are relative to the directory of `authority.toml`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paths {
    pub(crate) keys: PathBuf,
    pub(crate) policy: PathBuf,
    pub(crate) store: PathBuf,
    pub(crate) journal: PathBuf,
    pub(crate) roots: PathBuf,
    pub(crate) bundle: PathBuf,
}

/// A run key of another environment's authority. Published so that verifiers answer a stray token of that environment
/// with `wrong_environment` instead of `unknown_key`; it never makes such a token valid.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignKey {
    /// The sibling environment.
    pub environment: Environment,
    /// The public half of its run key.
    pub public_key: VerifyingKey,
}

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The command of alerts has no program, or too many words.
    #[error(
        "`command` under `[alerts]` is a program and its arguments, at most {COMMAND_WORDS_MAX} words"
    )]
    AlertCommand,
    /// A key listed as foreign that claims this authority's own environment.
    #[error("`foreign_keys` lists a key of `{0}`, which is this authority's own environment")]
    ForeignKeyIsOwn(Environment),
    /// More foreign keys than the limit.
    #[error("more than {FOREIGN_KEYS_MAX} foreign keys")]
    ForeignKeysTooMany,
    /// Not TOML, an unknown key, a missing key, or a value of the wrong form.
    #[error("line {line}: {message}")]
    Form {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A value of the environment or of a flag that is not of its kind.
    #[error("{from}: {message}")]
    Given {
        /// Where it came from.
        from: Source,
        /// What is wrong.
        message: String,
    },
    /// Records are to be kept for less time than they are needed.
    #[error("`keep_days` must be at least {}", KEEP_MIN.as_secs() / DAY_SECONDS)]
    KeepTooShort,
    /// Everybody on the network could read tokens and secrets.
    #[error(
        "`{0}` can be reached from other machines, and there is no certificate: tokens and secrets would cross the network unencrypted"
    )]
    PlainHttp(SocketAddr),
    /// A password stands where everybody who may read the configuration sees it.
    #[error("`store.postgres` holds a password; give it by PGPASSWORD or in a `passfile`")]
    PostgresPassword,
    /// A certificate is configured that this build cannot use.
    #[error("`[tls]` needs a build with the feature `tls` (`full` has it)")]
    TlsNotBuilt,
    /// Larger than the limit.
    #[error("larger than {CONFIG_BYTES_MAX} bytes")]
    TooLarge,
}

impl Config {
    /// Reads the text of `authority.toml`.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        if text.len() > CONFIG_BYTES_MAX {
            return Err(ConfigError::TooLarge);
        }
        let config: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.as_bytes().get(..start).unwrap_or_default();
            ConfigError::Form {
                line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
                message: with_suggestion(error.message()),
            }
        })?;
        config.check()?;
        Ok(config)
    }

    /// What each value allows by itself and the types do not say.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let config = self;
        if config.foreign_keys.len() > FOREIGN_KEYS_MAX {
            return Err(ConfigError::ForeignKeysTooMany);
        }
        if !config.alerts.is_sound() {
            return Err(ConfigError::AlertCommand);
        }
        if config.journal.keep().is_some_and(|keep| keep < KEEP_MIN) {
            return Err(ConfigError::KeepTooShort);
        }
        if config.store.holds_password() {
            return Err(ConfigError::PostgresPassword);
        }
        for key in &config.foreign_keys {
            if key.environment == config.environment {
                return Err(ConfigError::ForeignKeyIsOwn(key.environment.clone()));
            }
        }
        Ok(())
    }

    /// Whether it may listen so. Apart from [`Config::check`]: a file can be written first and its certificate later.
    pub(crate) fn check_exposure(&self) -> Result<(), ConfigError> {
        if self.tls.is_some() {
            return if cfg!(feature = "tls") {
                Ok(())
            } else {
                Err(ConfigError::TlsNotBuilt)
            };
        }
        if self.listen.ip().is_loopback() || self.danger_plain_http {
            Ok(())
        } else {
            Err(ConfigError::PlainHttp(self.listen))
        }
    }
}

/// A message of the TOML reader, with the name that was probably meant: it quotes what it met first and then what it
/// would have taken.
pub(crate) fn with_suggestion(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = message.starts_with("unknown ");
    match quoted.next() {
        Some(written) if unknown => match nearest(written, quoted) {
            Some(name) => format!("{message}; did you mean `{name}`?"),
            None => message.to_owned(),
        },
        _ => message.to_owned(),
    }
}

impl Paths {
    /// Where a new authority has its parts.
    pub(crate) fn standard() -> Self {
        Self {
            keys: "keys".into(),
            policy: "policy".into(),
            store: "authority.db".into(),
            journal: "journal".into(),
            roots: "roots".into(),
            bundle: "bundle".into(),
        }
    }

    /// The same paths, seen from outside the directory.
    pub(crate) fn under(&self, directory: &Path) -> Self {
        Self {
            keys: directory.join(&self.keys),
            policy: directory.join(&self.policy),
            store: directory.join(&self.store),
            journal: directory.join(&self.journal),
            roots: directory.join(&self.roots),
            bundle: directory.join(&self.bundle),
        }
    }
}

#[cfg(test)]
mod tests;
