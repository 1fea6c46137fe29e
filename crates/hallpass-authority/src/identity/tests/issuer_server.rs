//! An issuer on a port of this machine, that does what the test says.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What the issuer answers.
#[derive(Clone)]
pub(super) enum Answer {
    Body(String),
    Endless,
    Redirect(String),
    Status(u16),
    Wait,
}

pub(super) struct IssuerServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    keys: Mutex<Answer>,
    discovery: Mutex<String>,
    asked: AtomicUsize,
    waiting: Notify,
}

impl IssuerServer {
    pub(super) async fn start(keys: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            keys: Mutex::new(keys),
            discovery: Mutex::new(String::new()),
            asked: AtomicUsize::new(0),
            waiting: Notify::new(),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn answers(&self, keys: Answer) {
        *self.shared.keys.lock().unwrap() = keys;
    }

    pub(super) fn discovery(&self, document: String) {
        *self.shared.discovery.lock().unwrap() = document;
    }

    /// How often keys were asked for.
    pub(super) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Until somebody waits for [`Answer::Wait`].
    pub(super) async fn somebody_waits(&self) {
        self.shared.waiting.notified().await;
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if request.uri().path() == "/.well-known/openid-configuration" {
        return shared.discovery.lock().unwrap().clone().into_response();
    }
    shared.asked.fetch_add(1, Ordering::SeqCst);
    let answer = shared.keys.lock().unwrap().clone();
    match answer {
        Answer::Body(body) => body.into_response(),
        Answer::Endless => "x".repeat(300 * 1024).into_response(),
        Answer::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Answer::Wait => {
            shared.waiting.notify_one();
            std::future::pending().await
        }
    }
}
