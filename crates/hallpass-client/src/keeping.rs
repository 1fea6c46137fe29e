//! The last good bundle on disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::store::{self, StoreError};
use hallpass_bundle::{BundleId, Published, Snapshot};
use hallpass_vocabulary::Timestamp;

use crate::belief::Belief;
use crate::refresh_error::RefreshError;

/// How old the saved heartbeat may become before it is saved again though the bundle is the same. Saving at every
/// heartbeat would wear the disk for nothing: a restart fetches a new one at once.
const SAVE_HEARTBEAT_EVERY: Duration = Duration::from_secs(60);

/// Where what is believed is kept, if anywhere, and what is kept there.
#[derive(Debug, Default)]
pub(crate) struct Keeping {
    directory: Option<PathBuf>,
    saved: Option<(BundleId, Timestamp)>,
    /// What could not be saved, to be tried again.
    unsaved: Option<Arc<Published>>,
}

impl Keeping {
    /// Puts in force what was saved there, as far as it is still believed, and remembers its marks.
    pub(crate) fn open(
        directory: Option<PathBuf>,
        belief: &mut Belief,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut keeping = Self {
            directory,
            ..Self::default()
        };
        let Some(directory) = &keeping.directory else {
            return Ok(keeping);
        };
        let Some(saved) = store::load(directory, belief.pinned(), now)? else {
            return Ok(keeping);
        };
        belief.remember(saved.high_water);
        match saved.snapshot {
            Ok(snapshot) => {
                let mark = snapshot.high_water();
                keeping.saved = Some((*mark.bundle(), mark.heartbeat()));
                belief.snapshots().publish(snapshot);
            }
            Err(error) => tracing::info!(%error, "the saved bundle is not believed any more"),
        }
        Ok(keeping)
    }

    /// Keeps a bundle, where it is another than was kept last or its heartbeat is a minute later.
    pub(crate) async fn keep(
        &mut self,
        snapshot: Snapshot,
        published: Arc<Published>,
    ) -> Result<(), RefreshError> {
        if self.is_kept(&snapshot) {
            return Ok(());
        }
        let kept = (*snapshot.high_water().bundle(), snapshot.heartbeat());
        let documents = Arc::clone(&published);
        let save = move |directory: PathBuf| store::save(&directory, &snapshot, &documents);
        let saved = self.on_disk(save, kept).await;
        self.unsaved = saved.is_err().then_some(published);
        saved
    }

    /// Keeps that the bundle which is kept has a later heartbeat, where that is a minute later.
    pub(crate) async fn keep_heartbeat(&mut self, snapshot: &Snapshot) -> Result<(), RefreshError> {
        if let Some(published) = self.unsaved.take() {
            return self.keep(snapshot.clone(), published).await;
        }
        let kept = (*snapshot.high_water().bundle(), snapshot.heartbeat());
        if self.is_kept(snapshot) {
            return Ok(());
        }
        let snapshot = snapshot.clone();
        let save = move |directory: PathBuf| store::save_heartbeat(&directory, &snapshot);
        self.on_disk(save, kept).await
    }

    fn is_kept(&self, snapshot: &Snapshot) -> bool {
        let id = snapshot.high_water().bundle();
        self.saved.is_some_and(|(bundle, heartbeat)| {
            bundle == *id && snapshot.heartbeat().since(heartbeat) < SAVE_HEARTBEAT_EVERY
        })
    }

    async fn on_disk(
        &mut self,
        save: impl FnOnce(PathBuf) -> Result<(), StoreError> + Send + 'static,
        kept: (BundleId, Timestamp),
    ) -> Result<(), RefreshError> {
        let Some(directory) = self.directory.clone() else {
            return Ok(());
        };
        tokio::task::spawn_blocking(move || save(directory))
            .await
            .map_err(|_| RefreshError::GivenUp)?
            .map_err(RefreshError::Save)?;
        self.saved = Some(kept);
        Ok(())
    }
}
