//! Every bound on what a connection may cost. axum and hyper set none of these by themselves.

use std::time::Duration;

/// Connections at once; more wait to be accepted. Each costs about 20 KiB.
pub(super) const CONNECTIONS_MAX: usize = 1_024;

/// Mints at once; more are answered `overloaded`. Ten times what a disk syncs as one group.
pub(crate) const MINTS_IN_FLIGHT_MAX: u32 = 512;

/// Bytes of a request's head: the longest credentials and a generous proxy's headers.
pub(super) const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Bytes of a request's body: 64 tools of the longest name, and as much again.
pub(super) const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// How long a head may take to arrive, on an idle connection counted from its last answer. Longer than clients poll
/// the bundle (5 s), so that a polling verifier keeps its connection.
pub(super) const HEAD_READ_MAX: Duration = Duration::from_secs(15);

/// How long a body may take to arrive.
pub(super) const BODY_READ_MAX: Duration = Duration::from_secs(5);

/// How long a caller waits for its mint. The mint itself goes on: its record may be on its way.
pub(super) const MINT_WAIT_MAX: Duration = Duration::from_secs(10);

/// How long requests under way may take to end once the authority is told to stop.
pub(super) const DRAIN_MAX: Duration = Duration::from_secs(10);

/// How long to wait after the operating system refused a connection, for want of descriptors most likely.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
