//! What one request to an endpoint may cost.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use super::limits::{
    BODY_READ_MAX, MINT_WAIT_MAX, MINTS_IN_FLIGHT_MAX, REPORT_BYTES_MAX, REQUEST_BYTES_MAX,
    SHIPMENT_BYTES_MAX, SHIPMENT_READ_MAX,
};

/// Endpoints that share a bound on how many of their requests are answered at once, so that none starves another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Strangers who ask for the time: their bodies may be slow, and must not keep others from the bundle.
    Clock,
    /// Clients that end their runs: as many as like, and none of it keeps an operator waiting.
    End,
    /// Verifiers that enrol and report.
    Fleet,
    /// Requests for tokens.
    Mint,
    /// Requests of operators: few people, but queries that read disks.
    Operate,
    /// What anybody may read, and what is not there.
    Open,
    /// Probes: not bounded, so that a busy authority is not taken for a dead one.
    Probe,
    /// Verifiers that ship records: a few megabytes each.
    Ship,
}

/// Questions for the time at once. Each is a few bytes and one signature.
const CLOCK_MAX: usize = 64;

/// Bytes of a question for the time: 44, and some room for white space.
const CLOCK_BYTES_MAX: usize = 256;

/// Clients that end a run at once. Each writes a record, like a mint, and there are fewer runs than tokens.
const END_MAX: usize = 64;

/// Verifiers that report at once. Each is a signature and now and then a record; a thousand of them come in some seconds.
const FLEET_MAX: usize = 256;

/// Shipments at once: with what is unpacked of each, 40 MiB.
const SHIP_MAX: usize = 8;

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
    /// Of a path as the router knows it, a method, and a request that says it is an operator's or does not. A path nobody named
    /// here takes a request of an operator at most.
    pub(super) fn of(endpoint: &str, method: &Method, is_signed: bool) -> Self {
        const OPERATE: (Lane, usize, Duration) = (
            Lane::Operate,
            REQUEST_BYTES_MAX,
            BODY_READ_MAX.saturating_add(ANSWER_MAX.saturating_mul(2)),
        );
        let (lane, body_bytes, total) = match endpoint {
            "/livez" | "/readyz" => (Lane::Probe, 0, ANSWER_MAX),
            "/.well-known/hallpass"
            | "/metrics"
            | "/openapi.json"
            | "/v1/bundle"
            | "/v1/bundle/events"
            | "/v1/heartbeat" => (Lane::Open, 0, ANSWER_MAX),
            "/v1/clock" => (Lane::Clock, CLOCK_BYTES_MAX, BODY_READ_MAX + ANSWER_MAX),
            // Operators look at verifiers.
            "/v1/verifiers" if !matches!(*method, Method::GET | Method::HEAD) => {
                (Lane::Fleet, REQUEST_BYTES_MAX, BODY_READ_MAX + ANSWER_MAX)
            }
            "/v1/verifiers/{origin}/report" => {
                (Lane::Fleet, REPORT_BYTES_MAX, BODY_READ_MAX + ANSWER_MAX)
            }
            "/v1/verifiers/{origin}/records" => (
                Lane::Ship,
                SHIPMENT_BYTES_MAX,
                SHIPMENT_READ_MAX + ANSWER_MAX,
            ),
            // Operators list what clients mint.
            "/v1/tokens" if matches!(*method, Method::GET | Method::HEAD) => OPERATE,
            // A little over the sum of what its parts may take, so that their own answer comes first.
            "/oauth/token" | "/v1/tokens" => (
                Lane::Mint,
                REQUEST_BYTES_MAX,
                BODY_READ_MAX + MINT_WAIT_MAX + ANSWER_MAX,
            ),
            // Slow bodies of a client, and strangers whose tokens wait for an issuer, must not keep operators from disabling it.
            "/v1/runs/{run}/end" if !is_signed => (
                Lane::End,
                REQUEST_BYTES_MAX,
                BODY_READ_MAX + MINT_WAIT_MAX + ANSWER_MAX,
            ),
            "unmatched" => (Lane::Open, REQUEST_BYTES_MAX, ANSWER_MAX),
            _ => OPERATE,
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
    clock: Arc<Semaphore>,
    end: Arc<Semaphore>,
    fleet: Arc<Semaphore>,
    mint: Arc<Semaphore>,
    open: Arc<Semaphore>,
    operate: Arc<Semaphore>,
    ship: Arc<Semaphore>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            clock: Arc::new(Semaphore::new(CLOCK_MAX)),
            end: Arc::new(Semaphore::new(END_MAX)),
            fleet: Arc::new(Semaphore::new(FLEET_MAX)),
            // Twice the mints: those whose bodies are still on their way have no part in it yet.
            mint: Arc::new(Semaphore::new(2 * MINTS_IN_FLIGHT_MAX as usize)),
            open: Arc::new(Semaphore::new(OPEN_MAX)),
            operate: Arc::new(Semaphore::new(OPERATE_MAX)),
            ship: Arc::new(Semaphore::new(SHIP_MAX)),
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
            Lane::Clock => &self.clock,
            Lane::End => &self.end,
            Lane::Fleet => &self.fleet,
            Lane::Mint => &self.mint,
            Lane::Open => &self.open,
            Lane::Operate => &self.operate,
            Lane::Probe => return Ok(None),
            Lane::Ship => &self.ship,
        };
        Arc::clone(seats).try_acquire_owned().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANES: [(Lane, usize); 7] = [
        (Lane::Clock, CLOCK_MAX),
        (Lane::End, END_MAX),
        (Lane::Fleet, FLEET_MAX),
        (Lane::Mint, 2 * MINTS_IN_FLIGHT_MAX as usize),
        (Lane::Open, OPEN_MAX),
        (Lane::Operate, OPERATE_MAX),
        (Lane::Ship, SHIP_MAX),
    ];

    #[test]
    fn a_full_lane_leaves_the_others_open() {
        for (full, seats) in LANES {
            let lanes = Lanes::default();
            let taken: Vec<_> = (0..seats).map(|_| lanes.enter(full).unwrap()).collect();
            assert!(lanes.enter(full).is_err(), "{full:?}");
            let others = LANES.map(|(lane, _)| lane).into_iter().chain([Lane::Probe]);
            for lane in others.filter(|lane| *lane != full) {
                assert!(lanes.enter(lane).is_ok(), "{lane:?} beside {full:?}");
            }
            drop(taken);
            assert!(lanes.enter(full).is_ok(), "{full:?}");
        }
    }

    #[test]
    fn only_who_signs_takes_a_seat_of_operators() {
        let end = |is_signed| Bounds::of("/v1/runs/{run}/end", &Method::POST, is_signed).lane;
        assert_eq!((end(true), end(false)), (Lane::Operate, Lane::End));
        // A client gets no seat of theirs for a header it adds to what is its own.
        let mint = Bounds::of("/v1/tokens", &Method::POST, true);
        assert_eq!(mint.lane, Lane::Mint);
    }

    /// What a client may call has no seat among the operators.
    #[test]
    fn no_endpoint_of_clients_shares_the_lane_of_operators() {
        use crate::http::endpoints::{Access, Endpoint};
        for endpoint in Endpoint::ALL {
            let lane = Bounds::of(endpoint.path(), &endpoint.method(), false).lane;
            match endpoint.access() {
                Access::Operator(_) => assert_eq!(lane, Lane::Operate, "{endpoint:?}"),
                Access::Anyone | Access::Client | Access::ClientOr(_) | Access::Verifier => {
                    assert_ne!(lane, Lane::Operate, "{endpoint:?}");
                }
            }
        }
    }
}
