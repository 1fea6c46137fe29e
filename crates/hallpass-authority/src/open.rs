//! From a directory to an authority: every part read, checked against the others, and brought up to date.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_bundle::{BundleError, InvalidTrustRoot, TrustRoot, believe_root};
use hallpass_journal::{AppendError, Durability, Event, Journal, PolicyLoaded, Storage, Text};
use hallpass_keys::dsse::{DsseError, Envelope};
use hallpass_keys::key_file::{KeyFileError, read_key_file};
use hallpass_keys::{Digest, InvalidDigest, Purpose, RandomnessError, random_bytes};
use hallpass_policy::{POLICY_FILE_BYTES_MAX, Policy, PolicyErrors};
use hallpass_vocabulary::{Clock, Environment};
use tokio::sync::Semaphore;

use crate::authority::Authority;
use crate::client::{Client, Clients};
use crate::config::{CONFIG_BYTES_MAX, Config, ConfigError, Paths};
use crate::file::{self, FileError, failed};
use crate::http::limits::MINTS_IN_FLIGHT_MAX;
use crate::journal::{self, CatchUpError, START_APPEND_MAX};
use crate::layout;
use crate::mint::Minter;
use crate::publisher::{self, Content, PublishError, Publisher, Signers};
use crate::recorder::Recorder;
use crate::refusals::Refusals;
use crate::secret::SecretHash;
use crate::service::Service;
use crate::store::{ClientRow, Store, StoreError};

/// The most policy files. More routes than a policy may have fit into one.
const POLICY_FILES_MAX: usize = 256;

/// The largest root document, in bytes: three roles of 16 keys, and their signatures.
const ROOT_BYTES_MAX: usize = 64 * 1024;

/// The largest trust root file, in bytes. A real one has about 160.
const TRUST_ROOT_BYTES_MAX: usize = 4 * 1024;

