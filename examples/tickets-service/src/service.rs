//! The service from start to shutdown.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hallpass_axum::ToolsError;
use hallpass_bundle::{Snapshots, TrustRoot};
use hallpass_client::{BaseUrl, BundleSource, BundleSourceConfig};
use hallpass_journal::{AppendError, Journal, JournalName};
use hallpass_verifier::{Disclosure, Setup, Tenancy, Verifier};
use hallpass_vocabulary::{Audience, SystemClock};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::store::Store;
use crate::tools;

/// How long requests under way may take to end once the service is told to stop, in seconds. The tools here answer in
/// milliseconds.
pub const DRAIN_SECONDS_MAX: u64 = 5;

/// What the service is started with.
pub struct Settings {
    /// Its name: tokens must be for it.
    pub audience: Audience,
    /// Whose data it holds.
    pub tenancy: Tenancy,
    /// Where bundles come from.
    pub authority: BaseUrl,
    /// What is believed from the start; also pins the environment.
    pub trust_root: TrustRoot,
    /// Where the journal and the last good bundle are kept.
    pub state: PathBuf,
    /// The service's own data.
    pub store: Store,
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
    /// The journal cannot be written: then nothing is served.
    #[error("the journal cannot be opened")]
    Journal(#[from] hallpass_journal::OpenError),
    /// The service's name is no journal name.
    #[error(transparent)]
    JournalName(#[from] hallpass_journal::InvalidJournalName),
    /// The listener failed.
    #[error("cannot serve")]
    Serve(#[source] std::io::Error),
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
    journal: Journal,
    bundles: BundleSource,
}

impl Service {
    /// Opens the journal, fetches the bundle, and puts every tool behind a verifier. An authority that does not answer
    /// is no error: until it does, calls are `bundle_missing`.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn start(settings: Settings) -> Result<Self, ServiceError> {
        let environment = settings.trust_root.environment.clone();
        let journal = open_journal(&settings).await?;
        let source = BundleSourceConfig::new(settings.authority, settings.trust_root)
            .with_state_directory(settings.state.join("bundle"));
        let bundles = BundleSource::start(source, SystemClock).await?;
        let verifier = Verifier::new(Setup {
            audience: settings.audience,
            environment,
            tenancy: settings.tenancy,
            disclosure: Disclosure::Code,
            journal: journal.clone(),
            snapshots: bundles.snapshots(),
            clock: Arc::new(SystemClock),
        });
        let router = tools::router(verifier, settings.store)?;
        Ok(Self {
            router,
            journal,
            bundles,
        })
    }

    /// What the verifier knows of the authority.
    pub fn snapshots(&self) -> Arc<Snapshots> {
        self.bundles.snapshots()
    }

    /// Serves until `shutdown` ends; then answers what is under way, for at most [`DRAIN_SECONDS_MAX`], and closes the
    /// journal. Plain HTTP, and heads may arrive slowly: put it behind what terminates TLS and limits connections.
    ///
    /// # Errors
    /// [`ServiceError::Serve`], [`ServiceError::Close`].
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServiceError> {
        let Self {
            router,
            journal,
            bundles,
        } = self;
        let (told, was_told) = oneshot::channel();
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            shutdown.await;
            // Fails when the server has failed before, and then nobody drains anything.
            let _ = told.send(());
        });
        let served = tokio::select! {
            served = server => served,
            // Half a request that never becomes a whole one must not keep the journal open for ever.
            () = drained(was_told) => {
                tracing::warn!("some requests did not end in time and were cut off");
                Ok(())
            }
        };
        drop(bundles);
        blocking(move || journal.close())
            .await
            .map_err(ServiceError::Close)?;
        served.map_err(ServiceError::Serve)
    }
}

/// Ends when requests under way have had their time since `was_told`.
async fn drained(was_told: oneshot::Receiver<()>) {
    match was_told.await {
        Ok(()) => tokio::time::sleep(Duration::from_secs(DRAIN_SECONDS_MAX)).await,
        Err(_) => std::future::pending().await,
    }
}

async fn open_journal(settings: &Settings) -> Result<Journal, ServiceError> {
    let name = JournalName::new(settings.audience.as_str())?;
    let environment = settings.trust_root.environment.clone();
    let state = settings.state.clone();
    blocking(move || {
        std::fs::create_dir_all(&state).map_err(ServiceError::State)?;
        let settings = hallpass_journal::Settings::new(environment, name, Arc::new(SystemClock));
        Ok(Journal::open(&state.join("journal"), settings)?)
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
