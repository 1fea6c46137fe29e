//! The task that gets news of an authority: does what the schedule says, and tells it what came of it.

use std::time::Duration;

use hallpass_bundle::BundleError;
use hallpass_vocabulary::{Clock, SystemClock, Timestamp};
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

/// How many heartbeats may come on a stream one after the other that are not newer than those before.
const KNOWN_BEATS_MAX: u32 = 16;

pub(crate) struct BundleKeeper<C> {
    refresher: Refresher<C>,
    schedule: Schedule,
    listener: Option<Listener>,
    /// The newest heartbeat that came on the stream, and how many have come since that were not newer.
    newest_beat: Option<Timestamp>,
    known_beats: u32,
    silence: Duration,
    progress: watch::Sender<Progress>,
}

impl<C: Clock + Clone + 'static> BundleKeeper<C> {
    pub(crate) fn new(
        config: &BundleSourceConfig,
        refresher: Refresher<C>,
        progress: watch::Sender<Progress>,
    ) -> Self {
        let pace = Pace {
            silence: config.silence,
            ..Pace::polling_every(config.interval())
        };
        Self {
            refresher,
            schedule: Schedule::begin(pace, config.push, Jitter::new(), running()),
            listener: None,
            newest_beat: None,
            known_beats: 0,
            silence: config.silence,
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
                (self.newest_beat, self.known_beats) = (None, 0);
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

    /// Whether the event shows that the stream is alive. What was overtaken by an answer to a question does, if it is newer
    /// than what came on the stream before and not much older than what is held.
    async fn on_event(&mut self, event: StreamEvent) -> Result<bool, RefreshError> {
        let brought = match event.name {
            EventName::Bundle => {
                let brought = self.refresher.on_publication(event.data).await;
                brought.map(|()| Beat::Fresher)
            }
            EventName::Heartbeat => self.refresher.on_heartbeat(&event.data).await,
        };
        let held = self.refresher.heartbeat();
        let time = match brought {
            Ok(Beat::Fresher | Beat::Known | Beat::Other) => held,
            Ok(Beat::Older) => None,
            Err(RefreshError::Refused(BundleError::Frozen { found, seen })) => {
                (seen.since(found) <= self.silence).then_some(found)
            }
            Err(error) => return Err(error),
        };
        if time > self.newest_beat {
            self.newest_beat = time;
            return Ok(true);
        }
        self.known_beats = self.known_beats.saturating_add(1);
        match self.known_beats > KNOWN_BEATS_MAX {
            true => Err(RefreshError::Silent),
            false => Ok(false),
        }
    }

    fn close(&mut self, why: Closed, error: Option<RefreshError>) {
        self.listener = None;
        self.schedule.closed(why, running());
        let Some(error) = error else {
            return self.show_mode();
        };
        self.report(Err(error));
        self.progress
            .send_modify(|progress| progress.stream_error = progress.last_error.clone());
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
