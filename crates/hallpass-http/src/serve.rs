//! Accepts connections, bounds what each may cost, and ends without cutting off an answer.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::counters::{Counted, Counters};
use crate::framing;
use crate::silence;
use crate::stall::StallBounded;
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// How long to wait after the operating system refused a connection, for want of descriptors most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long requests that are cut off may take to notice: until the next point where they wait for something.
const CUT_OFF: Duration = Duration::from_millis(250);

/// What connections may cost. Bodies are their handlers' business.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once, those in their TLS handshake among them; more wait to be accepted. Each costs about 20 KiB.
    pub connections: usize,
    /// Bytes of a request's head; more is answered 431. At least 8 KiB.
    pub head_bytes: usize,
    /// How long a head may take to arrive, on an idle connection counted from its last answer; how long a TLS handshake may
    /// take; how long a caller may take nothing of an answer that waits for it; and how long its machine may acknowledge nothing.
    pub head_read: Duration,
    /// How long requests under way may take to end after `shutdown`; then they are cut off.
    pub drain: Duration,
}

/// How a router is served.
#[derive(Debug, Clone)]
pub struct Server {
    limits: Limits,
    counters: Arc<Counters>,
    #[cfg(feature = "tls")]
    tls: Option<Arc<Tls>>,
}

/// Serves plain HTTP within limits; see [`Server::serve`].
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    shutdown: impl Future<Output = ()>,
) {
    Server::new(*limits).serve(listener, router, shutdown).await;
}

impl Server {
    /// Plain HTTP, counted by nobody.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            counters: Arc::default(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// With its connections counted here.
    #[must_use]
    pub fn counting(mut self, counters: Arc<Counters>) -> Self {
        self.counters = counters;
        self
    }

    /// Over TLS with this certificate: plain HTTP is not answered.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn over_tls(mut self, tls: Arc<Tls>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Serves until `shutdown` ends, then lets the requests under way finish, at most for [`Limits::drain`]; what has not ended
    /// then is dropped where it waits. Dropped itself, it drops all of them at once.
    pub async fn serve(
        &self,
        listener: TcpListener,
        router: Router,
        shutdown: impl Future<Output = ()>,
    ) {
        let router = router.layer(from_fn(framing::check));
        let mut shutdown = pin!(shutdown);
        let room = Arc::new(Semaphore::new(self.limits.connections));
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
            let counted = Counted::new(&self.counters);
            let (server, router, watcher) = (self.clone(), router.clone(), graceful.watcher());
            connections.spawn(async move {
                let _held = (seat, counted);
                server.attend(stream, peer, router, watcher).await;
            });
        }
        drop(listener);
        if tokio::time::timeout(self.limits.drain, graceful.shutdown())
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

    /// One connection, from its first byte to its last.
    async fn attend(self, stream: TcpStream, peer: SocketAddr, router: Router, watcher: Watcher) {
        // Answers are small and final: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        silence::bound(&stream, self.limits.head_read);
        let stream = StallBounded::new(stream, self.limits.head_read);
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let handshake = tls.acceptor().accept(stream);
            match tokio::time::timeout(self.limits.head_read, handshake).await {
                Ok(Ok(stream)) => return self.speak(stream, peer, router, watcher).await,
                Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
            }
            self.counters.handshake_failed();
            return;
        }
        self.speak(stream, peer, router, watcher).await;
    }

    async fn speak<S>(&self, stream: S, peer: SocketAddr, router: Router, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_read)
            // hyper panics on less, and a head of that size costs nothing.
            .max_buf_size(self.limits.head_bytes.max(HEAD_BYTES_MIN))
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%peer, %error, "a connection ended badly");
        }
    }
}

/// The smallest buffer hyper takes.
const HEAD_BYTES_MIN: usize = 8 * 1024;
