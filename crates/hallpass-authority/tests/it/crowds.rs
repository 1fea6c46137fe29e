//! A client that ends runs without end keeps no operator waiting.

use base64::Engine as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{Home, Running, draft};
use crate::signing::{Call, enrol};

/// As many requests of operators as are answered at once.
const OPERATE_MAX: usize = 32;

/// A request to end a run whose body the authority waits for: it has a seat.
async fn ending(running: &Running, run: &str) -> TcpStream {
    let (client, secret) = &running.basic;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{client}:{secret}"));
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let head = format!(
        "POST /v1/runs/{run}/end HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {basic}\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    stream
}

#[tokio::test]
async fn clients_that_end_runs_take_no_seat_of_operators() {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    let run = running.mint(&draft()).await.json["run_id"].clone();
    let run = run.as_str().unwrap();
    let mut held = Vec::new();
    for _ in 0..=OPERATE_MAX {
        held.push(ending(&running, run).await);
    }
    let list = Call::new("GET", "/v1/runs");
    let listed = running.as_operator(&home, "auditor", &list).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    let end = Call::new("POST", &format!("/v1/runs/{run}/end"));
    let ended = running.as_operator(&home, "operator", &end).await;
    assert_eq!(ended.status, 200, "{ended:?}");
    drop(held);
    running.stop().await;
}
