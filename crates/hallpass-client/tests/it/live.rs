//! An authority that is up: the endpoints of docs/bundle-format.md, with what each offers turned on and off.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::{get, post};
use hallpass_bundle::{Restrictions, SignedBundle};
use hallpass_client::{BaseUrl, BundleSourceConfig};
use hallpass_vocabulary::{Clock, SystemClock, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use crate::authority::{Authority, NOW};

/// A clock that goes, from the time of the tests on, and may be wrong.
#[derive(Clone)]
pub struct Going {
    since: Duration,
    off_ms: Arc<AtomicI64>,
}

impl Going {
    pub fn new() -> Self {
        Self {
            since: SystemClock.running().unwrap(),
            off_ms: Arc::default(),
        }
    }

    pub fn off_by(&self, seconds: i64) -> Self {
        let off_ms = Arc::new(AtomicI64::new(seconds * 1_000));
        Self { off_ms, ..*self }
    }
}

impl Clock for Going {
    fn now(&self) -> Timestamp {
        let passed = SystemClock.running().unwrap() - self.since;
        let off_ms = self.off_ms.load(Ordering::SeqCst);
        Timestamp::from_unix_ms(NOW.after(passed).unix_ms() + off_ms)
    }

    fn running(&self) -> Option<Duration> {
        SystemClock.running()
    }
}

/// What is offered, and how.
#[derive(Clone)]
pub struct Offers {
    pub bundle: bool,
    pub clock: Answer,
    pub events: Events,
    pub heartbeat: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Of another question.
    Kept,
    Late,
    No,
    Yes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {
    /// Comments, without end.
    Drip,
    /// A line without end.
    Endless,
    No,
    /// The same heartbeat again and again.
    Replay,
    /// Open, and nothing on it.
    Silent,
    Yes,
}

pub struct Live {
    pub base: BaseUrl,
    pub authority: Authority,
    pub clock: Going,
    off_ms: AtomicI64,
    offers: Mutex<Offers>,
    current: Mutex<SignedBundle>,
    asked: Mutex<Vec<String>>,
    events: broadcast::Sender<Bytes>,
}

impl Live {
    pub async fn start() -> Arc<Self> {
        let authority = Authority::new(1);
        let clock = Going::new();
        let draft = authority.draft(Restrictions::default());
        let bundle = authority.bundle(draft, clock.now());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = BaseUrl::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let live = Arc::new(Self {
            base,
            authority,
            clock,
            off_ms: AtomicI64::default(),
            offers: Mutex::new(Offers {
                bundle: true,
                clock: Answer::Yes,
                events: Events::Yes,
                heartbeat: true,
            }),
            current: Mutex::new(bundle),
            asked: Mutex::default(),
            events: broadcast::channel(64).0,
        });
        let router = Router::new()
            .route("/v1/bundle", get(bundle_endpoint))
            .route("/v1/heartbeat", get(heartbeat_endpoint))
            .route("/v1/bundle/events", get(events_endpoint))
            .route("/v1/clock", post(clock_endpoint))
            .with_state(Arc::clone(&live));
        tokio::spawn(async move { axum::serve(listener, router).await });
        live
    }

    pub fn source(&self) -> BundleSourceConfig {
        BundleSourceConfig::new(self.base.clone(), self.authority.root.trust_root())
    }

    /// What it offers from now on; streams that are open go on.
    pub fn offer(&self, change: impl FnOnce(&mut Offers)) {
        change(&mut self.offers.lock().unwrap());
    }

    /// How far the authority's own clock is off, for what it signs.
    pub fn clock_off(&self, seconds: i64) {
        self.off_ms.store(seconds * 1_000, Ordering::SeqCst);
    }

    pub fn now(&self) -> Timestamp {
        let off_ms = self.off_ms.load(Ordering::SeqCst);
        Timestamp::from_unix_ms(self.clock.now().unix_ms() + off_ms)
    }

    fn offers(&self) -> Offers {
        self.offers.lock().unwrap().clone()
    }

    /// How often something was asked for.
    pub fn asked(&self, what: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| *asked == what).count()
    }

    fn note(&self, what: &str) {
        self.asked.lock().unwrap().push(what.to_owned());
    }

    pub fn current(&self) -> SignedBundle {
        self.current.lock().unwrap().clone()
    }

    /// Signs another bundle; `inline` tells all of it to those who listen, else only that there is one.
    pub fn restrict(&self, restrictions: Restrictions, inline: bool) -> u64 {
        let draft = self.authority.draft(restrictions);
        let last = *self.current().id();
        let bundle =
            hallpass_bundle::Bundle::new(&self.authority.root, draft, Some(&last), self.now())
                .unwrap()
                .sign(&self.authority.root, &[&self.authority.bundle_key])
                .unwrap();
        let version = bundle.id().version;
        *self.current.lock().unwrap() = bundle.clone();
        match inline {
            true => {
                let published = self.authority.publication(&bundle, self.now());
                self.tell("bundle", published.to_json().unwrap());
            }
            false => self.beat(),
        }
        version
    }

    /// Tells those who listen what is current now.
    pub fn beat(&self) {
        self.tell("heartbeat", self.heartbeat());
    }

    pub fn heartbeat(&self) -> Vec<u8> {
        let envelope = self.authority.heartbeat(&self.current(), self.now());
        envelope.to_json()
    }

    pub fn tell(&self, name: &str, data: Vec<u8>) {
        // Nobody may be listening.
        let _ = self.events.send(event(name, &data));
    }

    /// Beats every so often from now on, as an authority does every two seconds.
    pub fn keep_beating(self: &Arc<Self>, every: Duration) {
        let live = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                live.beat();
            }
        });
    }
}

