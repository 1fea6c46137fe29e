//! An authority in a directory of its own, listening on a port the system chose.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hallpass_authority::{
    Authority, FirstOperator, InitOptions, InitReport, Reloader, ServeError, init,
};
use hallpass_journal::{OsStorage, Storage};
use hallpass_vocabulary::{Clock, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long a test waits for anything that must happen.
pub const SOON: Duration = Duration::from_secs(20);

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_800_000_000_250)))
    }

    pub fn advance(&self, duration: Duration) {
        let ms = i64::try_from(duration.as_millis()).unwrap();
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn rewind(&self, duration: Duration) {
        let ms = i64::try_from(duration.as_millis()).unwrap();
        self.0.fetch_sub(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

/// A new authority's directory.
pub struct Home {
    pub directory: PathBuf,
    pub report: InitReport,
    pub clock: Arc<TestClock>,
    _temporary: tempfile::TempDir,
}

pub fn options(clock: &Arc<TestClock>) -> InitOptions {
    InitOptions {
        environment: "dev".parse().unwrap(),
        authority: "hallpass.test".parse().unwrap(),
        listen: "127.0.0.1:0".parse().unwrap(),
        client: "demo-orchestrator".parse().unwrap(),
        operator: FirstOperator {
            operator: "op:dana".parse().unwrap(),
            person: "dana".parse().unwrap(),
            passphrase: None,
        },
        foreign_keys: Vec::new(),
        clock: clock.clone(),
    }
}

impl Home {
    pub fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path().join("authority");
        let clock = TestClock::new();
        let report = init(&directory, &options(&clock)).unwrap();
        Self {
            directory,
            report,
            clock,
            _temporary: temporary,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub async fn serve(&self) -> Running {
        self.serve_on(Arc::new(OsStorage)).await
    }

    /// Serves with these file operations under its journal.
    pub async fn serve_on(&self, storage: Arc<dyn Storage>) -> Running {
        let authority = Authority::open_on(&self.directory, self.clock.clone(), storage).unwrap();
        let secret = self.report.client_secret.expose();
        Running::start(authority, self.report.client.as_str(), secret).await
    }

    /// Every record of the journal, as JSON.
    pub fn records(&self) -> Vec<Value> {
        records(&self.path("journal"))
    }

    pub fn records_of(&self, kind: &str) -> Vec<Value> {
        let mut records = self.records();
        records.retain(|record| record["kind"] == kind);
        records
    }
}

/// Every line of every segment, in order: the journal is plain JSON lines.
pub fn records(journal: &Path) -> Vec<Value> {
    let mut segments: Vec<PathBuf> = std::fs::read_dir(journal)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect();
    segments.sort();
    let mut records = Vec::new();
    for segment in segments {
        let text = std::fs::read_to_string(segment).unwrap();
        records.extend(
            text.lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap()),
        );
    }
    records
}

/// An authority that is serving.
pub struct Running {
    pub address: SocketAddr,
    pub http: reqwest::Client,
    pub basic: (String, String),
    pub reloader: Reloader,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), ServeError>>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub json: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or("none")
    }
}

impl Running {
    /// Serves an authority, and asks it as one of its clients.
    pub async fn start(authority: Authority, client: &str, secret: &str) -> Self {
        let listener = TcpListener::bind(authority.listen()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let reloader = authority.reloader();
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(authority.serve(listener, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            http: reqwest::Client::new(),
            basic: (client.to_owned(), secret.to_owned()),
            reloader,
            stop,
            server,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // A stream of events has no end to wait for.
        let is_stream = headers
            .get("content-type")
            .is_some_and(|kind| kind == "text/event-stream");
        let body = match is_stream {
            true => Vec::new(),
            false => response.bytes().await.unwrap().to_vec(),
        };
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer {
            status,
            headers,
            json,
        }
    }

    pub fn tokens(&self) -> reqwest::RequestBuilder {
        let (client, secret) = &self.basic;
        self.http
            .post(self.url("/v1/tokens"))
            .basic_auth(client, Some(secret))
    }

    pub async fn mint(&self, body: &Value) -> Answer {
        self.send(self.tokens().json(body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.url(path))).await
    }

    /// Tells it to stop and waits until it has.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        // Idle connections of the client would be waited for.
        drop(self.http);
        tokio::time::timeout(SOON, self.server)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}

/// A request the starter policy grants.
pub fn draft() -> Value {
    json!({
        "route": "/support/draft",
        "tenant": "acme",
        "subject": "user:alice",
        "actor": "agent:support-bot",
    })
}

pub fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}
