//! What the authority counts and measures, as OpenMetrics. Labels are closed sets: never a tenant, a run or a client.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use hallpass_http::Counters;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

mod state;

pub(crate) use state::State;

/// What every name starts with.
const PREFIX: &str = "hallpass_authority";

/// From a fast disk's sync to the longest a caller waits, in seconds.
const SECONDS_BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Rows in one group of the store: a group is what arrived while the last one was written.
const GROUP_BUCKETS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// What came of a request for a token: `minted`, or the code of the problem.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    code: &'static str,
}

/// Which requests: the path as the router knows it, `unmatched` for others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    endpoint: String,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

/// Everything that is counted where it happens. What has a present state is read when somebody asks: see [`State`].
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) connections: Arc<Counters>,
    alerts: Family<Outcome, Counter>,
    checkpoints: Family<Outcome, Counter>,
    records_kept: Counter,
    mints: Family<Outcome, Counter>,
    mint_durations: Histogram,
    refusals: Family<Refused, Counter>,
    requests: Durations<Answered>,
    store_groups: Histogram,
    policy_loads: Family<Outcome, Counter>,
    policy_widenings: Counter,
    state: state::Gauges,
}

/// A gauge of something that is never negative.
type Unsigned = Gauge<u64, AtomicU64>;

fn seconds() -> Histogram {
    Histogram::new(SECONDS_BUCKETS)
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let metrics = Self {
            connections: Arc::default(),
            alerts: Family::default(),
            checkpoints: Family::default(),
            records_kept: Counter::default(),
            mints: Family::default(),
            mint_durations: seconds(),
            refusals: Family::default(),
            requests: Family::new_with_constructor(seconds),
            store_groups: Histogram::new(GROUP_BUCKETS),
            policy_loads: Family::default(),
            policy_widenings: Counter::default(),
            state: state::Gauges::register(&mut registry),
            registry: Registry::default(),
        };
        registry.register(
            "alerts",
            "Alerts by a command, by what came of them",
            metrics.alerts.clone(),
        );
        registry.register(
            "verifier_checkpoints",
            "Checkpoints of verifiers' journals, by what came of them",
            metrics.checkpoints.clone(),
        );
        registry.register(
            "verifier_records",
            "Records of verifiers' journals that are kept here",
            metrics.records_kept.clone(),
        );
        registry.register(
            "build",
            "The release that runs",
            Info::new(Build {
                version: env!("CARGO_PKG_VERSION"),
            }),
        );
        registry.register(
            "mints",
            "Requests for a token, by what came of them",
            metrics.mints.clone(),
        );
        registry.register_with_unit(
            "mint_duration",
            "From the head of a request for a token to its answer",
            Unit::Seconds,
            metrics.mint_durations.clone(),
        );
        registry.register(
            "policy_loads",
            "Policies read, by what came of them",
            metrics.policy_loads.clone(),
        );
        registry.register(
            "policy_widenings",
            "Widenings found in policies that were loaded",
            metrics.policy_widenings.clone(),
        );
        registry.register(
            "refusals",
            "Requests that were answered with a problem, by its code",
            metrics.refusals.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "From the head of a request to its answer",
            Unit::Seconds,
            metrics.requests.clone(),
        );
        registry.register_with_unit(
            "store_group",
            "Rows written to the store in one group",
            Unit::Other("rows".to_owned()),
            metrics.store_groups.clone(),
        );
        Self {
            registry,
            ..metrics
        }
    }
}

impl Metrics {
    /// A request was answered.
    pub(crate) fn answered(
        &self,
        endpoint: &str,
        method: &'static str,
        status: u16,
        took: Duration,
    ) {
        let labels = Answered {
            endpoint: endpoint.to_owned(),
            method,
            status,
        };
        self.requests
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// A request for a token was answered: `None` when it was granted, else with the code of the problem.
    pub(crate) fn mint_answered(&self, refused: Option<&'static str>, took: Duration) {
        let outcome = refused.unwrap_or("minted");
        self.mints.get_or_create(&Outcome { outcome }).inc();
        self.mint_durations.observe(took.as_secs_f64());
    }

    /// A request was answered with a problem.
    pub(crate) fn refused(&self, code: &'static str) {
        self.refusals.get_or_create(&Refused { code }).inc();
    }

    /// Where the store measures how much it writes at once.
    pub(crate) fn store_groups(&self) -> Histogram {
        self.store_groups.clone()
    }

    /// A policy was read: taken with so many widenings, or refused.
    pub(crate) fn policy_read(&self, widenings: Option<usize>) {
        let outcome = if widenings.is_some() {
            "loaded"
        } else {
            "refused"
        };
        self.policy_loads.get_or_create(&Outcome { outcome }).inc();
        let widenings = widenings.unwrap_or_default();
        self.policy_widenings
            .inc_by(u64::try_from(widenings).unwrap_or(u64::MAX));
    }

    /// A checkpoint of a verifier was looked at.
    pub(crate) fn checkpoint(&self, outcome: &'static str) {
        self.checkpoints.get_or_create(&Outcome { outcome }).inc();
    }

    /// So many more records of verifiers are kept.
    pub(crate) fn records_kept(&self, count: u64) {
        self.records_kept.inc_by(count);
    }

    /// A command was run to tell somebody, or was to be: whether it did.
    pub(crate) fn alerted(&self, sent: bool) {
        let outcome = if sent { "sent" } else { "lost" };
        self.alerts.get_or_create(&Outcome { outcome }).inc();
    }

    /// All of it in the OpenMetrics text format.
    pub(crate) fn text(&self, state: &State) -> String {
        self.state.set(state, &self.connections);
        let mut text = String::new();
        // Writing to a string fails only when a value cannot be written down, which is none of these.
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
