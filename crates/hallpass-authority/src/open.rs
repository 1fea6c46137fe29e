//! From a directory to an authority: every part read, checked against the others, and brought up to date.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use hallpass_bundle::believe_root;
use hallpass_journal::{AppendError, Durability, Storage};
use hallpass_keys::{InvalidDigest, RandomnessError, random_bytes};
use hallpass_policy::{DirectoryError, Policy, PolicyErrors, PolicyFiles};
use hallpass_vocabulary::Clock;
use tokio::sync::Semaphore;

use crate::alert::Alerts;
use crate::authority::Authority;
use crate::config::{ConfigError, Paths};
use crate::file::FileError;
use crate::fleet::Fleet;
use crate::http::clock::ANSWERS_PER_SECOND;
use crate::http::limits::{MINTS_IN_FLIGHT_MAX, STREAMS_MAX};
use crate::http::pace::Pace;
use crate::identity::Identity;
use crate::identity::declared::IdentityError;
use crate::journal::{self, CatchUpError, START_APPEND_MAX};
use crate::kept_policy::KeptPolicies;
use crate::keys::open::KeysError;
use crate::keys::ring::Ring;
use crate::keys::{self, Keys};
use crate::layout;
use crate::metrics::Metrics;
use crate::mint::Minter;
use crate::policy_change::PolicyChange;
use crate::policy_in_force::{LoadedPolicy, PolicyInForce};
use crate::publisher::{self, Content, Press, PublishError, Publisher, Signers};
use crate::recorder::Recorder;
use crate::refusals::Refusals;
use crate::reload::Reloading;
use crate::roots::{Roots, RootsError};
use crate::secret::SecretHash;
use crate::service::Service;
use crate::settings::Settings;
use crate::stops::{self, MarkError, Publishing};
use crate::store::{Publications, Store, StoreError};
use crate::transport::Transport;

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
    /// The issuers of the policy cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The journal cannot be opened.
    #[error("cannot open the journal")]
    Journal(#[from] hallpass_journal::OpenError),
    /// The store cannot be brought up to the journal.
    #[error("cannot bring the store up to the journal")]
    CatchUp(#[from] CatchUpError),
    /// The journal cannot be written.
    #[error("cannot write to the journal")]
    Record(#[from] AppendError),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// What says how far the journal was cannot be read.
    #[error(transparent)]
    Mark(#[from] MarkError),
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
    /// The policy directory cannot be read, or holds no policy.
    #[error(transparent)]
    PolicyDirectory(#[from] DirectoryError),
    /// The bundle cannot be published.
    #[error("cannot publish the bundle")]
    Publish(#[from] PublishError),
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// The roots cannot be used.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// The store cannot be opened.
    #[error("cannot open the store")]
    Store(#[from] StoreError),
    /// The certificate or its key cannot be used.
    #[cfg(feature = "tls")]
    #[error("cannot speak TLS")]
    Tls(#[from] hallpass_http::TlsError),
}

/// Opens everything. The journal comes first: its lock keeps a second authority away from the rest.
pub(crate) fn open(
    settings: Settings,
    clock: Arc<dyn Clock>,
    journal_storage: Arc<dyn Storage>,
) -> Result<Authority, OpenError> {
    settings.check()?;
    let (directory, config) = (settings.directory(), &settings.config);
    let transport = Transport::of(directory, config)?;
    let environment = &config.environment;
    let paths = config.paths.under(directory);
    let keys_here = keys::open::look(&paths.keys, environment)?;
    let (files, policy) = read_policy(&paths.policy)?;

    let identity = Arc::new(Identity::default());
    identity.install(identity.prepare(&policy.policy, directory)?);

    let keep = config.journal.keep();
    let journal = journal::open(&paths.journal, environment, &clock, journal_storage, keep)?;
    let store = Store::open(
        &config.store.under(directory),
        &paths.store,
        journal.origin(),
        environment,
    )?;
    let store = Arc::new(store);
    journal::bring_up_to_date(&store, &journal)?;
    stops::after_restore(&store, &journal, &paths.bundle, environment, clock.now())?;
    journal::acknowledge(&store, &journal)?;

    let kept_keys = paths.bundle.join(layout::KEPT_KEYS_FILE);
    let replicated = config.store.postgres.is_some();
    let now = clock.now();
    let ring = keys::open::open(
        keys_here,
        &paths.keys,
        &kept_keys,
        &store,
        replicated,
        environment,
        now,
    )?;
    let foreign = keys::open::foreign(&config.foreign_keys);
    // What only rows of the store say stays as it was published last until whoever reads them says otherwise.
    let restrictions = stops::restrictions(&store, clock.now())?;
    let content = |last: Option<&Content>| Content {
        token_keys: ring.token_keys(&foreign),
        approval_keys: ring.approvals(),
        catalogue: policy.policy.catalogue().clone(),
        policy: policy.digest,
        restrictions,
        operators: policy.operators(),
        verifiers: last.map_or_else(Vec::new, |last| last.verifiers.clone()),
    };
    // Kept and recorded before a bundle names it: after a crash in between the change is recorded again rather than never.
    let kept = KeptPolicies::new(paths.bundle.join(layout::KEPT_POLICIES));
    let last = publisher::last_policy(&paths.bundle)?;
    let change = PolicyChange::since(&kept, last, &policy);
    kept.keep(policy.digest, &files)?;
    let record = change.record(policy.digest, &files, None);
    let _recorded = journal
        .append(&record, Durability::Durable)
        .wait(START_APPEND_MAX)?;
    let shared = store.publications();
    let publisher = start_publisher(directory, &paths, content, &ring, shared, &clock)?;
    let ring = Arc::new(ArcSwap::from_pointee(ring));
    kept.forget_others(policy.digest);
    let untold = change.widened(policy.digest, environment, None, clock.now());
    let metrics = Arc::new(Metrics::default());
    metrics.policy_read(Some(change.widenings.len()));
    let policies = Arc::new(PolicyInForce::new(Arc::new(policy)));
    let recorder = Arc::new(Recorder::new(journal, Arc::clone(&clock)));
    store.start_writer()?;
    let minter = Minter {
        environment: environment.clone(),
        policies: Arc::clone(&policies),
        keys: Arc::clone(&ring),
        identity: Arc::clone(&identity),
        recorder: Arc::clone(&recorder),
        store,
        clock: Arc::clone(&clock),
    };
    minter.store.measure_groups(metrics.store_groups());
    let service = Service {
        name: config.name.clone(),
        environment: environment.clone(),
        nobody: SecretHash::from_bytes(random_bytes()?),
        fleet: Fleet::new(&directory.join(layout::VERIFIERS)),
        identity,
        keys: Keys::new(
            ring,
            paths.keys.clone(),
            paths.roots.clone(),
            kept_keys,
            foreign,
        ),
        minter: Arc::new(minter),
        publisher: Arc::new(publisher),
        streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        clock_pace: Pace::per_second(ANSWERS_PER_SECOND),
        closing: tokio::sync::watch::Sender::new(false),
        mints: Arc::new(Semaphore::new(MINTS_IN_FLIGHT_MAX as usize)),
        recorder,
        refusals: Refusals::default(),
        reloading: Reloading {
            directory: directory.to_owned(),
            policy: paths.policy.clone(),
            kept,
            in_force: policies,
            alerts: Alerts::new(config.alerts.clone(), Arc::clone(&metrics)),
            turn: tokio::sync::Mutex::new(()),
        },
        operator_refusals: Refusals::default(),
        stopping: tokio::sync::Mutex::new(()),
        publishing: Publishing::default(),
        bundle_directory: paths.bundle.clone(),
        registry: tokio::sync::Mutex::new(()),
        clock,
        metrics,
    };
    Ok(Authority {
        service: Arc::new(service),
        listen: config.listen,
        drain: settings.drain(),
        transport,
        untold,
    })
}

/// The policy of the directory, and the files it is made of.
pub(crate) fn read_policy(directory: &Path) -> Result<(PolicyFiles, LoadedPolicy), OpenError> {
    let files = PolicyFiles::read(directory)?;
    let policy = Policy::parse(&files).map_err(|source| OpenError::Policy {
        path: directory.to_owned(),
        source,
    })?;
    for warning in policy.warnings() {
        tracing::warn!(%warning, "the policy is in force, but look at this");
    }
    Ok((files, LoadedPolicy::new(policy)?))
}

fn start_publisher(
    directory: &Path,
    paths: &Paths,
    content: impl FnOnce(Option<&Content>) -> Content + Send,
    ring: &Ring,
    shared: Option<Publications>,
    clock: &Arc<dyn Clock>,
) -> Result<Publisher, OpenError> {
    let Roots { pinned, envelopes } = Roots::read(directory, &paths.roots)?;
    let roots = envelopes;
    let root = believe_root(&roots, &pinned, clock.now()).map_err(RootsError::from)?;
    let signers = Signers::of(&root, ring);
    Ok(Publisher::start(
        Press::new(roots, root, signers),
        content,
        &paths.bundle,
        shared,
        Arc::clone(clock),
    )?)
}
