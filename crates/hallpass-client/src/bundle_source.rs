//! Keeps what a verifier knows fresh, in the background.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::{Snapshots, TrustRoot};
use hallpass_vocabulary::{Clock, Timestamp};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::BaseUrl;
use crate::refresh::{OpenError, RefreshError, Refresher};

/// How long between two fetches: well inside the 60 s after which destructive calls stop.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(5);
/// No two fetches come closer, whatever is configured: an interval of zero would be a flood.
const INTERVAL_MIN: Duration = Duration::from_millis(10);
/// How long one fetch may take: 8 MiB on a slow line.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(10);

/// Where bundles come from and where the last one is kept.
#[derive(Debug, Clone)]
pub struct BundleSourceConfig {
    /// The authority.
    pub authority: BaseUrl,
    /// What is believed from the start.
    pub trust_root: TrustRoot,
    /// Where the last good bundle is kept. Without one, a restart knows nothing until the authority answers, and an
    /// attacker in between can show it an older bundle.
    pub state_directory: Option<PathBuf>,
    /// How long between two fetches; each is up to a fifth earlier or later, so that services do not come in step.
    pub interval: Duration,
    /// How long one fetch may take.
    pub timeout: Duration,
}

/// How the refreshing goes.
#[derive(Debug, Clone, Default)]
pub struct BundleStatus {
    /// How many fetches have ended, well or not.
    pub attempts: u64,
    /// When the last good one ended.
    pub last_success: Option<Timestamp>,
    /// The last bad one, if none has been good since.
    pub last_error: Option<(Timestamp, Arc<RefreshError>)>,
}

/// Fetches the bundle again and again, until it is dropped.
#[derive(Debug)]
pub struct BundleSource {
    snapshots: Arc<Snapshots>,
    status: watch::Receiver<BundleStatus>,
    task: AbortHandle,
}

impl BundleSourceConfig {
    /// Every five seconds, without a state directory.
    pub fn new(authority: BaseUrl, trust_root: TrustRoot) -> Self {
        Self {
            authority,
            trust_root,
            state_directory: None,
            interval: REFRESH_INTERVAL,
            timeout: REFRESH_TIMEOUT,
        }
    }

    /// Keeps the last good bundle in this directory.
    #[must_use]
    pub fn with_state_directory(mut self, directory: PathBuf) -> Self {
        self.state_directory = Some(directory);
        self
    }
}

impl BundleSource {
    /// Loads what was saved, fetches once, and goes on in the background. An authority that does not answer is no
    /// error: look at [`BundleSource::status`], and at whether there is a snapshot.
    ///
    /// # Errors
    /// When the state directory or the HTTP library cannot be used.
    pub async fn start<C>(config: BundleSourceConfig, clock: C) -> Result<Self, OpenError>
    where
        C: Clock + Clone + 'static,
    {
        let mut refresher = Refresher::open(&config, clock)?;
        let snapshots = Arc::clone(refresher.snapshots());
        let (sender, status) = watch::channel(BundleStatus::default());
        report(&sender, refresher.refresh().await, refresher.now());
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(jittered(config.interval)).await;
                let outcome = refresher.refresh().await;
                report(&sender, outcome, refresher.now());
            }
        });
        Ok(Self {
            snapshots,
            status,
            task: task.abort_handle(),
        })
    }

    /// Where the current snapshot is; give it to the verifier.
    pub fn snapshots(&self) -> Arc<Snapshots> {
        Arc::clone(&self.snapshots)
    }

    /// How the refreshing goes.
    pub fn status(&self) -> BundleStatus {
        self.status.borrow().clone()
    }

    /// Waits until one more fetch has ended, and says how the refreshing goes.
    pub async fn next_attempt(&mut self) -> BundleStatus {
        // An error means that the task is gone, which happens only when its runtime is; then nothing more will come.
        if self.status.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.status.borrow_and_update().clone()
    }
}

impl Drop for BundleSource {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn report(sender: &watch::Sender<BundleStatus>, outcome: Result<(), RefreshError>, now: Timestamp) {
    sender.send_modify(|status| {
        status.attempts = status.attempts.saturating_add(1);
        match outcome {
            Ok(()) => {
                if status.last_error.take().is_some() {
                    tracing::info!("bundle refresh works again");
                }
                status.last_success = Some(now);
            }
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "bundle refresh failed");
                status.last_error = Some((now, Arc::new(error)));
            }
        }
    });
}

/// An error with its causes, on one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Between four fifths and six fifths of the interval. Without randomness, the interval itself.
pub(crate) fn jittered(interval: Duration) -> Duration {
    let [byte] = hallpass_keys::random_bytes::<1>().unwrap_or([128]);
    let interval = interval.max(INTERVAL_MIN);
    let fifth = interval / 5;
    (interval - fifth).saturating_add(fifth.saturating_mul(2 * u32::from(byte)) / 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_a_fifth_and_is_not_constant() {
        let drawn: Vec<Duration> = (0..64).map(|_| jittered(REFRESH_INTERVAL)).collect();
        let within = Duration::from_secs(4)..=Duration::from_secs(6);
        assert!(drawn.iter().all(|d| within.contains(d)));
        assert!(drawn.iter().any(|d| *d != drawn[0]));
        assert!(jittered(Duration::ZERO) >= INTERVAL_MIN - INTERVAL_MIN / 5);
        assert!(jittered(Duration::MAX) >= Duration::MAX / 5 * 4);
    }
}
