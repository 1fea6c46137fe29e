//! One fetch of the bundle: from the network, through every check, into the cell and onto the disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::store::{self, StoreError};
use hallpass_bundle::{
    BundleError, BundleId, HighWater, PUBLISHED_BYTES_MAX, Published, Snapshot, Snapshots,
    TrustRoot, accept_to_keep,
};
use hallpass_vocabulary::{Clock, Timestamp};
use reqwest::StatusCode;

use crate::http::{self, TransportError};
use crate::{BaseUrl, BundleSourceConfig};

/// How old the saved heartbeat may become before it is saved again though the bundle is the same. Saving at every
/// heartbeat would wear the disk for nothing: a restart fetches a new one at once.
const SAVE_HEARTBEAT_EVERY: Duration = Duration::from_secs(60);

/// Why a refresh brought nothing, or did not keep what it brought. What was known stays known, and ages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The authority was not reached.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The authority answered something else than a bundle.
    #[error("the authority answered {status} instead of a bundle")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// What came is not believed.
    #[error("the bundle is not believed")]
    Refused(#[from] BundleError),
    /// What came is in force, and will be forgotten at a restart.
    #[error("the bundle is in force and cannot be saved")]
    Save(#[source] StoreError),
    /// The process is ending.
    #[error("the refresh was given up")]
    GivenUp,
}

/// Why bundles cannot be fetched at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The HTTP library cannot start.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The state directory cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Fetches, one at a time.
#[derive(Debug)]
pub(crate) struct Refresher<C> {
    http: reqwest::Client,
    authority: BaseUrl,
    trust_root: TrustRoot,
    state_directory: Option<PathBuf>,
    clock: C,
    snapshots: Arc<Snapshots>,
    seen: Option<HighWater>,
    saved: Option<(BundleId, Timestamp)>,
}

impl<C: Clock + Clone + 'static> Refresher<C> {
    /// Starts with what was saved, if anything was.
    pub(crate) fn open(config: &BundleSourceConfig, clock: C) -> Result<Self, OpenError> {
        let mut refresher = Self {
            http: http::client_to(&config.authority, config.timeout)?,
            authority: config.authority.clone(),
            trust_root: config.trust_root.clone(),
            state_directory: config.state_directory.clone(),
            clock,
            snapshots: Arc::new(Snapshots::empty()),
            seen: None,
            saved: None,
        };
        refresher.load()?;
        Ok(refresher)
    }

    fn load(&mut self) -> Result<(), StoreError> {
        let Some(directory) = &self.state_directory else {
            return Ok(());
        };
        let Some(saved) = store::load(directory, &self.trust_root, self.clock.now())? else {
            return Ok(());
        };
        self.seen = Some(saved.high_water);
        match saved.snapshot {
            Ok(snapshot) => {
                let mark = snapshot.high_water();
                self.saved = Some((*mark.bundle(), mark.heartbeat()));
                self.snapshots.publish(snapshot);
            }
            Err(error) => tracing::info!(%error, "the saved bundle is not believed any more"),
        }
        Ok(())
    }

    pub(crate) fn snapshots(&self) -> &Arc<Snapshots> {
        &self.snapshots
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Fetches once.
    pub(crate) async fn refresh(&mut self) -> Result<(), RefreshError> {
        let response = self
            .http
            .get(self.authority.join("/v1/bundle"))
            .send()
            .await
            .map_err(TransportError::from)?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(RefreshError::Status {
                status: status.as_u16(),
            });
        }
        let published = http::read(response, PUBLISHED_BYTES_MAX).await?;
        let (pinned, seen) = (self.trust_root.clone(), self.seen.clone());
        let now = self.clock.now();
        // Signatures over megabytes: not on a thread that serves others.
        let believed = tokio::task::spawn_blocking(move || {
            accept_to_keep(&published, &pinned, seen.as_ref(), now)
        });
        let (snapshot, published) = believed.await.map_err(|_| RefreshError::GivenUp)??;
        self.seen = Some(snapshot.high_water().clone());
        self.snapshots.publish(snapshot.clone());
        self.save(snapshot, published).await
    }

    async fn save(&mut self, snapshot: Snapshot, published: Published) -> Result<(), RefreshError> {
        let Some(directory) = &self.state_directory else {
            return Ok(());
        };
        let (id, heartbeat) = (*snapshot.high_water().bundle(), snapshot.heartbeat());
        let saved_lately = self
            .saved
            .is_some_and(|(saved, at)| saved == id && heartbeat.since(at) < SAVE_HEARTBEAT_EVERY);
        if saved_lately {
            return Ok(());
        }
        let directory = directory.clone();
        tokio::task::spawn_blocking(move || store::save(&directory, &snapshot, &published))
            .await
            .map_err(|_| RefreshError::GivenUp)?
            .map_err(RefreshError::Save)?;
        self.saved = Some((id, heartbeat));
        Ok(())
    }
}
