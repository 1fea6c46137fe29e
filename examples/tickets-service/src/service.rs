//! The service from start to shutdown.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hallpass_axum::ToolsError;
use hallpass_bundle::{Snapshots, TrustRoot};
use hallpass_client::{
    BaseUrl, BundleSource, BundleSourceConfig, LinkConfig, Present, VerifierLink, is_enrolled,
    set_aside_refused,
};
use hallpass_journal::{AppendError, Journal, JournalName};
use hallpass_verifier::{Disclosure, ServicePolicy, Setup, Tenancy, Verifier};
use hallpass_vocabulary::{Audience, SystemClock};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::metrics;
use crate::store::Store;
use crate::tools::{self, JournalledError};

/// How long calls under way may take to end once the service is told to stop, in seconds, unless it is started with another
/// bound. The tools here answer in milliseconds.
pub const DRAIN_SECONDS_DEFAULT: u64 = 5;

/// How long the last report may take, with what is left of the records.
const LAST_REPORT: Duration = Duration::from_secs(2);

/// How long calls that are cut off may take to be recorded as abandoned.
const ABANDON: Duration = Duration::from_millis(250);

/// Where the last good bundle is kept, in the state directory.
const BUNDLE_DIRECTORY: &str = "bundle";

/// What connections may cost.
const CONNECTION_LIMITS: hallpass_http::Limits = hallpass_http::Limits {
    connections: 1_024,
    // The largest token is 11 KiB of text; the rest is a generous proxy's.
    head_bytes: 32 * 1024,
    head_read: Duration::from_secs(15),
    drain: Duration::from_secs(DRAIN_SECONDS_DEFAULT),
};

/// What the service is started with.
pub struct Settings {
    /// Its name: tokens must be for it.
    pub audience: Audience,
    /// Whose data it holds.
    pub tenancy: Tenancy,
    /// Its own rules on top of tokens.
    pub policy: ServicePolicy,
    /// Where bundles come from.
    pub authority: BaseUrl,
    /// What is believed from the start; also pins the environment.
    pub trust_root: TrustRoot,
    /// Where the journal and the last good bundle are kept, and where files may be put that stop the service.
    pub state: PathBuf,
    /// The service's own data.
    pub store: Store,
    /// For how long records are kept, eight days or more; for ever when absent.
    pub keep: Option<Duration>,
    /// What its verifier enrols with at the authority. One that is enrolled is linked without it.
    pub enrol: Option<String>,
}

