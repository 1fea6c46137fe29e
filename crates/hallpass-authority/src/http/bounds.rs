//! What one request to an endpoint may cost.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use super::limits::{BODY_READ_MAX, MINT_WAIT_MAX, MINTS_IN_FLIGHT_MAX, REQUEST_BYTES_MAX};

/// Endpoints that share a bound on how many of their requests are answered at once, so that none starves another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Requests of clients.
    Mint,
    /// Requests of operators: few people, but queries that read disks.
    Operate,
    /// What anybody may read, and what is not there.
    Open,
    /// Probes: not bounded, so that a busy authority is not taken for a dead one.
    Probe,
}

/// Requests of operators at once. Each may read a disk; there are not this many people.
const OPERATE_MAX: usize = 32;

/// Requests for what anybody may read, at once: a quarter of the connections there may be.
const OPEN_MAX: usize = 256;

/// How long an answer may take, of an endpoint that waits for nobody's disk but its own.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The bounds of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) lane: Lane,
    pub(super) body_bytes: usize,
    /// From its head to its answer. The answer to what takes longer is `overloaded`.
    pub(super) total: Duration,
}

impl Bounds {
    /// Of a path as the router knows it. A path nobody named here takes a request of an operator at most.
    pub(super) fn of(endpoint: &str) -> Self {
        let (lane, body_bytes, total) = match endpoint {
            "/livez" | "/readyz" => (Lane::Probe, 0, ANSWER_MAX),
            "/.well-known/hallpass" | "/metrics" | "/openapi.json" | "/v1/bundle" => {
                (Lane::Open, 0, ANSWER_MAX)
            }
            // A little over the sum of what its parts may take, so that their own answer comes first.
            "/oauth/token" | "/v1/tokens" => (
                Lane::Mint,
                REQUEST_BYTES_MAX,
                BODY_READ_MAX + MINT_WAIT_MAX + ANSWER_MAX,
            ),
            // Clients may ask too, so it has no seat of an operator's: slow bodies of a client, and strangers whose tokens
            // wait for an issuer, must not keep operators from disabling it.
            "/v1/runs/{run}/end" => (
                Lane::Mint,
                REQUEST_BYTES_MAX,
                BODY_READ_MAX + 2 * ANSWER_MAX,
            ),
            "unmatched" => (Lane::Open, REQUEST_BYTES_MAX, ANSWER_MAX),
            _ => (
                Lane::Operate,
                REQUEST_BYTES_MAX,
                BODY_READ_MAX + 2 * ANSWER_MAX,
            ),
        };
        Self {
            lane,
            body_bytes,
            total,
        }
    }
}

/// The seats of every lane.
#[derive(Debug)]
pub(super) struct Lanes {
    mint: Arc<Semaphore>,
    open: Arc<Semaphore>,
    operate: Arc<Semaphore>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            // Twice the mints: those whose bodies are still on their way have no part in it yet.
            mint: Arc::new(Semaphore::new(2 * MINTS_IN_FLIGHT_MAX as usize)),
            open: Arc::new(Semaphore::new(OPEN_MAX)),
            operate: Arc::new(Semaphore::new(OPERATE_MAX)),
        }
    }
}

impl Lanes {
    /// A seat, if there is one; `None` where none is needed.
    pub(super) fn enter(
        &self,
        lane: Lane,
    ) -> Result<Option<OwnedSemaphorePermit>, TryAcquireError> {
        let seats = match lane {
            Lane::Mint => &self.mint,
            Lane::Open => &self.open,
            Lane::Operate => &self.operate,
            Lane::Probe => return Ok(None),
        };
        Arc::clone(seats).try_acquire_owned().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_takes_a_seat_of_an_operators() {
        use crate::http::endpoints::{Access, Endpoint};
        for endpoint in Endpoint::ALL {
            let of_clients = matches!(endpoint.access(), Access::Client | Access::ClientOr(_));
            let is_operators = Bounds::of(endpoint.path()).lane == Lane::Operate;
            assert!(!(of_clients && is_operators), "{}", endpoint.path());
        }
    }

    #[test]
    fn a_full_lane_leaves_the_others_open() {
        let lanes = Lanes::default();
        let taken: Vec<_> = (0..OPERATE_MAX)
            .map(|_| lanes.enter(Lane::Operate).unwrap())
            .collect();
        assert!(lanes.enter(Lane::Operate).is_err());
        for lane in [Lane::Mint, Lane::Open, Lane::Probe] {
            assert!(lanes.enter(lane).is_ok(), "{lane:?}");
        }
        drop(taken);
        assert!(lanes.enter(Lane::Operate).is_ok());
    }
}
