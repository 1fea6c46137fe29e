//! How the news of an authority get here, for whoever looks after a service.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::Snapshot;
use hallpass_vocabulary::{Clock, ClockBasis, Timestamp};

use crate::refresh_error::RefreshError;
use crate::schedule::BundleMode;
use crate::stop_files::StopFiles;

/// How it goes.
#[derive(Debug, Clone)]
pub struct BundleStatus {
    /// How news come.
    pub mode: BundleMode,
    /// Since when they come so.
    pub since: Timestamp,
    /// The version of the bundle in force.
    pub version: Option<u64>,
    /// How long ago the last heartbeat was, by the token clock: what the bounds on staleness are about.
    pub heartbeat_age: Option<Duration>,
    /// How many attempts to get news have ended, well or not: questions, looks, and what came on a stream.
    pub attempts: u64,
    /// How many of them have brought nothing.
    pub failures: u64,
    /// When the last good one ended.
    pub last_success: Option<Timestamp>,
    /// The last bad one, if none has been good since.
    pub last_error: Option<(Timestamp, Arc<RefreshError>)>,
    /// Why the last stream of events that was open, or was to be, is not, if one was offered.
    pub stream_error: Option<(Timestamp, Arc<RefreshError>)>,
    /// Whose time the clock shows.
    pub clock: ClockBasis,
    /// What files beside the service say.
    pub stop_files: StopFiles,
}

/// What the task that gets news tells.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    pub(crate) mode: BundleMode,
    pub(crate) since: Option<Timestamp>,
    pub(crate) attempts: u64,
    pub(crate) failures: u64,
    pub(crate) last_success: Option<Timestamp>,
    pub(crate) last_error: Option<(Timestamp, Arc<RefreshError>)>,
    pub(crate) stream_error: Option<(Timestamp, Arc<RefreshError>)>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            mode: BundleMode::Offline,
            since: None,
            attempts: 0,
            failures: 0,
            last_success: None,
            last_error: None,
            stream_error: None,
        }
    }
}

impl Progress {
    /// One more attempt has ended.
    pub(crate) fn report(&mut self, outcome: Result<(), RefreshError>, now: Timestamp) {
        self.attempts = self.attempts.saturating_add(1);
        match outcome {
            Ok(()) => {
                if self.last_error.take().is_some() {
                    tracing::info!("bundle refresh works again");
                }
                self.last_success = Some(now);
            }
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "bundle refresh failed");
                self.failures = self.failures.saturating_add(1);
                self.last_error = Some((now, Arc::new(error)));
            }
        }
    }

    /// News come so from now on.
    pub(crate) fn go(&mut self, mode: BundleMode, now: Timestamp) {
        if self.mode != mode || self.since.is_none() {
            if self.since.is_some() {
                tracing::info!(from = %self.mode, to = %mode, "bundles come another way");
            }
            (self.mode, self.since) = (mode, Some(now));
        }
    }
}

impl BundleStatus {
    pub(crate) fn new(
        progress: Progress,
        held: Option<&Snapshot>,
        clock: &dyn Clock,
        stop_files: StopFiles,
    ) -> Self {
        let now = clock.now();
        Self {
            mode: progress.mode,
            since: progress.since.unwrap_or(now),
            version: held.map(Snapshot::version),
            heartbeat_age: held.map(|held| held.age(now)),
            attempts: progress.attempts,
            failures: progress.failures,
            last_success: progress.last_success,
            last_error: progress.last_error,
            stream_error: progress.stream_error,
            clock: clock.basis(),
            stop_files,
        }
    }

    /// As OpenMetrics text, without the line `# EOF` at its end: a service appends its own. Tenants, runs and people are in no
    /// label.
    pub fn to_openmetrics(&self) -> String {
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: &[(String, f64)]| {
            let _ = writeln!(text, "# TYPE {name} {kind}\n# HELP {name} {help}");
            for (labels, value) in samples {
                let suffix = if kind == "counter" { "_total" } else { "" };
                let _ = writeln!(text, "{name}{suffix}{labels} {value}");
            }
        };
        let one = |value: f64| [(String::new(), value)];
        let flag = |label: &str, of: &str, is: bool| {
            (format!("{{{label}=\"{of}\"}}"), f64::from(u8::from(is)))
        };
        family(
            "hallpass_bundle_mode",
            "gauge",
            "How bundles come; 1 for the way they come now.",
            &BundleMode::ALL.map(|mode| flag("mode", mode.as_str(), mode == self.mode)),
        );
        family(
            "hallpass_bundle_mode_since_timestamp_seconds",
            "gauge",
            "Since when they come that way.",
            &one(seconds(self.since)),
        );
        if let (Some(version), Some(age)) = (self.version, self.heartbeat_age) {
            family(
                "hallpass_bundle_version",
                "gauge",
                "The bundle in force.",
                &one(version as f64),
            );
            family(
                "hallpass_bundle_heartbeat_age_seconds",
                "gauge",
                "Time since the last heartbeat, by the token clock.",
                &one(age.as_secs_f64()),
            );
        }
        let good = self.attempts.saturating_sub(self.failures);
        family(
            "hallpass_bundle_attempts",
            "counter",
            "Attempts to get news of the authority.",
            &[
                ("{outcome=\"bad\"}".to_owned(), self.failures as f64),
                ("{outcome=\"good\"}".to_owned(), good as f64),
            ],
        );
        family(
            "hallpass_token_clock_exchanged",
            "gauge",
            "Whether the token clock shows the authority's time.",
            &one(f64::from(u8::from(self.clock == ClockBasis::Exchange))),
        );
        family(
            "hallpass_stop_files",
            "gauge",
            "Files beside the service that stop it, or are to.",
            &[
                (
                    "{state=\"halt\"}".to_owned(),
                    f64::from(u8::from(self.stop_files.halt.is_some())),
                ),
                (
                    "{state=\"in_force\"}".to_owned(),
                    self.stop_files.in_force.len() as f64,
                ),
                (
                    "{state=\"refused\"}".to_owned(),
                    self.stop_files.refused.len() as f64,
                ),
                (
                    "{state=\"superseded\"}".to_owned(),
                    self.stop_files.superseded.len() as f64,
                ),
            ],
        );
        text
    }
}

fn seconds(time: Timestamp) -> f64 {
    time.unix_ms() as f64 / 1_000.0
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
