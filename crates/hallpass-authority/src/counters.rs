//! What became of policies and alerts, as numbers: for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers since the start. Each only grows.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    alerts_lost: AtomicU64,
    alerts_sent: AtomicU64,
    policies_loaded: AtomicU64,
    policies_refused: AtomicU64,
    widenings: AtomicU64,
}

impl Counters {
    pub(crate) fn alert_lost(&self) {
        self.alerts_lost.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn alert_sent(&self) {
        self.alerts_sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn policy_loaded(&self, widenings: usize) {
        self.policies_loaded.fetch_add(1, Ordering::Relaxed);
        let widenings = u64::try_from(widenings).unwrap_or(u64::MAX);
        self.widenings.fetch_add(widenings, Ordering::Relaxed);
    }

    pub(crate) fn policy_refused(&self) {
        self.policies_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Each number with its name, alphabetically.
    pub(crate) fn read(&self) -> [(&'static str, u64); 5] {
        [
            ("alerts_lost", &self.alerts_lost),
            ("alerts_sent", &self.alerts_sent),
            ("policies_loaded", &self.policies_loaded),
            ("policies_refused", &self.policies_refused),
            ("policy_widenings", &self.widenings),
        ]
        .map(|(name, number)| (name, number.load(Ordering::Relaxed)))
    }
}
