//! An authority, opened from its directory and ready to serve.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hallpass_journal::{AppendError, OsStorage, Storage};
use hallpass_keys::Digest;
use hallpass_vocabulary::{AuthorityId, Clock, Environment};
use tokio::net::TcpListener;

use crate::http;
use crate::http::limits::{CONNECTION_LIMITS, MINTS_IN_FLIGHT_MAX};
use crate::journal;
use crate::open::{self, OpenError};
use crate::publisher;
use crate::reload::{Reloader, Untold};
use crate::service::Service;
use crate::settings::{Overrides, Settings};
use crate::stops::Mark;
use crate::transport::Transport;

/// How often refusals that were only counted are recorded as a number, and rows the store refused are tried again.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How often the journal learns which records the store holds durably: a pruning is of days.
const ACKNOWLEDGE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How often it is written down how far the journal is: a journal that was put back from a copy is older than that.
const MARK_INTERVAL: Duration = Duration::from_secs(60);

/// How long requests under way may take to end once the authority is told to stop, in seconds, unless it is opened with
/// another bound.
pub const DRAIN_SECONDS_DEFAULT: u64 = 10;

/// How long mints whose callers have gone may take to end, at least, when the connections have used up the bound: many times
/// what a disk takes to sync.
const MINTS_DRAIN_MIN: Duration = Duration::from_millis(250);

/// An authority, opened and not yet serving. It holds its directory: no second one can open it.
pub struct Authority {
    pub(crate) service: Arc<Service>,
    pub(crate) listen: SocketAddr,
    pub(crate) drain: Duration,
    pub(crate) untold: Untold,
    pub(crate) transport: Transport,
}

/// The authority stopped, but not in good order.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The journal could not be closed. What was acknowledged is in it all the same.
    #[error("the journal was not closed in good order")]
    Journal(#[from] AppendError),
    /// A thread died while stopping.
    #[error("a thread died while the authority was stopping")]
    Thread,
}

impl Authority {
    /// Opens the authority of a directory: checks every part, brings the store up to the journal, signs a new bundle.
    /// Blocks on the disk.
    ///
    /// # Errors
    /// [`OpenError`], for the first part that is missing, malformed, too open or in use.
    pub fn open(directory: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_on(directory, clock, Arc::new(OsStorage))
    }

    /// As [`Authority::open`], with other file operations under its journal: for tests of a disk that fails.
    ///
    /// # Errors
    /// As [`Authority::open`].
    pub fn open_on(
        directory: &Path,
        clock: Arc<dyn Clock>,
        journal_storage: Arc<dyn Storage>,
    ) -> Result<Self, OpenError> {
        let settings = Settings::read(directory, Overrides::default())?;
        open::open(settings, clock, journal_storage)
    }

    /// As [`Authority::open`], with a configuration that was read before.
    ///
    /// # Errors
    /// As [`Authority::open`].
    pub fn open_with(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        open::open(settings, clock, Arc::new(OsStorage))
    }

    /// The environment it mints for.
    pub fn environment(&self) -> &Environment {
        &self.service.environment
    }

    /// Its name.
    pub fn name(&self) -> &AuthorityId {
        &self.service.name
    }

