//! `authority.toml`: who this authority is and where it listens.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hallpass_journal::KEEP_MIN;
use hallpass_keys::VerifyingKey;
use hallpass_vocabulary::{AuthorityId, Environment};

use crate::alert::{AlertConfig, COMMAND_WORDS_MAX};

/// The largest configuration file, in bytes. A real one has a few hundred.
pub(crate) const CONFIG_BYTES_MAX: usize = 64 * 1024;

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// The most keys of sibling environments. More environments than any deployment has.
pub(crate) const FOREIGN_KEYS_MAX: usize = 64;

/// The configuration of one authority. One authority serves one environment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The environment it mints for.
    pub(crate) environment: Environment,
    /// Its name, in its trust root and its bundles.
    pub(crate) name: AuthorityId,
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Where its parts are, relative to the directory.
    pub(crate) paths: Paths,
    /// What becomes of its journal.
    #[serde(default)]
    pub(crate) journal: JournalConfig,
    /// Who is told of a policy that allows more than the one before.
    #[serde(default)]
    pub(crate) alerts: AlertConfig,
    /// Run keys of sibling environments.
    #[serde(default)]
    pub(crate) foreign_keys: Vec<ForeignKey>,
}

/// What becomes of the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
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

/// Where the parts of an authority are. Relative paths are relative to the directory of `authority.toml`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
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
    /// Records are to be kept for less time than they are needed.
    #[error("`keep_days` must be at least {}", KEEP_MIN.as_secs() / DAY_SECONDS)]
    KeepTooShort,
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
                message: error.message().to_owned(),
            }
        })?;
        if config.foreign_keys.len() > FOREIGN_KEYS_MAX {
            return Err(ConfigError::ForeignKeysTooMany);
        }
        if !config.alerts.is_sound() {
            return Err(ConfigError::AlertCommand);
        }
        if config.journal.keep().is_some_and(|keep| keep < KEEP_MIN) {
            return Err(ConfigError::KeepTooShort);
        }
        for key in &config.foreign_keys {
            if key.environment == config.environment {
                return Err(ConfigError::ForeignKeyIsOwn(key.environment.clone()));
            }
        }
        Ok(config)
    }

    /// The text of a new `authority.toml`.
    pub(crate) fn text(
        environment: &Environment,
        name: &AuthorityId,
        listen: SocketAddr,
        foreign_keys: &[ForeignKey],
    ) -> String {
        let Paths {
            keys,
            policy,
            store,
            journal,
            roots,
            bundle,
        } = Paths::standard();
        let mut text = format!(
            r#"# This authority serves one environment; its keys are bound to it.
environment = "{environment}"

# Its name, in its trust root and its signed bundles. Verifiers pin it, so it never changes.
name = "{name}"

# Where it listens. It speaks plain HTTP: keep it on loopback, or behind something that terminates TLS.
listen = "{listen}"

# Where its parts are, relative to this directory.
[paths]
keys = {keys:?}
policy = {policy:?}
store = {store:?}
journal = {journal:?}
roots = {roots:?}
bundle = {bundle:?}

# For how many days its journal keeps records, 8 or more; for ever without this. What is older is removed, once it is in
# the store, and what is left still verifies.
#
# [journal]
# keep_days = 400

# The run keys of sibling environments, so that a stray token of one is answered `wrong_environment` rather than
# `unknown_key`. It never makes such a token valid.
#
# [[foreign_keys]]
# environment = "staging"
# public_key = "64 hex digits"
"#
        );
        for ForeignKey {
            environment,
            public_key,
        } in foreign_keys
        {
            text.push_str(&format!(
                "\n[[foreign_keys]]\nenvironment = \"{environment}\"\npublic_key = \"{public_key}\"\n"
            ));
        }
        text
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
mod tests {
    use super::*;

    fn text() -> String {
        let dev = Environment::new("dev").unwrap();
        let name = AuthorityId::new("dev.hallpass").unwrap();
        Config::text(&dev, &name, "127.0.0.1:7420".parse().unwrap(), &[])
    }

    #[test]
    fn what_is_written_is_read() {
        let config = Config::parse(&text()).unwrap();
        assert_eq!(config.environment.as_str(), "dev");
        assert_eq!(config.listen.port(), 7420);
        assert_eq!(config.foreign_keys, []);
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let Err(ConfigError::Form { line, message }) =
            Config::parse(&text().replace("listen =", "lisen ="))
        else {
            panic!("accepted");
        };
        assert_eq!(line, 8);
        assert!(message.contains("lisen"), "{message}");
    }

    #[test]
    fn records_are_kept_for_ever_or_for_eight_days_and_more() {
        assert_eq!(Config::parse(&text()).unwrap().journal.keep(), None);
        let with = |days: &str| {
            let text = text().replace("# [journal]\n# keep_days = 400", "[journal]\nkeep_days = N");
            Config::parse(&text.replace("= N", &format!("= {days}")))
        };
        let kept = with("8").unwrap().journal.keep();
        assert_eq!(kept, Some(KEEP_MIN));
        let kept = with("4000000000").unwrap().journal.keep();
        assert_eq!(kept, Some(Duration::from_secs(4_000_000_000 * DAY_SECONDS)));
        for short in ["0", "7"] {
            assert_eq!(with(short), Err(ConfigError::KeepTooShort));
        }
        assert!(matches!(with("\"90d\""), Err(ConfigError::Form { .. })));
    }

    #[test]
    fn a_foreign_key_is_of_another_environment() {
        let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let with = |environment: &str| {
            format!(
                "{}\n[[foreign_keys]]\nenvironment = \"{environment}\"\npublic_key = \"{key}\"\n",
                text()
            )
        };
        assert_eq!(Config::parse(&with("prod")).unwrap().foreign_keys.len(), 1);
        assert!(matches!(
            Config::parse(&with("dev")),
            Err(ConfigError::ForeignKeyIsOwn(_))
        ));
    }
}
