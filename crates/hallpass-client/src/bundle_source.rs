//! Keeps what a verifier knows fresh, in the background.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::{Snapshots, TrustRoot};
use hallpass_vocabulary::Clock;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::BaseUrl;
use crate::belief::Belief;
use crate::bundle_file::FileSource;
use crate::bundle_keeper::BundleKeeper;
use crate::bundle_status::{BundleStatus, Progress};
use crate::keeping::Keeping;
use crate::refresh::Refresher;
use crate::refresh_error::OpenError;
use crate::stop_files::StopWatch;

/// How long between two questions for news, where they are not pushed. A stop is then known within six seconds.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(4);
/// How long between two looks at a bundle file.
pub const FILE_INTERVAL: Duration = Duration::from_secs(1);
/// How long nothing may come on a stream. Heartbeats come every two seconds.
const SILENCE: Duration = Duration::from_secs(6);
/// No two come closer, whatever is configured: an interval of zero would be a flood.
const INTERVAL_MIN: Duration = Duration::from_millis(10);
/// How long one fetch may take: the largest publication at 10 Mbit/s. Longer would be of no use: the shortest bound has passed.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(30);

/// Where bundles come from.
#[derive(Debug, Clone)]
pub enum BundleOrigin {
    /// An authority.
    Authority(BaseUrl),
    /// A file that somebody puts there, where there is no network. Nothing makes it fresher but another file: give the
    /// verifier bounds on its age that fit how often that happens.
    File(PathBuf),
}

/// Where bundles come from and where the last one is kept.
#[derive(Debug, Clone)]
pub struct BundleSourceConfig {
    /// Where bundles come from.
    pub origin: BundleOrigin,
    /// What is believed from the start.
    pub trust_root: TrustRoot,
    /// Where the last good bundle is kept. Without one, a restart knows nothing until the authority answers, and an
    /// attacker in between can show it an older bundle.
    pub state_directory: Option<PathBuf>,
    /// Where files may be that stop the service; the state directory where it is not said.
    pub stop_directory: Option<PathBuf>,
    /// Where snapshots are put, for a verifier that is there already; a place of its own where it is not said.
    pub snapshots: Option<Arc<Snapshots>>,
    /// How long between two questions for news, or two looks at a file; each is up to a fifth earlier or later, so that
    /// services do not come in step.
    pub interval: Duration,
    /// How long one fetch may take.
    pub timeout: Duration,
    /// Whether news may be pushed; otherwise they are asked for.
    pub push: bool,
    /// How long nothing believable may come on a stream until it counts as broken.
    pub silence: Duration,
}

/// Gets news again and again, until it is dropped.
#[derive(Debug)]
pub struct BundleSource {
    monitor: BundleMonitor,
    task: AbortHandle,
}

/// Says how it goes with a [`BundleSource`], for whoever serves that; also of one that is gone.
#[derive(Debug, Clone)]
pub struct BundleMonitor {
    snapshots: Arc<Snapshots>,
    progress: watch::Receiver<Progress>,
    clock: ShownClock,
    stop_watch: Option<Arc<StopWatch>>,
}

/// The clock by which ages are shown.
#[derive(Clone)]
struct ShownClock(Arc<dyn Clock>);

impl BundleSourceConfig {
    /// From an authority, pushed where it can, without a state directory.
    pub fn new(authority: BaseUrl, trust_root: TrustRoot) -> Self {
        Self {
            origin: BundleOrigin::Authority(authority),
            trust_root,
            state_directory: None,
            stop_directory: None,
            snapshots: None,
            interval: REFRESH_INTERVAL,
            timeout: REFRESH_TIMEOUT,
            push: true,
            silence: SILENCE,
        }
    }

    /// From a file, which is read again when it changes; without a state directory.
    pub fn file(path: PathBuf, trust_root: TrustRoot) -> Self {
        Self {
            origin: BundleOrigin::File(path),
            trust_root,
            state_directory: None,
            stop_directory: None,
            snapshots: None,
            interval: FILE_INTERVAL,
            timeout: REFRESH_TIMEOUT,
            push: false,
            silence: SILENCE,
        }
    }

    /// Keeps the last good bundle in this directory, and watches for files there that stop the service.
    #[must_use]
    pub fn with_state_directory(mut self, directory: PathBuf) -> Self {
        self.state_directory = Some(directory);
        self
    }

