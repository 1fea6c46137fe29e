//! What has a present state: read when somebody asks.

use std::time::Duration;

use hallpass_http::Counters;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::{Registry, Unit};

use super::Unsigned;

/// The state of an authority at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct State {
    /// The number of the bundle in force.
    pub(crate) bundle_version: u64,
    /// How long ago it was signed.
    pub(crate) bundle_age: Duration,
    /// How long it is still believed.
    pub(crate) bundle_left: Duration,
    /// Who listens to its events.
    pub(crate) bundle_listeners: u64,
    /// How long ago the last heartbeat was signed.
    pub(crate) heartbeat_age: Duration,
    /// How long the root in force is still believed.
    pub(crate) root_left: Duration,
    /// Since when the key that signs tokens does so.
    pub(crate) token_key_age: Duration,
    /// Records in the journal.
    pub(crate) journal_records: u64,
    /// Records under its newest checkpoint.
    pub(crate) journal_signed: u64,
    /// Records that could not be confirmed, since it was opened.
    pub(crate) journal_not_recorded: u64,
    /// Whether records can be expected to be taken.
    pub(crate) journal_takes_records: bool,
    /// Whether its device is short of space.
    pub(crate) journal_low: bool,
    /// Whether the store lacks rows of the journal.
    pub(crate) store_behind: bool,
}

/// Where that is shown.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    bundle_version: Unsigned,
    bundle_age: Unsigned,
    bundle_left: Unsigned,
    bundle_listeners: Unsigned,
    heartbeat_age: Unsigned,
    connections_open: Unsigned,
    connections: Counter,
    handshakes_failed: Counter,
    journal_records: Unsigned,
    journal_unsigned: Unsigned,
    journal_not_recorded: Unsigned,
    journal_takes_records: Unsigned,
    journal_low: Unsigned,
    root_left: Unsigned,
    token_key_age: Unsigned,
    store_behind: Unsigned,
}

impl Gauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let gauges = Self::default();
        for (name, help, gauge) in [
            (
                "bundle_listeners",
                "Listeners to the bundle's events now",
                &gauges.bundle_listeners,
            ),
            (
                "bundle_version",
                "The number of the bundle in force",
                &gauges.bundle_version,
            ),
            (
                "connections_open",
                "Connections open now",
                &gauges.connections_open,
            ),
            (
                "journal_low",
                "1 while the journal's device is short of space",
                &gauges.journal_low,
            ),
            (
                "journal_not_recorded",
                "Records that could not be confirmed since the start",
                &gauges.journal_not_recorded,
            ),
            (
                "journal_records",
                "Records in the journal",
                &gauges.journal_records,
            ),
            (
                "journal_takes_records",
                "1 while records can be expected to be taken",
                &gauges.journal_takes_records,
            ),
            (
                "journal_unsigned_records",
                "Records that no checkpoint covers yet",
                &gauges.journal_unsigned,
            ),
            (
                "store_behind",
                "1 while the store lacks rows of the journal",
                &gauges.store_behind,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
        for (name, help, gauge) in [
            (
                "bundle_age",
                "Since the bundle in force was signed",
                &gauges.bundle_age,
            ),
            (
                "bundle_left",
                "Until the bundle in force expires",
                &gauges.bundle_left,
            ),
            (
                "heartbeat_age",
                "Since the last heartbeat was signed",
                &gauges.heartbeat_age,
            ),
            (
                "root_left",
                "Until the root in force expires",
                &gauges.root_left,
            ),
            (
                "token_key_age",
                "Since the key that signs tokens became active",
                &gauges.token_key_age,
            ),
        ] {
            registry.register_with_unit(name, help, Unit::Seconds, gauge.clone());
        }
        registry.register(
            "connections",
            "Connections accepted",
            gauges.connections.clone(),
        );
        registry.register(
            "tls_handshakes_failed",
            "Connections whose TLS handshake failed or took too long",
            gauges.handshakes_failed.clone(),
        );
        gauges
    }

    pub(super) fn set(&self, state: &State, connections: &Counters) {
        let State {
            bundle_version,
            bundle_age,
            bundle_left,
            bundle_listeners,
            heartbeat_age,
            root_left,
            token_key_age,
            journal_records,
            journal_signed,
            journal_not_recorded,
            journal_takes_records,
            journal_low,
            store_behind,
        } = *state;
        self.bundle_version.set(bundle_version);
        self.bundle_age.set(bundle_age.as_secs());
        self.bundle_left.set(bundle_left.as_secs());
        self.bundle_listeners.set(bundle_listeners);
        self.heartbeat_age.set(heartbeat_age.as_secs());
        self.root_left.set(root_left.as_secs());
        self.token_key_age.set(token_key_age.as_secs());
        self.journal_records.set(journal_records);
        let unsigned = journal_records.saturating_sub(journal_signed);
        self.journal_unsigned.set(unsigned);
        self.journal_not_recorded.set(journal_not_recorded);
        self.journal_takes_records.set(journal_takes_records.into());
        self.journal_low.set(journal_low.into());
        self.store_behind.set(store_behind.into());
        self.connections_open.set(connections.open());
        raise(&self.connections, connections.accepted());
        raise(&self.handshakes_failed, connections.handshakes_failed());
    }
}

/// Brings a counter up to what was counted elsewhere. It never falls.
fn raise(counter: &Counter, to: u64) {
    counter
        .inner()
        .fetch_max(to, std::sync::atomic::Ordering::Relaxed);
}
