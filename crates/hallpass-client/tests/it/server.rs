//! Servers on ports the system picks.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use hallpass_client::BaseUrl;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

type Answer = (StatusCode, Vec<(&'static str, String)>, Vec<u8>);

/// Answers every request alike, and remembers them.
#[derive(Clone)]
pub struct Server {
    pub base: BaseUrl,
    answer: Arc<Mutex<Answer>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub async fn start(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            base: base(&listener),
            answer: Arc::new(Mutex::new((StatusCode::OK, Vec::new(), Vec::new()))),
            seen: Arc::default(),
        };
        server.answers(status, &[], body);
        let app = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        server
    }

    /// What it answers from now on.
    pub fn answers(&self, status: u16, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) {
        let headers = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        *self.answer.lock().unwrap() =
            (StatusCode::from_u16(status).unwrap(), headers, body.into());
    }

    /// What has arrived.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(
    State(server): State<Server>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let path = uri.to_string();
    server.seen.lock().unwrap().push(Seen {
        method,
        path,
        headers,
        body,
    });
    let (status, headers, body) = server.answer.lock().unwrap().clone();
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}

/// A server that accepts and never answers.
pub async fn silent() -> BaseUrl {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = base(&listener);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    base
}

/// A server whose answers never end, in chunks without a length in front.
pub async fn endless() -> BaseUrl {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = base(&listener);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
                // After the request: bytes before it would be no answer.
                let mut sent = stream.read(&mut [0; 4096]).await.map(|_| ());
                if sent.is_ok() {
                    sent = stream.write_all(head.as_bytes()).await;
                }
                while sent.is_ok() {
                    sent = stream.write_all(chunk.as_bytes()).await;
                }
            });
        }
    });
    base
}

/// A server that hangs up in the middle of its first answer, and gives the next one whole. And the requests it got.
pub async fn cut_off_once(body: String) -> (BaseUrl, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (base, asked) = (base(&listener), Arc::<Mutex<Vec<String>>>::default());
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            // Whole: its head, and a body that ends in a brace.
            while !request.ends_with(b"}") {
                let mut some = [0; 4096];
                match stream.read(&mut some).await {
                    Ok(0) | Err(_) => break,
                    Ok(n) => request.extend_from_slice(&some[..n]),
                }
            }
            let first = {
                let mut seen = seen.lock().unwrap();
                seen.push(String::from_utf8_lossy(&request).into_owned());
                seen.len() == 1
            };
            let head = format!(
                "HTTP/1.1 201 Created\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let sent = if first {
                &body[..body.len() / 2]
            } else {
                &body
            };
            let _ = stream.write_all(format!("{head}{sent}").as_bytes()).await;
        }
    });
    (base, asked)
}

/// A port at which nobody listens.
pub async fn nobody() -> BaseUrl {
    base(&TcpListener::bind("127.0.0.1:0").await.unwrap())
}

fn base(listener: &TcpListener) -> BaseUrl {
    BaseUrl::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
}