    /// Watches this directory for files that stop the service, rather than the state directory.
    #[must_use]
    pub fn with_stop_directory(mut self, directory: PathBuf) -> Self {
        self.stop_directory = Some(directory);
        self
    }

    /// Puts snapshots where a verifier looks for them already.
    #[must_use]
    pub fn with_snapshots(mut self, snapshots: Arc<Snapshots>) -> Self {
        self.snapshots = Some(snapshots);
        self
    }

    fn stop_directory(&self) -> Option<&Path> {
        let directory = self.stop_directory.as_ref();
        directory.or(self.state_directory.as_ref()).map(|it| &**it)
    }

    /// The interval, where it is not too short.
    pub(crate) fn interval(&self) -> Duration {
        self.interval.max(INTERVAL_MIN)
    }
}

impl BundleSource {
    /// Loads what was saved, fetches once, and goes on in the background. An authority that does not answer is no
    /// error: look at [`BundleSource::status`], and at whether there is a snapshot.
    ///
    /// With the [token clock](hallpass_vocabulary::ClockBasis) of a verifier, the authority is also asked for the time; with
    /// another clock it is not.
    ///
    /// # Errors
    /// When the state directory or the HTTP library cannot be used.
    pub async fn start<C>(config: BundleSourceConfig, clock: C) -> Result<Self, OpenError>
    where
        C: Clock + Clone + 'static,
    {
        let snapshots = config.snapshots.clone().unwrap_or_default();
        // Before anything is known: what stops the service stops its first call.
        let stop_watch = config.stop_directory().map(|directory| {
            StopWatch::start(directory.to_owned(), Arc::clone(&snapshots))
                .map_err(OpenError::StopFiles)
        });
        let stop_watch = stop_watch.transpose()?;
        let mut belief = Belief::new(config.trust_root.clone(), Arc::clone(&snapshots));
        let directory = config.state_directory.clone();
        let keeping = Keeping::open(directory, &mut belief, clock.now())?;
        if let Some(watch) = &stop_watch {
            watch.look();
        }
        let (sender, progress) = watch::channel(Progress::default());
        let shown = ShownClock(Arc::new(clock.clone()));
        let task = match config.origin.clone() {
            BundleOrigin::Authority(authority) => {
                let refresher = Refresher::open(&config, authority, belief, keeping, clock)?;
                let mut keeper = BundleKeeper::new(&config, refresher, sender);
                keeper.begin().await;
                tokio::spawn(keeper.run())
            }
            BundleOrigin::File(path) => {
                let mut source = FileSource::new(path, belief, keeping, clock, sender);
                source.look().await;
                tokio::spawn(source.run(config.interval()))
            }
        };
        if let Some(watch) = &stop_watch {
            watch.look();
        }
        Ok(Self {
            monitor: BundleMonitor {
                snapshots,
                progress,
                clock: shown,
                stop_watch: stop_watch.map(Arc::new),
            },
            task: task.abort_handle(),
        })
    }

    /// Where the current snapshot is; give it to the verifier.
    pub fn snapshots(&self) -> Arc<Snapshots> {
        Arc::clone(&self.monitor.snapshots)
    }

    /// How it goes.
    pub fn status(&self) -> BundleStatus {
        self.monitor.status()
    }

    /// What says how it goes, apart from the source.
    pub fn monitor(&self) -> BundleMonitor {
        self.monitor.clone()
    }

    /// Waits until one more attempt to get news has ended, and says how it goes.
    pub async fn next_attempt(&mut self) -> BundleStatus {
        // An error means that the task is gone, which happens only when its runtime is; then nothing more will come.
        if self.monitor.progress.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.monitor.progress.mark_unchanged();
        self.monitor.status()
    }
}

impl BundleMonitor {
    /// How it goes.
    pub fn status(&self) -> BundleStatus {
        let progress = self.progress.borrow().clone();
        let held = self.snapshots.load();
        let stop_files = self.stop_watch.as_ref().map(|watch| watch.seen());
        BundleStatus::new(
            progress,
            held.as_deref(),
            &self.clock.0,
            stop_files.unwrap_or_default(),
        )
    }
}

impl Drop for BundleSource {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Display for BundleOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authority(authority) => fmt::Display::fmt(authority, f),
            Self::File(path) => write!(f, "`{}`", path.display()),
        }
    }
}

impl fmt::Debug for ShownClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ShownClock").field(&self.0.now()).finish()
    }
}
