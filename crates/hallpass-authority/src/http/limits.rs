//! Every bound on what a connection may cost. axum and hyper set none of these by themselves.

use std::time::Duration;

/// What connections may cost.
pub(crate) const CONNECTION_LIMITS: hallpass_http::Limits = hallpass_http::Limits {
    // Two thirds are for those who listen no longer than an answer takes.
    connections: 3 * STREAMS_MAX,
    // The longest credentials and a generous proxy's headers.
    head_bytes: 16 * 1024,
    // Longer than clients poll the bundle (5 s), so that a polling verifier keeps its connection.
    head_read: Duration::from_secs(15),
    drain: Duration::from_secs(crate::DRAIN_SECONDS_DEFAULT),
};

/// Listeners to the bundle's events at once. Each holds a connection of about 20 KiB; more poll, or have a relay between.
pub(crate) const STREAMS_MAX: usize = 1_024;

/// Mints at once; more are answered `overloaded`. Ten times what a disk syncs as one group.
pub(crate) const MINTS_IN_FLIGHT_MAX: u32 = 512;

/// Bytes of a request's body: 64 tools of the longest name, and as much again.
pub(super) const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// How long a body may take to arrive.
pub(super) const BODY_READ_MAX: Duration = Duration::from_secs(5);

/// How long a caller waits for its mint. The mint itself goes on: its record may be on its way.
pub(super) const MINT_WAIT_MAX: Duration = Duration::from_secs(10);

/// Bytes of a verifier's report: 256 calls in flight, the stops it knows, a proof.
pub(super) const REPORT_BYTES_MAX: usize = 320 * 1024;

/// Bytes of a shipment of records, packed.
pub(super) const SHIPMENT_BYTES_MAX: usize = 1024 * 1024;

/// How long a shipment may take to arrive.
pub(super) const SHIPMENT_READ_MAX: Duration = Duration::from_secs(20);