    /// Where its configuration says it listens.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Whether it speaks TLS.
    pub fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }

    /// The digest of the policy in force.
    pub fn policy(&self) -> Digest {
        self.service.policy().digest
    }

    /// What makes it read its policy again while it serves.
    pub fn reloader(&self) -> Reloader {
        Reloader(Arc::clone(&self.service))
    }

    /// The number of the bundle in force.
    pub fn bundle_version(&self) -> u64 {
        self.service.publisher.version()
    }

    /// With another bound on what is under way when it is told to stop than [`DRAIN_SECONDS_DEFAULT`].
    #[must_use]
    pub fn draining_within(mut self, bound: Duration) -> Self {
        self.drain = bound;
        self
    }

    /// Serves until `shutdown` ends. Then it stops accepting, finishes what is under way, within its bound, writes what is queued
    /// and closes the journal: whatever was answered is on disk. It speaks TLS where a certificate is configured, and
    /// reads that again on SIGHUP.
    ///
    /// # Errors
    /// When it could not stop in good order.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let service = self.service;
        if let Some(widened) = &self.untold {
            service.reloading.alerts.send(widened);
        }
        let upkeep = tokio::spawn(keep_up(Arc::clone(&service)));
        let beating = tokio::spawn(publisher::keep_beating(Arc::clone(&service.publisher)));
        tracing::info!(environment = %service.environment, bundle.version = service.publisher.version(), "serving");
        let router = http::router(Arc::clone(&service));
        let mut told = None;
        let closing = Arc::clone(&service);
        let shutdown = async {
            shutdown.await;
            // Those who listen would otherwise be waited for.
            closing.closing.send_replace(true);
            told = Some(Instant::now());
        };
        let limits = hallpass_http::Limits {
            drain: self.drain,
            ..CONNECTION_LIMITS
        };
        let server = self
            .transport
            .server(limits)
            .counting(Arc::clone(&service.metrics.connections));
        let reloading = self.transport.reload_on_hangup();
        server.serve(listener, router, shutdown).await;
        upkeep.abort();
        beating.abort();
        reloading.abort();
        // Mints whose callers hung up run on in tasks of their own.
        let all = service.mints.acquire_many(MINTS_IN_FLIGHT_MAX);
        let used = told.map_or(Duration::ZERO, |told| told.elapsed());
        let left = self.drain.saturating_sub(used).max(MINTS_DRAIN_MIN);
        if tokio::time::timeout(left, all).await.is_err() {
            tracing::warn!(
                "some mints did not end in time; the next start looks for their records"
            );
        }
        service.record_surplus().await;
        service.minter.store.stop().await;
        let closing = Arc::clone(&service);
        tokio::task::spawn_blocking(move || closing.recorder.close())
            .await
            .map_err(|_| ServeError::Thread)??;
        // All of it is signed now.
        mark(service).await;
        tracing::info!("stopped");
        Ok(())
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("name", self.name())
            .field("environment", self.environment())
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

async fn keep_up(service: Arc<Service>) {
    let mut tick = tokio::time::interval(UPKEEP_INTERVAL);
    let mut acknowledged = Instant::now();
    let mut marked = Instant::now();
    service.publish_verifiers().await;
    loop {
        tick.tick().await;
        if acknowledged.elapsed() >= ACKNOWLEDGE_INTERVAL {
            acknowledged = Instant::now();
            acknowledge(Arc::clone(&service)).await;
        }
        if marked.elapsed() >= MARK_INTERVAL {
            marked = Instant::now();
            mark(Arc::clone(&service)).await;
            // Other replicas enrol and retire verifiers too.
            service.publish_verifiers().await;
        }
        service.minter.store.retry();
        service.keep_keys().await;
        service.keep_published().await;
        clean(&service).await;
        service.record_surplus().await;
    }
}

/// What has no more use goes. When the store refuses it stays, and the next time tries again.
async fn clean(service: &Service) {
    if let Err(error) = service.minter.store.clean(service.clock.now()).await {
        let error = &error as &dyn std::error::Error;
        tracing::debug!(error, "the store is not cleaned for now");
    }
}

/// Writes down how far the journal is. When the disk refuses, the next minute tries again.
async fn mark(service: Arc<Service>) {
    let done = tokio::task::spawn_blocking(move || {
        Mark::of(service.recorder.journal()).write(&service.bundle_directory)
    });
    if let Ok(Err(error)) = done.await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "it is not written down how far the journal is");
    }
}

/// What is old may go once the store has it. When the disk refuses it stays, and the next hour tries again.
async fn acknowledge(service: Arc<Service>) {
    let done = tokio::task::spawn_blocking(move || {
        journal::acknowledge(&service.minter.store, service.recorder.journal())
    });
    if let Ok(Err(error)) = done.await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "old records are not pruned for now");
    }
}
