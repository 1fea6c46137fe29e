//! A new authority: its directory, whole or not at all.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_bundle::{InvalidDocument, SignError, TrustRoot};
use hallpass_keys::key_file::KeyFileError;
use hallpass_keys::{Purpose, RandomnessError, VerifyingKey};
use hallpass_vocabulary::{AuthorityId, ClientId, Clock, Environment, OperatorId};

use crate::config::{ConfigError, ForeignKey, Paths};
use crate::file::FileError;
use crate::journal::CatchUpError;
use crate::layout;
use crate::secret::ClientSecret;
use crate::store::StoreError;

mod build;
mod operator;
mod workshop;

pub use operator::FirstOperator;
pub(crate) use workshop::Workshop;

/// What a new authority is to be.
#[derive(Clone)]
pub struct InitOptions {
    /// The environment it will mint for; its keys are bound to it.
    pub environment: Environment,
    /// Its name, in its trust root and its bundles.
    pub authority: AuthorityId,
    /// Where it will listen.
    pub listen: SocketAddr,
    /// The name of its first client.
    pub client: ClientId,
    /// Its first operator.
    pub operator: FirstOperator,
    /// Run keys of sibling environments, so that their stray tokens are answered `wrong_environment`.
    pub foreign_keys: Vec<ForeignKey>,
    /// Dates its documents.
    pub clock: Arc<dyn Clock>,
}

/// What was made. The client's secret is here and nowhere else: only its hash is kept.
#[derive(Debug)]
#[must_use = "the client's secret is shown once"]
pub struct InitReport {
    /// The authority's directory.
    pub directory: PathBuf,
    /// Its configuration.
    pub config_path: PathBuf,
    /// The policy to edit.
    pub policy_path: PathBuf,
    /// The environment.
    pub environment: Environment,
    /// Where it will listen.
    pub listen: SocketAddr,
    /// The first client.
    pub client: ClientId,
    /// Its secret.
    pub client_secret: ClientSecret,
    /// What services pin.
    pub trust_root: TrustRoot,
    /// The file with it, to hand to services.
    pub trust_root_path: PathBuf,
    /// The key to take offline: it is needed only to replace the others.
    pub root_key_path: PathBuf,
    /// The first operator.
    pub operator: OperatorId,
    /// The first operator's key, to hand to its owner.
    pub operator_key_path: PathBuf,
    /// The policy file that makes it one.
    pub operators_path: PathBuf,
    /// The public half of the run key, for sibling environments to list as foreign.
    pub run_key: VerifyingKey,
}

/// An authority that was not made. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// There is something in the directory already; nothing is ever overwritten.
    #[error("`{}` exists and is not an empty directory; nothing was changed", path.display())]
    NotEmpty {
        /// Which directory.
        path: PathBuf,
    },
    /// The path has no name of its own, such as `/` or `..`.
    #[error("`{}` cannot be the directory of an authority", path.display())]
    NoName {
        /// Which path.
        path: PathBuf,
    },
    /// What was asked for makes no valid configuration.
    #[error("the options are invalid")]
    Config(#[from] ConfigError),
    /// The store cannot be brought up to the journal.
    #[error("cannot bring the store up to the journal")]
    CatchUp(#[from] CatchUpError),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The journal cannot be created.
    #[error("cannot create the journal")]
    Journal(#[from] hallpass_journal::OpenError),
    /// The journal cannot be written.
    #[error("cannot write to the journal")]
    Record(#[from] hallpass_journal::AppendError),
    /// A key file cannot be written.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// There is no randomness to make keys from.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// The root document is invalid.
    #[error("the root document is invalid")]
    Root(#[from] InvalidDocument),
    /// The root document cannot be signed.
    #[error("the root document cannot be signed")]
    Sign(#[from] SignError),
    /// The store cannot be created.
    #[error("cannot create the store")]
    Store(#[from] StoreError),
}

impl fmt::Debug for InitOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InitOptions")
            .field("environment", &self.environment)
            .field("authority", &self.authority)
            .field("listen", &self.listen)
            .field("client", &self.client)
            .field("operator", &self.operator)
            .field("foreign_keys", &self.foreign_keys)
            .finish_non_exhaustive()
    }
}

/// Creates the directory of a new authority: keys, configuration, starter policy, store with one client, trust root.
///
/// It is built beside its place and moved there whole, so a crash leaves either nothing or all of it. Blocks on the
/// disk.
///
/// # Errors
/// [`InitError::NotEmpty`] when there is anything in the directory; else what could not be written.
pub fn init(directory: &Path, options: &InitOptions) -> Result<InitReport, InitError> {
    let workshop = Workshop::beside(directory)?;
    let client_secret = ClientSecret::generate()?;
    let made = build::build(workshop.path(), options, &client_secret)?;
    workshop.move_to(directory)?;
    let paths = Paths::standard().under(directory);
    Ok(InitReport {
        directory: directory.to_owned(),
        config_path: directory.join(layout::CONFIG_FILE),
        policy_path: paths.policy.join(layout::STARTER_POLICY_FILE),
        environment: options.environment.clone(),
        listen: options.listen,
        client: options.client.clone(),
        client_secret,
        trust_root: made.trust_root,
        trust_root_path: directory.join(layout::TRUST_ROOT_FILE),
        root_key_path: layout::key_file(&paths.keys, Purpose::Root),
        operator: options.operator.operator.clone(),
        operators_path: paths.policy.join(layout::OPERATORS_POLICY_FILE),
        operator_key_path: layout::key_file(&paths.keys, Purpose::Operator),
        run_key: made.run_key,
    })
}
