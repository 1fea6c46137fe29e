//! Accepts connections, bounds what each may cost, and ends without cutting off an answer.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::framing;
use crate::stall::StallBounded;

/// How long to wait after the operating system refused a connection, for want of descriptors most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long requests that are cut off may take to notice: until the next point where they wait for something.
const CUT_OFF: Duration = Duration::from_millis(250);

/// What connections may cost. Bodies are their handlers' business.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once; more wait to be accepted. Each costs about 20 KiB.
    pub connections: usize,
    /// Bytes of a request's head; more is answered 431. At least 8 KiB.
    pub head_bytes: usize,
    /// How long a head may take to arrive, on an idle connection counted from its last answer; and how long a caller may
    /// take nothing of an answer that waits for it.
    pub head_read: Duration,
    /// How long requests under way may take to end after `shutdown`; then they are cut off.
    pub drain: Duration,
}

/// Serves until `shutdown` ends, then lets the requests under way finish, at most for [`Limits::drain`]; what has not ended
/// then is dropped where it waits. Dropped itself, it drops all of them at once.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    shutdown: impl Future<Output = ()>,
) {
    let router = router.layer(from_fn(framing::check));
    let mut shutdown = pin!(shutdown);
    let room = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = async {
            let seat = Arc::clone(&room).acquire_owned().await;
            (seat, listener.accept().await)
        };
        let (seat, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are small and final: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_read)
            // hyper panics on less, and a head of that size costs nothing.
            .max_buf_size(limits.head_bytes.max(HEAD_BYTES_MIN))
            .serve_connection(
                TokioIo::new(StallBounded::new(stream, limits.head_read)),
                TowerToHyperService::new(router.clone()),
            );
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            let _seat = seat;
            if let Err(error) = connection.await {
                tracing::debug!(%peer, %error, "a connection ended badly");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests did not end in time and were cut off");
        connections.abort_all();
        let all = async { while connections.join_next().await.is_some() {} };
        // One that blocks its thread notices nothing; it is not waited for.
        let _ = tokio::time::timeout(CUT_OFF, all).await;
    }
}

/// The smallest buffer hyper takes.
const HEAD_BYTES_MIN: usize = 8 * 1024;