fn event(name: &str, data: &[u8]) -> Bytes {
    let data = std::str::from_utf8(data).unwrap();
    format!("event: {name}\ndata: {data}\n\n").into()
}

fn answer(status: u16, body: Vec<u8>) -> Response<Body> {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .body(Body::from(body))
        .unwrap()
}

async fn bundle_endpoint(
    State(live): State<Arc<Live>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    assert_eq!(query.as_deref(), Some("format=2"));
    if !live.offers().bundle {
        return answer(503, Vec::new());
    }
    let (bundle, now) = (live.current(), live.now());
    let etag = format!("\"{}.{}\"", bundle.id().version, now.unix_ms());
    if headers
        .get("if-none-match")
        .is_some_and(|known| *known == *etag)
    {
        live.note("bundle, known");
        return answer(304, Vec::new());
    }
    live.note("bundle");
    let published = live.authority.publication(&bundle, now);
    let mut response = answer(200, published.to_json().unwrap());
    let etag = etag.parse().unwrap();
    response.headers_mut().insert("etag", etag);
    response
}

async fn heartbeat_endpoint(State(live): State<Arc<Live>>) -> Response<Body> {
    live.note("heartbeat");
    match live.offers() {
        Offers {
            heartbeat: false, ..
        } => answer(404, Vec::new()),
        Offers { bundle: false, .. } => answer(503, Vec::new()),
        _ => answer(200, live.heartbeat()),
    }
}

async fn clock_endpoint(State(live): State<Arc<Live>>, body: Bytes) -> Response<Body> {
    live.note("clock");
    let question: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let nonce = question["nonce"].as_str().unwrap();
    let time = live.now();
    match live.offers().clock {
        Answer::No => return answer(404, Vec::new()),
        Answer::Kept => {
            let kept = live.authority.clock(&"0".repeat(32), time);
            return answer(200, kept.to_json());
        }
        Answer::Late => tokio::time::sleep(Duration::from_secs(60)).await,
        Answer::Yes => {}
    }
    answer(200, live.authority.clock(nonce, time).to_json())
}

async fn events_endpoint(State(live): State<Arc<Live>>) -> Response<Body> {
    live.note("events");
    let kind = live.offers().events;
    if kind == Events::No {
        return answer(404, Vec::new());
    }
    let mut stream = Stream {
        kind,
        first: None,
        told: match kind {
            Events::Yes => Some(wait(live.events.subscribe())),
            _ => None,
        },
        beat: event("heartbeat", &live.heartbeat()),
    };
    if kind == Events::Yes {
        stream.first = Some(stream.beat.clone());
    }
    let mut response = Response::new(Body::new(stream));
    let text = "text/event-stream".parse().unwrap();
    response.headers_mut().insert("content-type", text);
    response
}

type Told = Pin<Box<dyn Future<Output = Option<(Bytes, broadcast::Receiver<Bytes>)>> + Send>>;

fn wait(mut events: broadcast::Receiver<Bytes>) -> Told {
    Box::pin(async move {
        let event = events.recv().await.ok()?;
        Some((event, events))
    })
}

struct Stream {
    kind: Events,
    first: Option<Bytes>,
    told: Option<Told>,
    beat: Bytes,
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        let frame = |bytes| Poll::Ready(Some(Ok(http_body::Frame::data(bytes))));
        if let Some(first) = self.first.take() {
            return frame(first);
        }
        match self.kind {
            Events::Drip => return frame(Bytes::from_static(b": still here\n\n")),
            Events::Endless => return frame(Bytes::from_static(&[b'x'; 16 * 1024])),
            Events::Replay => return frame(self.beat.clone()),
            Events::Silent | Events::No => return Poll::Pending,
            Events::Yes => {}
        }
        let Some(told) = &mut self.told else {
            return Poll::Pending;
        };
        match told.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some((event, events))) => {
                self.told = Some(wait(events));
                frame(event)
            }
        }
    }
}
