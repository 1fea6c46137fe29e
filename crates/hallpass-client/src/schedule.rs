//! What a source of bundles does next: listen, or ask, or wait. Pure: time comes in, nothing is sent from here.
//!
//! News are pushed over a stream of events. As long as none is open, the source asks again and again; and as long as it
//! asks, it tries to open one, ever less often. A stream on which nothing believable arrives for [`Pace::silence`] counts
//! as broken, whatever else arrives on it.

use std::time::Duration;

use crate::jitter::Jitter;

/// How news are got by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BundleMode {
    /// From a file.
    File,
    /// Not at all: what was known last is what is known, and ages.
    Offline,
    /// By asking again and again.
    Poll,
    /// By a stream that the authority sends.
    Push,
}

impl BundleMode {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::File, Self::Offline, Self::Poll, Self::Push];

    /// The word used in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Offline => "offline",
            Self::Poll => "poll",
            Self::Push => "push",
        }
    }
}

impl std::fmt::Display for BundleMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How often what is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Between two questions; a fifth more or less.
    pub(crate) poll: Duration,
    /// Between two questions that are not answered, at most.
    pub(crate) poll_cap: Duration,
    /// Within which the first question comes after a stream has broken: not all verifiers of a fleet at once.
    pub(crate) scatter: Duration,
    /// Without news for so long, a stream is broken. Heartbeats come every 2 s.
    pub(crate) silence: Duration,
    /// After which a stream has proved itself, and the next one may follow quickly.
    pub(crate) steady: Duration,
    /// Before a stream is tried again: at first, at most, and where the authority has none to offer.
    pub(crate) reopen: Duration,
    pub(crate) reopen_cap: Duration,
    pub(crate) reopen_unknown: Duration,
}

impl Pace {
    /// With this between two questions.
    pub(crate) fn polling_every(poll: Duration) -> Self {
        Self {
            poll,
            poll_cap: Duration::from_secs(15).max(poll),
            scatter: Duration::from_secs(1).min(poll),
            silence: Duration::from_secs(6),
            steady: Duration::from_secs(30),
            reopen: Duration::from_secs(1),
            reopen_cap: Duration::from_secs(60),
            reopen_unknown: Duration::from_secs(300),
        }
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Give up the stream: it is silent.
    Close,
    /// Open a stream.
    Open,
    /// Ask.
    Poll,
    /// Wait for the stream, at most so long.
    Wait(Duration),
}

/// Why a stream is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// It ended, or held something that must not be there.
    Broken,
    /// The authority does not offer one.
    NotOffered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Closed { until: Duration },
    Open { since: Duration, heard: Duration },
    Opening { since: Duration },
}

/// Where a source stands. All times are since some beginning that does not matter, by a clock that nobody sets.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pace: Pace,
    jitter: Jitter,
    stream: Stream,
    streams_failed: u32,
    poll_at: Duration,
    polls_failed: u32,
    mode: BundleMode,
}

impl Schedule {
    /// To begin with: ask, and open a stream where streams are wanted.
    pub(crate) fn begin(pace: Pace, push: bool, jitter: Jitter, now: Duration) -> Self {
        let until = if push { now } else { Duration::MAX };
        Self {
            pace,
            jitter,
            stream: Stream::Closed { until },
            streams_failed: 0,
            poll_at: now,
            polls_failed: 0,
            mode: BundleMode::Offline,
        }
    }

    /// How news are got by now.
    pub(crate) fn mode(&self) -> BundleMode {
        self.mode
    }

    /// What to do now. [`Schedule::opening`] and the like say what came of it.
    pub(crate) fn next(&self, now: Duration) -> Next {
        let silence = self.pace.silence;
        let (due, what) = match self.stream {
            Stream::Closed { until } => (until, Next::Open),
            Stream::Opening { since } => (since.saturating_add(silence), Next::Close),
            Stream::Open { heard, .. } => (heard.saturating_add(silence), Next::Close),
        };
        if now >= due {
            return what;
        }
        if matches!(self.stream, Stream::Open { .. }) {
            return Next::Wait(due.saturating_sub(now));
        }
        if now >= self.poll_at {
            return Next::Poll;
        }
        Next::Wait(due.min(self.poll_at).saturating_sub(now))
    }

    /// A stream is being opened.
    pub(crate) fn opening(&mut self, now: Duration) {
        self.stream = Stream::Opening { since: now };
    }

    /// Something believable arrived on the stream.
    pub(crate) fn heard(&mut self, now: Duration) {
        let since = match self.stream {
            Stream::Closed { .. } => return,
            Stream::Open { since, .. } => since,
            Stream::Opening { .. } => now,
        };
        self.stream = Stream::Open { since, heard: now };
        self.polls_failed = 0;
        if now.saturating_sub(since) >= self.pace.steady {
            self.streams_failed = 0;
        }
        self.mode = BundleMode::Push;
    }

    /// There is no stream any more.
    pub(crate) fn closed(&mut self, why: Closed, now: Duration) {
        let pace = self.pace;
        let wait = match why {
            Closed::Broken => {
                self.jitter
                    .backoff(pace.reopen, pace.reopen_cap, self.streams_failed)
            }
            Closed::NotOffered => self.jitter.about(pace.reopen_unknown),
        };
        if let Stream::Open { .. } = self.stream {
            self.poll_at = now.saturating_add(self.jitter.part_of(pace.scatter));
            self.mode = BundleMode::Poll;
        }
        self.streams_failed = self.streams_failed.saturating_add(1);
        let until = now.saturating_add(wait);
        self.stream = Stream::Closed { until };
    }

    /// A question was answered, or not.
    pub(crate) fn polled(&mut self, answered: bool, now: Duration) {
        let pace = self.pace;
        let wait = if answered {
            self.polls_failed = 0;
            self.jitter.about(pace.poll)
        } else {
            self.polls_failed = self.polls_failed.saturating_add(1);
            self.jitter
                .backoff(pace.poll, pace.poll_cap, self.polls_failed)
        };
        self.poll_at = now.saturating_add(wait);
        if !matches!(self.stream, Stream::Open { .. }) {
            self.mode = if answered {
                BundleMode::Poll
            } else {
                BundleMode::Offline
            };
        }
    }
}

#[cfg(test)]
mod tests;
