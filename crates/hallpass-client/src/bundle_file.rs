//! A bundle that comes as a file, where there is no network.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hallpass_bundle::PUBLISHED_BYTES_MAX;
use hallpass_vocabulary::{Clock, SystemClock};
use tokio::sync::watch;

use crate::belief::Belief;
use crate::bundle_status::Progress;
use crate::jitter::Jitter;
use crate::keeping::Keeping;
use crate::refresh_error::RefreshError;
use crate::schedule::BundleMode;

/// How soon a file that was refused is looked at again though it has not changed: what was wrong may have been our clock.
const REFUSED_AGAIN_AFTER: Duration = Duration::from_secs(15);

/// Looks at a file, and reads it again when it changes.
pub(crate) struct FileSource<C> {
    path: PathBuf,
    belief: Belief,
    keeping: Keeping,
    clock: C,
    progress: watch::Sender<Progress>,
    read: Option<Read>,
}

/// What was read last.
struct Read {
    of: Stamp,
    /// When, where it was refused.
    refused: Option<Duration>,
}

/// By what a changed file is told.
#[derive(Clone, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl<C: Clock + Clone + 'static> FileSource<C> {
    pub(crate) fn new(
        path: PathBuf,
        belief: Belief,
        keeping: Keeping,
        clock: C,
        progress: watch::Sender<Progress>,
    ) -> Self {
        Self {
            path,
            belief,
            keeping,
            clock,
            progress,
            read: None,
        }
    }

    pub(crate) async fn run(mut self, interval: Duration) {
        let mut jitter = Jitter::new();
        loop {
            tokio::time::sleep(jitter.about(interval)).await;
            self.look().await;
        }
    }

    /// Looks once, and tells what came of it, where there was something to read.
    pub(crate) async fn look(&mut self) {
        if let Some(outcome) = self.read_if_changed().await.transpose() {
            let now = self.clock.now();
            self.progress.send_modify(|progress| {
                progress.go(BundleMode::File, now);
                progress.report(outcome, now);
            });
        }
    }

    async fn read_if_changed(&mut self) -> Result<Option<()>, RefreshError> {
        let path = self.path.clone();
        let unreadable = |source| RefreshError::File {
            path: self.path.clone(),
            source,
        };
        let stamp = tokio::task::spawn_blocking(move || fs::metadata(path));
        let stamp = stamp.await.map_err(|_| RefreshError::GivenUp)?;
        let stamp = Stamp::of(&stamp.map_err(unreadable)?);
        if self.read.as_ref().is_some_and(|read| read.is_done(&stamp)) {
            return Ok(None);
        }
        let (path, examination) = (self.path.clone(), self.belief.examination(&self.clock));
        let examined = tokio::task::spawn_blocking(move || {
            read(&path).map(|bytes| examination.accept(&bytes))
        });
        let examined = examined.await.map_err(|_| RefreshError::GivenUp)?;
        let believed = examined.map_err(unreadable)?;
        self.read = Some(Read {
            of: stamp,
            refused: believed.is_err().then(running),
        });
        let (snapshot, published) = believed?;
        self.belief.take(snapshot.clone());
        self.keeping.keep(snapshot, Arc::new(published)).await?;
        Ok(Some(()))
    }
}

impl Read {
    /// Whether there is nothing more to be had from a file with this stamp.
    fn is_done(&self, stamp: &Stamp) -> bool {
        let again = |at| running().saturating_sub(at) >= REFUSED_AGAIN_AFTER;
        self.of == *stamp && !self.refused.is_some_and(again)
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: (
                metadata.dev(),
                metadata.ino(),
                metadata.ctime(),
                metadata.ctime_nsec(),
            ),
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One more than is believed, so that what is too large is told as that.
    File::open(path)?
        .take(PUBLISHED_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn running() -> Duration {
    SystemClock.running().unwrap_or_default()
}
