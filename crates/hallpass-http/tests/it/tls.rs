//! The same over TLS, seen by a client with a certificate authority of its own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use hallpass_http::{Counters, Limits, Server, Tls, TlsError};
use hallpass_testkit::{Certificates, TempDir, temp_dir};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{LIMITS, PATIENCE};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

struct Served {
    address: std::net::SocketAddr,
    certificates: Certificates,
    tls: Arc<Tls>,
    counters: Arc<Counters>,
    stop: oneshot::Sender<()>,
    serving: tokio::task::JoinHandle<()>,
    _directory: TempDir,
}

impl Served {
    async fn start(limits: Limits) -> Self {
        let directory = temp_dir();
        let certificates = Certificates::new(directory.path());
        let (certificate, key) = certificates.issue("server");
        let tls = Arc::new(Tls::read(&certificate, &key).unwrap());
        let counters = Arc::new(Counters::default());
        let server = Server::new(limits)
            .counting(Arc::clone(&counters))
            .over_tls(Arc::clone(&tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            let router = Router::new().route("/", get(async || "here"));
            let stopped = async {
                let _ = stopped.await;
            };
            server.serve(listener, router, stopped).await;
        });
        Self {
            address,
            certificates,
            tls,
            counters,
            stop,
            serving,
            _directory: directory,
        }
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let connector = connector(&self.certificates.authority(), rustls::ALL_VERSIONS, &[]);
        connector.connect(name(), stream).await.unwrap()
    }
}

fn name() -> ServerName<'static> {
    ServerName::try_from("127.0.0.1").unwrap()
}

fn connector(
    authority: &Path,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&[u8]],
) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(authority).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// The answer to a request on a connection that stays open.
async fn answer(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"here") {
        let mut some = [0; 512];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut some)).await;
        let read = read.unwrap().unwrap();
        assert_ne!(read, 0, "the server hung up");
        answer.extend_from_slice(&some[..read]);
    }
    String::from_utf8(answer).unwrap()
}

/// The certificate the other end showed.
fn shown(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    let (_, connection) = stream.get_ref();
    connection.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn both_versions_are_spoken_and_only_http_1_under_them() {
    let served = Served::start(LIMITS).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let connector = connector(
            &served.certificates.authority(),
            &[version],
            &[b"h2", b"http/1.1"],
        );
        let stream = TcpStream::connect(served.address).await.unwrap();
        let mut stream = connector.connect(name(), stream).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200 "));
    }
    let only_h2 = connector(
        &served.certificates.authority(),
        rustls::ALL_VERSIONS,
        &[b"h2"],
    );
    let stream = TcpStream::connect(served.address).await.unwrap();
    assert!(only_h2.connect(name(), stream).await.is_err());
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_drops_no_old_one() {
    let served = Served::start(LIMITS).await;
    let mut old = served.connect().await;
    answer(&mut old).await;
    let (certificate, key) = served.certificates.issue("server");
    served.tls.reload().unwrap();
    let mut new = served.connect().await;
    assert_ne!(shown(&old), shown(&new));
    answer(&mut old).await;
    answer(&mut new).await;
    // A bad pair is refused, and the good one stays.
    std::fs::write(&certificate, "nothing").unwrap();
    assert!(matches!(
        served.tls.reload(),
        Err(TlsError::Certificate { .. })
    ));
    let (_, other_key) = served.certificates.issue("other");
    served.certificates.issue("server");
    std::fs::copy(&other_key, &key).unwrap();
    assert!(matches!(served.tls.reload(), Err(TlsError::Pair { .. })));
    let again = served.connect().await;
    assert_eq!(shown(&new), shown(&again));
}

#[tokio::test]
async fn a_handshake_is_a_connection_and_ends_in_time() {
    let served = Served::start(Limits {
        connections: 1,
        head_read: Duration::from_millis(200),
        ..LIMITS
    })
    .await;
    // It takes the only seat and says nothing; the next one says what is no TLS.
    let silent = TcpStream::connect(served.address).await.unwrap();
    let mut plain = TcpStream::connect(served.address).await.unwrap();
    plain.write_all(REQUEST).await.unwrap();
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, plain.read_to_end(&mut bytes))
        .await
        .unwrap();
    assert!(!bytes.starts_with(b"HTTP"), "answered without TLS");
    // Both seats were given back.
    let mut stream = served.connect().await;
    answer(&mut stream).await;
    assert_eq!(served.counters.handshakes_failed(), 2);
    assert_eq!((served.counters.accepted(), served.counters.open()), (3, 1));
    drop(silent);
}

#[tokio::test]
async fn stopping_waits_for_no_handshake_longer_than_its_bound() {
    let served = Served::start(Limits {
        drain: Duration::from_millis(100),
        ..LIMITS
    })
    .await;
    let _silent = TcpStream::connect(served.address).await.unwrap();
    let mut stream = served.connect().await;
    answer(&mut stream).await;
    served.stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, served.serving)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(served.counters.open(), 0);
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let directory = temp_dir();
    let certificates = Certificates::new(directory.path());
    let (certificate, key) = certificates.issue("server");
    for (mode, good) in [(0o600, true), (0o640, true), (0o644, false), (0o660, false)] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let read = Tls::read(&certificate, &key);
        assert_eq!(read.is_ok(), good, "{mode:o}: {read:?}");
    }
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let swapped = Tls::read(&key, &key);
    assert!(matches!(swapped, Err(TlsError::Certificate { .. })));
    std::fs::set_permissions(&certificate, std::fs::Permissions::from_mode(0o600)).unwrap();
    let swapped = Tls::read(&certificate, &certificate);
    assert!(matches!(swapped, Err(TlsError::Key { .. })));
    let absent = Tls::read(Path::new("absent"), &key);
    assert!(matches!(absent, Err(TlsError::Read { .. })));
}
