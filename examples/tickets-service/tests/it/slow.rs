//! Callers that take their time: each part of a request has its bound, and nobody holds up a stop.

use std::time::{Duration, Instant};

use hallpass_axum::BODY_READ_SECONDS_MAX;
use hallpass_client::BaseUrl;
use tickets_service::DRAIN_SECONDS_DEFAULT;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::live::{Live, SOON};

/// How much later than at its bound an answer may come on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

async fn begin(url: &BaseUrl, bytes: &str) -> TcpStream {
    let address = url.to_string();
    let address = address.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    stream
}

/// What comes until the other side closes, and when that is.
async fn end(mut stream: TcpStream) -> (String, Duration) {
    let started = Instant::now();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await;
    read.expect("the connection is closed in time").unwrap();
    (String::from_utf8(answer).unwrap(), started.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_and_a_head_have_their_time_and_no_more() {
    let live = Live::start().await;
    let service = live.service(&live.state("tickets")).await;
    let half_a_body = |path: &str, authorization: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Bearer {authorization}\r\n\
             Content-Type: application/json\r\nContent-Length: 18\r\n\r\n{{\"quer"
        )
    };
    let tool = begin(&service.url, &half_a_body("/tools/kb.search", "hp1.x")).await;
    let mint = begin(&live.authority, &half_a_body("/v1/tokens", live.secret())).await;
    let head = begin(&live.authority, "POST /v1/tokens HTTP/1.1\r\nHo").await;
    let ((tool, tool_took), (mint, mint_took), (head, head_took)) =
        tokio::join!(end(tool), end(mint), end(head));
    assert!(
        tool.starts_with("HTTP/1.1 400 ") && tool.contains("request_malformed"),
        "{tool}"
    );
    assert!(tool.contains("hallpass-decision: dec_"), "{tool}");
    assert!(
        mint.starts_with("HTTP/1.1 408 ") && mint.contains("request_timeout"),
        "{mint}"
    );
    assert!(
        head.is_empty() || head.starts_with("HTTP/1.1 408 "),
        "{head}"
    );
    for (took, seconds) in [
        (tool_took, BODY_READ_SECONDS_MAX),
        (mint_took, 5),
        (head_took, 15),
    ] {
        let bound = Duration::from_secs(seconds);
        // The clock here starts a little after the server's.
        assert!(
            took + Duration::from_secs(1) > bound && took < bound + SLACK,
            "{took:?}, not {bound:?}"
        );
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_request_does_not_keep_a_service_from_stopping() {
    let live = Live::start().await;
    let service = live.service(&live.state("tickets")).await;
    let journal = service.journal.clone();
    let _half_a_head = begin(&service.url, "POST /tools/kb.search HTTP/1.1\r\nHo").await;
    // Answered, so that the server has read the half as well.
    let whole = begin(
        &service.url,
        "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(end(whole).await.0.starts_with("HTTP/1.1 404 "));
    let started = Instant::now();
    service.stop().await;
    assert!(started.elapsed() < Duration::from_secs(DRAIN_SECONDS_DEFAULT) + SLACK);
    let records = crate::world::records(&journal);
    assert_eq!(records.last().unwrap()["kind"], "closed");
}
