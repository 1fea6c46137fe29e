//! What a server counts of its connections.

use std::sync::atomic::{AtomicU64, Ordering};

/// The connections of one server: how many there are, have been, and were refused before a request.
#[derive(Debug, Default)]
pub struct Counters {
    accepted: AtomicU64,
    ended: AtomicU64,
    handshakes_failed: AtomicU64,
}

impl Counters {
    /// Connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Connections open now, those in their handshake among them.
    pub fn open(&self) -> u64 {
        // The end first: a connection that ends in between must not be counted as minus one.
        let ended = self.ended.load(Ordering::Acquire);
        self.accepted().saturating_sub(ended)
    }

    /// Connections whose TLS handshake did not succeed, or not in time.
    pub fn handshakes_failed(&self) -> u64 {
        self.handshakes_failed.load(Ordering::Relaxed)
    }

    #[cfg(feature = "tls")]
    pub(crate) fn handshake_failed(&self) {
        self.handshakes_failed.fetch_add(1, Ordering::Relaxed);
    }
}

/// One open connection, counted for as long as it lives.
pub(crate) struct Counted(std::sync::Arc<Counters>);

impl Counted {
    pub(crate) fn new(counters: &std::sync::Arc<Counters>) -> Self {
        counters.accepted.fetch_add(1, Ordering::Relaxed);
        Self(std::sync::Arc::clone(counters))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Release);
    }
}
