//! Keeps a verifier known to the authority: enrols it, reports how it is, has its journal witnessed, and ships its records.
//!
//! All of it is beside the calls: with the authority away they go on, and what was not said or shipped is later.

mod exchange;
mod identity;
mod link;
mod packing;
mod proofs;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::{Snapshots, Staleness, TrustRoot};
use hallpass_journal::Journal;
use hallpass_vocabulary::{Audience, Clock, Timestamp};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::BaseUrl;
pub use exchange::LinkError;
pub use identity::{SetAside, is_enrolled, set_aside_refused};
use link::Link;

/// How long between two reports, while nothing changes.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// No two reports come closer, whatever is configured, but for what changes.
const INTERVAL_MIN: Duration = Duration::from_millis(10);

/// The longest wait after reports that did not arrive.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// What a verifier is linked with.
#[derive(Clone)]
pub struct LinkConfig {
    /// The authority.
    pub authority: BaseUrl,
    /// Whose authority that is: requests are signed for it.
    pub trust_root: TrustRoot,
    /// The service.
    pub audience: Audience,
    /// Where its key is kept, and what was reached.
    pub state_directory: PathBuf,
    /// What it enrols with. Of no use once it is enrolled.
    pub code: Option<String>,
    /// How long between two reports.
    pub interval: Duration,
    /// How old a bundle may be at this verifier.
    pub staleness: Staleness,
}

/// How a service is at this moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Present {
    /// Whether it begins no more calls.
    pub draining: bool,
    /// How many calls are under way.
    pub calls_in_flight: u64,
}

/// How the link is.
#[derive(Debug, Clone, Default)]
pub struct LinkStatus {
    /// Reports that were tried, well or not.
    pub attempts: u64,
    /// Whether the authority knows this verifier.
    pub enrolled: bool,
    /// When a report was last heard.
    pub last_heard: Option<Timestamp>,
    /// How many records are witnessed.
    pub witnessed: u64,
    /// How many records are kept at the authority.
    pub acknowledged: u64,
    /// Whether the journal is not what was witnessed of it: a copy, an older state, or altered.
    pub refused: bool,
    /// What went wrong last, if nothing went well since.
    pub last_error: Option<Arc<LinkError>>,
}

/// Links a verifier to the authority until it is dropped.
#[derive(Debug)]
pub struct VerifierLink {
    status: watch::Receiver<LinkStatus>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Link>,
}

impl LinkConfig {
    /// A report every five seconds, no code, the standard bounds.
    pub fn new(
        authority: BaseUrl,
        trust_root: TrustRoot,
        audience: Audience,
        state_directory: PathBuf,
    ) -> Self {
        Self {
            authority,
            trust_root,
            audience,
            state_directory,
            code: None,
            interval: REPORT_INTERVAL,
            staleness: Staleness::STANDARD,
        }
    }
}

impl std::fmt::Debug for LinkConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkConfig")
            .field("authority", &self.authority)
            .field("audience", &self.audience)
            .field("state_directory", &self.state_directory)
            .finish_non_exhaustive()
    }
}

impl VerifierLink {
    /// Starts in the background. `present` is asked at each report, and must not wait for anything.
    ///
    /// # Errors
    /// When the HTTP library cannot start, or the state directory cannot be used.
    pub fn start(
        config: LinkConfig,
        journal: Journal,
        snapshots: Arc<Snapshots>,
        clock: Arc<dyn Clock>,
        present: impl Fn() -> Present + Send + Sync + 'static,
    ) -> Result<Self, LinkError> {
        let interval = config.interval;
        let mut link = Link::new(
            config,
            journal,
            Arc::clone(&snapshots),
            clock,
            Box::new(present),
        )?;
        let (sender, status) = watch::channel(LinkStatus::default());
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut failures: u32 = 0;
            loop {
                let version = link.version();
                let told = link.tick().await;
                failures = match &told {
                    Ok(()) => 0,
                    Err(_) => failures.saturating_add(1),
                };
                tell(&sender, &link, told);
                let wait = jittered(backed_off(interval, failures));
                let pause = async {
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        // Whoever waits for a stop to arrive is told at once; not while nobody hears it.
                        () = changed(&snapshots, version), if failures == 0 => {}
                    }
                };
                tokio::select! {
                    () = pause => {}
                    _ = &mut stopped => return link,
                }
            }
        });
        Ok(Self {
            status,
            stop: Some(stop),
            task,
        })
    }

    /// How it goes.
    pub fn status(&self) -> LinkStatus {
        self.status.borrow().clone()
    }

    /// Waits until how it goes has changed, and says so.
    pub async fn next_status(&mut self) -> LinkStatus {
        // An error means that the task is gone; then nothing more will come.
        if self.status.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.status.borrow_and_update().clone()
    }

    /// Reports for the last time and ships what is left, within a bound. For a journal that was closed: its last checkpoint is
    /// what is witnessed then.
    pub async fn finish(mut self, bound: Duration) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let last = async {
            let Ok(mut link) = (&mut self.task).await else {
                return;
            };
            if let Err(error) = link.tick().await {
                tracing::warn!(%error, "the last report was not heard");
            }
        };
        let _ = tokio::time::timeout(bound, last).await;
    }
}

impl Drop for VerifierLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn backed_off(interval: Duration, failures: u32) -> Duration {
    let doubled = interval.saturating_mul(1 << failures.min(6));
    doubled.min(BACKOFF_MAX.max(interval))
}

/// Between four fifths and six fifths of the interval, so that services do not come in step. Without randomness, the interval
/// itself.
fn jittered(interval: Duration) -> Duration {
    let [byte] = hallpass_keys::random_bytes::<1>().unwrap_or([128]);
    let interval = interval.max(INTERVAL_MIN);
    let fifth = interval / 5;
    (interval - fifth).saturating_add(fifth.saturating_mul(2 * u32::from(byte)) / 255)
}

fn tell(sender: &watch::Sender<LinkStatus>, link: &Link, told: Result<(), LinkError>) {
    sender.send_modify(|status| {
        status.attempts = status.attempts.saturating_add(1);
        link.describe(status);
        match told {
            Ok(()) => {
                if status.last_error.take().is_some() {
                    tracing::info!("the authority hears this verifier again");
                }
            }
            Err(error) => {
                if status.last_error.is_none() {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the authority does not hear this verifier"
                    );
                }
                status.last_error = Some(Arc::new(error));
            }
        }
    });
}

/// Ends when another bundle is known than this one.
async fn changed(snapshots: &Snapshots, version: Option<u64>) {
    struct Registered<'a>(&'a Snapshots, Option<u64>);
    impl Drop for Registered<'_> {
        fn drop(&mut self) {
            if let Some(number) = self.1.take() {
                self.0.forget(number);
            }
        }
    }
    let mut registered = Registered(snapshots, None);
    std::future::poll_fn(|context| {
        if let Some(number) = registered.1.take() {
            snapshots.forget(number);
        }
        registered.1 = Some(snapshots.register(context.waker()));
        // Looked at after it was registered, so that no change is missed.
        if snapshots.load().map(|known| known.version()) == version {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
}
