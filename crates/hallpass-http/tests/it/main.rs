//! What a connection may cost, seen from its other end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

#[cfg(feature = "tls")]
mod tls;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::{get, post};
use hallpass_http::{Limits, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const LIMITS: Limits = Limits {
    connections: 8,
    head_bytes: 8 * 1024,
    head_read: Duration::from_secs(30),
    drain: Duration::from_secs(30),
};

/// Longer than anything here takes, shorter than anybody waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// More than the buffers of a connection take while nobody reads.
const LARGE_BYTES: usize = 64 * 1024 * 1024;

struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    fn start(limits: Limits) -> Self {
        let (told, address) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                told.send(listener.local_addr().unwrap()).unwrap();
                let router = Router::new()
                    .route("/", get(async || "here"))
                    .route("/large", get(async || vec![b'x'; LARGE_BYTES]))
                    .route("/echo", post(async |body: String| body));
                serve(listener, router, &limits, async {
                    let _ = stopped.await;
                })
                .await;
            });
        });
        Self {
            address: address.recv().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The whole answer to these bytes, until the server hangs up.
    fn answer(&self, bytes: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        read(&mut stream)
    }

    fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
        self.thread.take().unwrap().join().unwrap();
    }
}

fn read(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A server that hangs up on bytes it did not read resets the connection after its answer.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn exactly_one_host() {
    let server = Server::start(LIMITS);
    for (head, status) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n", "200"),
        ("GET / HTTP/1.1\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n", "400"),
        ("GET / HTTP/1.0\r\n", "200"),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n", "400"),
        ("GET /nowhere HTTP/1.1\r\n", "400"),
    ] {
        let answer = server.answer(&format!("{head}Connection: close\r\n\r\n"));
        assert_eq!(answer.split(' ').nth(1), Some(status), "{head:?}: {answer}");
    }
}

#[test]
fn chunked_is_the_only_transfer_coding() {
    let server = Server::start(LIMITS);
    let post = |coding: &str| {
        format!(
            "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: {coding}\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
        )
    };
    assert!(server.answer(&post("chunked")).ends_with("hi"));
    assert!(server.answer(&post("Chunked")).ends_with("hi"));
    for coding in [
        "gzip, chunked",
        "chunked, chunked",
        "chunked\r\nTransfer-Encoding: chunked",
    ] {
        let answer = server.answer(&post(coding));
        assert!(!answer.contains(" 200 "), "{coding}: {answer}");
    }
}

#[test]
fn a_head_is_bounded_in_size_and_in_time() {
    let limits = Limits {
        head_read: Duration::from_millis(200),
        ..LIMITS
    };
    let server = Server::start(limits);
    let long = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "x".repeat(9_000)
    );
    assert!(server.answer(&long).starts_with("HTTP/1.1 431 "));
    // Half a head: the server hangs up by itself.
    let started = Instant::now();
    server.answer("GET / HTTP/1.1\r\nHost");
    assert!(started.elapsed() < PATIENCE);
}

#[test]
fn connections_beyond_the_limit_wait_for_a_seat() {
    let server = Server::start(Limits {
        connections: 1,
        ..LIMITS
    });
    let mut first = server.connect();
    first
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let mut one = [0; 1];
    first.read_exact(&mut one).unwrap();
    let mut second = server.connect();
    second
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    second
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    assert!(second.read(&mut one).is_err(), "answered without a seat");
    drop(first);
    second.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(read(&mut second).ends_with("here"));
}

#[test]
fn stopping_finishes_what_is_under_way_and_waits_for_nobody_for_ever() {
    let mut server = Server::start(Limits {
        drain: Duration::from_millis(200),
        ..LIMITS
    });
    // A request whose body never comes.
    let mut stuck = server.connect();
    stuck
        .write_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        .unwrap();
    // Its connection has been accepted once a later one has been answered.
    assert!(
        server
            .answer("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .ends_with("here")
    );
    let started = Instant::now();
    server.stop();
    assert!(started.elapsed() < PATIENCE);
}

#[test]
fn a_caller_that_does_not_read_its_answer_loses_its_seat() {
    let server = Server::start(Limits {
        connections: 1,
        head_read: Duration::from_millis(200),
        ..LIMITS
    });
    let mut idle = server.connect();
    idle.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let answer = server.answer("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(answer.ends_with("here"), "{answer}");
}

#[test]
fn a_caller_that_reads_with_pauses_gets_all_of_its_answer() {
    let server = Server::start(LIMITS);
    let mut stream = server.connect();
    stream
        .write_all(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut first = [0; 1];
    stream.read_exact(&mut first).unwrap();
    // Another one is answered while this one's buffers are full.
    assert!(
        server
            .answer("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .ends_with("here")
    );
    assert!(read(&mut stream).len() > LARGE_BYTES);
}

/// Says when it is dropped.
struct Tells(std::sync::mpsc::Sender<()>);

impl Drop for Tells {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn what_does_not_end_in_time_is_dropped_before_serving_ends() {
    let (begun, begins) = tokio::sync::mpsc::channel::<()>(1);
    let (dropped, drops) = std::sync::mpsc::channel();
    let hung = async move || {
        let _tells = Tells(dropped.clone());
        begun.send(()).await.unwrap();
        std::future::pending::<()>().await;
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits {
        drain: Duration::from_millis(50),
        ..LIMITS
    };
    let mut begins = begins;
    let shutdown = async move {
        begins.recv().await.unwrap();
    };
    let router = Router::new().route("/hung", get(hung));
    let serving = serve(listener, router, &limits, shutdown);
    let caller = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
            .write_all(b"GET /hung HTTP/1.1\r\nHost: t\r\n\r\n")
            .unwrap();
        read(&mut stream)
    });
    tokio::time::timeout(PATIENCE, serving).await.unwrap();
    assert_eq!(drops.try_recv(), Ok(()));
    assert_eq!(caller.await.unwrap(), "");
}
