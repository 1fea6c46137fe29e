//! How the service comes to know what a real authority says, and what stops it from beside.

use std::fs;
use std::time::{Duration, Instant};

use hallpass_client::{BaseUrl, STOP_FILE_NAME, ToolAnswer, ToolClient};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::live::{Live, SOON, ask};

const READ: (&str, &str) = ("tickets.get", r#"{"id":"T-1001"}"#);

async fn scraped(service: &BaseUrl) -> String {
    let host = service.to_string().replace("http://", "");
    let mut stream = TcpStream::connect(&host).await.unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

async fn until_scraped(service: &BaseUrl, line: &str) {
    let started = Instant::now();
    while !scraped(service).await.lines().any(|it| it == line) {
        assert!(started.elapsed() < SOON, "{line}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn code(answer: &ToolAnswer) -> Option<String> {
    answer.problem().map(|problem| problem.code)
}

#[tokio::test]
async fn the_authority_pushes_and_sets_the_clock_and_that_can_be_scraped() {
    let live = Live::start().await;
    let service = live.service(&live.state("tickets")).await;
    until_scraped(&service.url, "hallpass_bundle_mode{mode=\"push\"} 1").await;
    let text = scraped(&service.url).await;
    assert!(
        text.contains("\nhallpass_token_clock_exchanged 1\n"),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(text.contains("application/openmetrics-text"), "{text}");
    // What it knows is there after a restart.
    assert!(live.state("tickets").join("bundle/bundle.json").exists());
    service.stop().await;
}

#[tokio::test]
async fn a_stop_file_denies_within_a_second_and_its_removal_lets_calls_in_again() {
    let live = Live::start().await;
    let state = live.state("tickets");
    let service = live.service(&state).await;
    let token = live.mint("/support/draft", "agent:support-bot").await;
    let tools = ToolClient::new().unwrap();
    let call = async || ask(&tools, &service.url, &token, READ).await.unwrap();
    assert!(call().await.is_success());
    fs::write(state.join(STOP_FILE_NAME), "").unwrap();
    let dropped = Instant::now();
    let denied = loop {
        let answer = call().await;
        if !answer.is_success() {
            break answer;
        }
        assert!(dropped.elapsed() < SOON);
    };
    assert!(
        dropped.elapsed() < Duration::from_secs(1),
        "{:?}",
        dropped.elapsed()
    );
    assert_eq!(code(&denied).as_deref(), Some("stopped"));
    let text = scraped(&service.url).await;
    assert!(
        text.contains("hallpass_stop_files{state=\"halt\"} 1"),
        "{text}"
    );
    fs::remove_file(state.join(STOP_FILE_NAME)).unwrap();
    let removed = Instant::now();
    while !call().await.is_success() {
        assert!(removed.elapsed() < SOON);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    service.stop().await;
}

/// Calls until one is denied, and says after how long and with which code.
async fn until_denied(
    tools: &ToolClient,
    service: &BaseUrl,
    token: &hallpass_client::TokenResponse,
) -> (Duration, String) {
    let since = Instant::now();
    loop {
        let answer = ask(tools, service, token, READ).await.unwrap();
        if !answer.is_success() {
            return (since.elapsed(), code(&answer).unwrap());
        }
        assert!(since.elapsed() < SOON);
    }
}

#[tokio::test]
async fn a_stop_at_the_authority_denies_within_a_second() {
    let live = Live::start().await;
    let service = live.service(&live.state("tickets")).await;
    until_scraped(&service.url, "hallpass_bundle_mode{mode=\"push\"} 1").await;
    let token = live.mint("/support/draft", "agent:support-bot").await;
    let tools = ToolClient::new().unwrap();
    assert!(
        ask(&tools, &service.url, &token, READ)
            .await
            .unwrap()
            .is_success()
    );
    let body = br#"{"selector":"tenant:acme","reason":"INC-42"}"#;
    let operator = live.operator();
    let (status, _) = operator
        .send("POST", "/v1/stops", None, body)
        .await
        .unwrap();
    assert_eq!(status, 201);
    let (took, code) = until_denied(&tools, &service.url, &token).await;
    assert_eq!(code, "stopped");
    assert!(took < Duration::from_secs(1), "{took:?}");
    service.stop().await;
}

#[tokio::test]
async fn a_stop_that_an_operator_of_the_policy_has_signed_denies_without_the_authority() {
    let live = Live::start().await;
    let state = live.state("tickets");
    let service = live.service(&state).await;
    let token = live.mint("/support/draft", "agent:support-bot").await;
    let tools = ToolClient::new().unwrap();
    assert!(
        ask(&tools, &service.url, &token, READ)
            .await
            .unwrap()
            .is_success()
    );
    fs::write(state.join("acme.stop"), live.signed_stop("tenant:acme")).unwrap();
    let (took, code) = until_denied(&tools, &service.url, &token).await;
    assert_eq!(code, "stopped");
    assert!(took < Duration::from_secs(1), "{took:?}");
    fs::remove_file(state.join("acme.stop")).unwrap();
    let removed = Instant::now();
    while !ask(&tools, &service.url, &token, READ)
        .await
        .unwrap()
        .is_success()
    {
        assert!(removed.elapsed() < SOON);
    }
    service.stop().await;
}