/// An authority that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// `authority.toml` is malformed.
    #[error("`{}` is malformed", path.display())]
    Config {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: ConfigError,
    },
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The journal cannot be opened.
    #[error("cannot open the journal")]
    Journal(#[from] hallpass_journal::OpenError),
    /// The store cannot be brought up to the journal.
    #[error("cannot bring the store up to the journal")]
    CatchUp(#[from] CatchUpError),
    /// The journal cannot be written.
    #[error("cannot write to the journal")]
    Record(#[from] AppendError),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A file that every authority has is not there.
    #[error("there is no `{}`; is this the directory of an authority?", path.display())]
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// The policy is malformed.
    #[error("the policy in `{}` is refused:\n{source}", path.display())]
    Policy {
        /// The policy directory.
        path: PathBuf,
        /// Everything that is wrong with it.
        source: PolicyErrors,
    },
    /// The policy's digest has no form: never by itself.
    #[error(transparent)]
    PolicyDigest(#[from] InvalidDigest),
    /// More policy files than the limit, or a name that is not text.
    #[error("`{}` must hold 1 to {POLICY_FILES_MAX} files `*.toml` with plain names", path.display())]
    PolicyFiles {
        /// The policy directory.
        path: PathBuf,
    },
    /// The bundle cannot be published.
    #[error("cannot publish the bundle")]
    Publish(#[from] PublishError),
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// A root document is no envelope.
    #[error("`{}` is malformed", path.display())]
    RootFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: DsseError,
    },
    /// The roots do not lead from the trust root to one in force.
    #[error("the roots are not believed")]
    Roots(#[from] BundleError),
    /// The store cannot be opened.
    #[error("cannot open the store")]
    Store(#[from] StoreError),
    /// The trust root is malformed.
    #[error("`{}` is malformed", path.display())]
    TrustRoot {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: InvalidTrustRoot,
    },
}

/// Opens everything. The journal comes first: its lock keeps a second authority away from the rest.
pub(crate) fn open(
    directory: &Path,
    clock: Arc<dyn Clock>,
    journal_storage: Arc<dyn Storage>,
) -> Result<Authority, OpenError> {
    let config = read_config(directory)?;
    let environment = &config.environment;
    let paths = config.paths.under(directory);
    let key = |purpose| {
        read_key_file(
            &layout::key_file(&paths.keys, purpose),
            purpose,
            environment,
        )
    };
    let run_key = key(Purpose::Run)?;
    let approval_key = key(Purpose::Approval)?.verifying_key();
    let signers = Signers {
        bundle: key(Purpose::Bundle)?,
        heartbeat: key(Purpose::Heartbeat)?,
    };
    let (files, policy) = read_policy(&paths.policy)?;
    let policy_digest: Digest = policy.digest().parse()?;

    let keep = config.journal.keep();
    let journal = journal::open(&paths.journal, environment, &clock, journal_storage, keep)?;
    let settings = config.store.under(directory);
    let store = Store::open(&settings, &paths.store, journal.origin(), environment)?;
    let store = Arc::new(store);
    journal::bring_up_to_date(&store, &journal)?;
    journal::acknowledge(&store, &journal)?;

    let content = Content {
        run_key: run_key.verifying_key(),
        approval_key,
        foreign_keys: config.foreign_keys.clone(),
        catalogue: policy.catalogue().clone(),
        policy: policy_digest,
    };
    // Recorded before a bundle names it: after a crash in between the change is recorded again rather than never.
    let changed = publisher::last_policy(&paths.bundle)? != Some(policy_digest);
    record_policy(&journal, policy_digest, files, changed)?;
    let publisher = start_publisher(directory, &paths, content, signers, &clock)?;
    let recorder = Arc::new(Recorder::new(journal, Arc::clone(&clock)));
    let clients = Clients::new(registered(&store, environment)?, random_bytes()?);
    store.start_writer()?;
    let minter = Minter {
        environment: environment.clone(),
        policy,
        policy_digest,
        run_key_id: run_key.id(),
        run_key,
        approval_keys: vec![approval_key],
        recorder: Arc::clone(&recorder),
        store,
        clock: Arc::clone(&clock),
    };
    let service = Service {
        environment: environment.clone(),
        clients,
        minter: Arc::new(minter),
        publisher: Arc::new(publisher),
        mints: Arc::new(Semaphore::new(MINTS_IN_FLIGHT_MAX as usize)),
        recorder,
        refusals: Refusals::default(),
        clock,
    };
    Ok(Authority {
        service: Arc::new(service),
        name: config.name,
        listen: config.listen,
        drain: std::time::Duration::from_secs(crate::DRAIN_SECONDS_DEFAULT),
    })
}

/// The clients with a secret, as the door knows them.
fn registered(store: &Store, environment: &Environment) -> Result<Vec<Client>, StoreError> {
    let rows = store.clients_at_start()?;
    let client = |row: ClientRow| {
        let secret = row.secrets.first()?.sha256;
        Some(Client {
            id: row.client,
            environment: environment.clone(),
            secret: SecretHash::from_bytes(secret),
            disabled: !row.enabled,
        })
    };
    Ok(rows.into_iter().filter_map(client).collect())
}

fn read_required(path: &Path, bytes_max: usize) -> Result<String, OpenError> {
    file::read(path, bytes_max)?.ok_or_else(|| OpenError::Missing {
        path: path.to_owned(),
    })
}

fn read_config(directory: &Path) -> Result<Config, OpenError> {
    let path = directory.join(layout::CONFIG_FILE);
    let text = read_required(&path, CONFIG_BYTES_MAX)?;
    Config::parse(&text).map_err(|source| OpenError::Config { path, source })
}

/// Every `*.toml` of the policy directory, in the order of their names.
fn read_policy(directory: &Path) -> Result<(Vec<Text>, Policy), OpenError> {
    let refused = || OpenError::PolicyFiles {
        path: directory.to_owned(),
    };
    let mut files: Vec<(String, String)> = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed("read", directory))? {
        let path = entry.map_err(failed("read", directory))?.path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(refused)?;
        // One byte more than a policy file may have: the policy says so itself, with the file's name.
        let text = read_required(&path, POLICY_FILE_BYTES_MAX + 1)?;
        files.push((name.to_owned(), text));
    }
    if !(1..=POLICY_FILES_MAX).contains(&files.len()) {
        return Err(refused());
    }
    files.sort();
    let borrowed: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let policy = Policy::parse(&borrowed).map_err(|source| OpenError::Policy {
        path: directory.to_owned(),
        source,
    })?;
    for warning in policy.warnings() {
        tracing::warn!(%warning, "the policy is in force, but look at this");
    }
    Ok((
        files.iter().map(|(name, _)| Text::new(name)).collect(),
        policy,
    ))
}

fn start_publisher(
    directory: &Path,
    paths: &Paths,
    content: Content,
    signers: Signers,
    clock: &Arc<dyn Clock>,
) -> Result<Publisher, OpenError> {
    let path = directory.join(layout::TRUST_ROOT_FILE);
    let pinned: TrustRoot = read_required(&path, TRUST_ROOT_BYTES_MAX)?
        .parse()
        .map_err(|source| OpenError::TrustRoot { path, source })?;
    let mut roots = Vec::new();
    for version in 1.. {
        let path = layout::root_file(&paths.roots, version);
        let Some(text) = file::read(&path, ROOT_BYTES_MAX)? else {
            break;
        };
        let envelope = Envelope::from_json(text.as_bytes())
            .map_err(|source| OpenError::RootFile { path, source })?;
        roots.push(envelope);
    }
    let root = believe_root(&roots, &pinned, clock.now())?;
    Ok(Publisher::start(
        roots,
        root,
        content,
        signers,
        &paths.bundle,
        Arc::clone(clock),
    )?)
}

/// Says in the journal which policy is in force, and whether that is news.
fn record_policy(
    journal: &Journal,
    digest: Digest,
    files: Vec<Text>,
    changed: bool,
) -> Result<(), OpenError> {
    let loaded = Event::PolicyLoaded(PolicyLoaded {
        digest,
        files,
        changed,
        widenings: Vec::new(),
        by: None,
    });
    let _recorded = journal
        .append(&loaded, Durability::Durable)
        .wait(START_APPEND_MAX)?;
    Ok(())
}