/// The service could not start, or not stop in good order.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The last records may be missing.
    #[error("the journal was not closed in good order")]
    Close(#[source] AppendError),
    /// The bundle source cannot run.
    #[error("bundles cannot be fetched")]
    Bundle(#[from] hallpass_client::OpenError),
    /// The authority cannot be told of this verifier.
    #[error("the verifier cannot be linked to the authority")]
    Link(#[from] hallpass_client::LinkError),
    /// The journal cannot be written: then nothing is served.
    #[error("the journal cannot be opened")]
    Journal(#[from] hallpass_journal::OpenError),
    /// The service's name is no journal name.
    #[error(transparent)]
    JournalName(#[from] hallpass_journal::InvalidJournalName),
    /// A mistake in what the records are to show.
    #[error(transparent)]
    Journalled(#[from] JournalledError),
    /// The state directory cannot be made.
    #[error("cannot create the state directory")]
    State(#[source] std::io::Error),
    /// A mistake in the list of tools.
    #[error(transparent)]
    Tools(#[from] ToolsError),
}

/// The service, ready to serve.
pub struct Service {
    router: Router,
    verifier: Verifier,
    journal: Journal,
    bundles: BundleSource,
    link: Option<VerifierLink>,
    drain: Duration,
}

impl Service {
    /// Opens the journal, fetches the bundle, and puts every tool behind a verifier. An authority that does not answer
    /// is no error: until it does, calls are `bundle_missing`.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn start(settings: Settings) -> Result<Self, ServiceError> {
        let environment = settings.trust_root.environment.clone();
        let linked = settings.enrol.is_some()
            || is_enrolled(&settings.state).map_err(ServiceError::State)?;
        let journal = open_journal(&settings, linked).await?;
        // It denies everything until the source, which is started with its clock, puts a first bundle there.
        let snapshots = Arc::new(Snapshots::empty());
        let verifier = Verifier::new(Setup {
            audience: settings.audience,
            environment,
            tenancy: settings.tenancy,
            policy: settings.policy,
            journalled: tools::journalled()?,
            disclosure: Disclosure::Code,
            profile: hallpass_verifier::Profile::Standard,
            spend: hallpass_verifier::Spend::ThisJournal,
            recording: hallpass_verifier::Recording::standard(),
            journal: journal.clone(),
            snapshots: Arc::clone(&snapshots),
            clock: Arc::new(SystemClock),
        });
        let link = linked.then(|| LinkConfig {
            code: settings.enrol,
            ..LinkConfig::new(
                settings.authority.clone(),
                settings.trust_root.clone(),
                verifier.audience().clone(),
                settings.state.clone(),
            )
        });
        let source = BundleSourceConfig::new(settings.authority, settings.trust_root)
            .with_state_directory(settings.state.join(BUNDLE_DIRECTORY))
            .with_stop_directory(settings.state)
            .with_snapshots(snapshots);
        let bundles = BundleSource::start(source, verifier.token_clock()).await?;
        let asked = verifier.clone();
        let present = move || Present {
            draining: asked.is_draining(),
            calls_in_flight: asked.open_permits(),
        };
        let clock = Arc::new(SystemClock);
        let link = link
            .map(|link| {
                VerifierLink::start(link, journal.clone(), bundles.snapshots(), clock, present)
            })
            .transpose()?;
        let tools = tools::router(verifier.clone(), settings.store)?;
        let router = tools.merge(metrics::router(bundles.monitor()));
        Ok(Self {
            router,
            verifier,
            journal,
            bundles,
            link,
            drain: Duration::from_secs(DRAIN_SECONDS_DEFAULT),
        })
    }

    /// With another bound on what is under way when it is told to stop than [`DRAIN_SECONDS_DEFAULT`].
    #[must_use]
    pub fn draining_within(mut self, bound: Duration) -> Self {
        self.drain = bound;
        self
    }

    /// What the verifier knows of the authority.
    pub fn snapshots(&self) -> Arc<Snapshots> {
        self.bundles.snapshots()
    }

    /// Serves until `shutdown` ends. Then it drains: calls that would begin are told `draining`, those under way may end
    /// within the bound, and what has not ended then is cut off and recorded as abandoned. At last it syncs, signs and
    /// closes the journal. Plain HTTP: put it behind what terminates TLS.
    ///
    /// # Errors
    /// [`ServiceError::Close`].
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), ServiceError> {
        let Self {
            router,
            verifier,
            journal,
            bundles,
            link,
            drain,
        } = self;
        let (told, hears) = oneshot::channel::<()>();
        let drained = async {
            shutdown.await;
            drop(told);
            // New calls are answered for as long as old ones are under way.
            verifier.drain().await;
        };
        let too_late = async {
            let _ = hears.await;
            tokio::time::sleep(drain).await;
        };
        let limits = hallpass_http::Limits {
            drain,
            ..CONNECTION_LIMITS
        };
        tokio::select! {
            () = hallpass_http::serve(listener, router, &limits, drained) => {}
            // Dropping the server drops the calls, and their permits say so in the journal.
            () = too_late => {}
        }
        let _ = tokio::time::timeout(ABANDON, verifier.drain()).await;
        drop(bundles);
        let closed = blocking(move || journal.close()).await;
        // The last checkpoint is witnessed, and what is left of the records shipped.
        if let Some(link) = link {
            link.finish(LAST_REPORT).await;
        }
        closed.map_err(ServiceError::Close)
    }
}

async fn open_journal(settings: &Settings, linked: bool) -> Result<Journal, ServiceError> {
    let name = JournalName::new(settings.audience.as_str())?;
    let environment = settings.trust_root.environment.clone();
    let state = settings.state.clone();
    let keep = settings.keep;
    blocking(move || {
        std::fs::create_dir_all(state.join(BUNDLE_DIRECTORY)).map_err(ServiceError::State)?;
        let mut settings =
            hallpass_journal::Settings::new(environment, name, Arc::new(SystemClock));
        if let Some(keep) = keep {
            settings = settings.keep(keep);
        }
        let journal = state.join("journal");
        if linked {
            // Nothing is pruned that the authority does not have.
            settings = settings.prune_acknowledged_only();
            // Not gone on from where the authority has seen another continuation.
            set_aside_refused(&state, &journal).map_err(ServiceError::State)?;
        }
        Ok(Journal::open(&journal, settings)?)
    })
    .await
}

/// Runs what blocks on the disk away from the threads that serve.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Cancelled: the runtime is ending, and nobody will wait for this any more.
            Err(_) => std::future::pending().await,
        },
    }
}
