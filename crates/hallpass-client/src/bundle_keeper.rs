//! The task that gets news of an authority: does what the schedule says, and tells it what came of it.

use std::time::Duration;

use hallpass_vocabulary::{Clock, SystemClock};
use tokio::sync::watch;

use crate::belief::Beat;
use crate::bundle_source::BundleSourceConfig;
use crate::bundle_status::Progress;
use crate::jitter::Jitter;
use crate::listener::{Heard, Listener};
use crate::refresh::Refresher;
use crate::refresh_error::RefreshError;
use crate::schedule::{Closed, Next, Pace, Schedule};
use crate::sse::{EventName, StreamEvent};

/// How many heartbeats may come on a stream that were known already. At its beginning there is one.
const KNOWN_BEATS_MAX: u32 = 16;

pub(crate) struct BundleKeeper<C> {
    refresher: Refresher<C>,
    schedule: Schedule,
    listener: Option<Listener>,
    known_beats: u32,
    progress: watch::Sender<Progress>,
}

impl<C: Clock + Clone + 'static> BundleKeeper<C> {
    pub(crate) fn new(
        config: &BundleSourceConfig,
        refresher: Refresher<C>,
        progress: watch::Sender<Progress>,
    ) -> Self {
        let pace = Pace::polling_every(config.interval());
        Self {
            refresher,
            schedule: Schedule::begin(pace, config.push, Jitter::new(), running()),
            listener: None,
            known_beats: 0,
            progress,
        }
    }

    /// The first question.
    pub(crate) async fn begin(&mut self) {
        self.poll().await;
    }

    pub(crate) async fn run(mut self) {
        loop {
            self.step().await;
        }
    }

    async fn step(&mut self) {
        // What has come while something else was done comes before any silence.
        while let Some(heard) = self.listener.as_mut().and_then(Listener::ready) {
            self.hear(heard).await;
        }
        match self.schedule.next(running()) {
            Next::Close => self.close(Closed::Broken, Some(RefreshError::Silent)),
            Next::Open => {
                self.schedule.opening(running());
                self.known_beats = 0;
                self.listener = Some(self.refresher.listen());
            }
            Next::Poll => self.poll().await,
            Next::Wait(wait) => match &mut self.listener {
                None => tokio::time::sleep(wait).await,
                Some(listener) => {
                    if let Ok(heard) = tokio::time::timeout(wait, listener.next()).await {
                        self.hear(heard).await;
                    }
                }
            },
        }
    }

    async fn poll(&mut self) {
        let outcome = self.refresher.poll().await;
        let answered = matches!(outcome, Ok(()) | Err(RefreshError::Save(_)));
        self.schedule.polled(answered, running());
        self.report(outcome);
        if answered {
            self.refresher.exchange_if_due().await;
        }
    }

    async fn hear(&mut self, heard: Heard) {
        let event = match heard {
            Heard::Ended(error) => return self.close(Closed::Broken, Some(error)),
            Heard::NotOffered => return self.close(Closed::NotOffered, None),
            Heard::Event(event) => event,
        };
        match self.on_event(event).await {
            Ok(true) => {
                self.known_beats = 0;
                self.schedule.heard(running());
                self.report(Ok(()));
                self.refresher.exchange_if_due().await;
            }
            Ok(false) => {}
            // It is in force all the same.
            Err(error @ RefreshError::Save(_)) => {
                self.schedule.heard(running());
                self.report(Err(error));
            }
            Err(error) => self.close(Closed::Broken, Some(error)),
        }
    }

    /// Whether the event shows that the stream brings news.
    async fn on_event(&mut self, event: StreamEvent) -> Result<bool, RefreshError> {
        match event.name {
            EventName::Bundle => {
                self.refresher.on_publication(event.data).await?;
                Ok(true)
            }
            EventName::Heartbeat => match self.refresher.on_heartbeat(&event.data).await? {
                Beat::Fresher | Beat::Other => Ok(true),
                Beat::Known | Beat::Older => {
                    self.known_beats = self.known_beats.saturating_add(1);
                    if self.known_beats > KNOWN_BEATS_MAX {
                        return Err(RefreshError::Silent);
                    }
                    Ok(false)
                }
            },
        }
    }

    fn close(&mut self, why: Closed, error: Option<RefreshError>) {
        self.listener = None;
        self.schedule.closed(why, running());
        match error {
            Some(error) => self.report(Err(error)),
            None => self.show_mode(),
        }
    }

    fn report(&mut self, outcome: Result<(), RefreshError>) {
        let (mode, now) = (self.schedule.mode(), self.refresher.now());
        self.progress.send_modify(|progress| {
            progress.go(mode, now);
            progress.report(outcome, now);
        });
    }

    fn show_mode(&mut self) {
        let (mode, now) = (self.schedule.mode(), self.refresher.now());
        self.progress.send_modify(|progress| progress.go(mode, now));
    }
}

/// The clock of the schedule: that of the machine, whatever clock bundles are judged by.
fn running() -> Duration {
    SystemClock.running().unwrap_or_default()
}
