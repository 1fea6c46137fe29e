//! Who listens hears of every heartbeat and of every change, and costs nobody else anything.

use std::time::Duration;

use hallpass_bundle::accept;
use hallpass_vocabulary::Clock as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{Home, Running, draft};
use crate::listener::{Listener, payload};

/// As many as may listen at once.
const STREAMS_MAX: usize = 1_024;

/// A policy file that changes the policy, and with it the bundle.
fn change_policy(home: &Home, number: u32) {
    let text = format!("[clients.another-{number}]\nsummary = \"Another\"\nactors = \"agent:*\"\n");
    std::fs::write(home.path("policy/another.toml"), text).unwrap();
}

#[tokio::test]
async fn a_heartbeat_comes_at_once_and_every_two_seconds() {
    let home = Home::new();
    let running = home.serve().await;
    let started = std::time::Instant::now();
    let mut listener = Listener::start(&running).await;
    let first = listener.next().await.unwrap();
    assert_eq!(first.name, "heartbeat");
    assert!(started.elapsed() < Duration::from_secs(1));
    let named = payload(&first.json());
    let alone = running.get("/v1/heartbeat").await;
    assert_eq!(payload(&alone.json), named);
    home.clock.advance(Duration::from_secs(2));
    let second = loop {
        let next = listener.next().await.unwrap();
        assert_eq!(next.name, "heartbeat");
        if payload(&next.json())["time"] != named["time"] {
            break next;
        }
    };
    assert!(started.elapsed() < Duration::from_secs(4));
    assert_eq!(second.version(), first.version());
    running.stop().await;
}

#[tokio::test]
async fn a_change_is_heard_of_at_once_and_is_all_a_verifier_needs() {
    let home = Home::new();
    let running = home.serve().await;
    let mut listener = Listener::start(&running).await;
    let before = listener.next().await.unwrap().version();
    change_policy(&home, 1);
    let reloaded = running.reloader.reload(None).await.unwrap();
    let (event, took) = listener.next_bundle(before).await;
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert_eq!(event.name, "bundle");
    assert_eq!(event.version(), reloaded.bundle_version);
    let now = home.clock.now();
    let snapshot = accept(&event.data, &home.report.trust_root, None, now).unwrap();
    assert_eq!(*snapshot.policy(), reloaded.policy);
    running.stop().await;
}

#[tokio::test]
async fn a_large_bundle_is_told_of_and_fetched() {
    let home = Home::new();
    let mut tools = String::new();
    for number in 0..1_500 {
        tools.push_str(&format!(
            "[tools.\"large.tool_{number}\"]\naudience = \"tickets\"\nimpact = \"read\"\nsummary = \"One of many\"\n\n"
        ));
    }
    let running = home.serve().await;
    let mut listener = Listener::start(&running).await;
    let before = listener.next().await.unwrap().version();
    std::fs::write(home.path("policy/large.toml"), tools).unwrap();
    let reloaded = running.reloader.reload(None).await.unwrap();
    let (event, _) = listener.next_bundle(before).await;
    assert_eq!(event.name, "heartbeat");
    assert_eq!(event.version(), reloaded.bundle_version);
    running.stop().await;
}

#[tokio::test]
async fn streams_end_when_the_authority_stops() {
    let home = Home::new();
    let running = home.serve().await;
    let mut listeners = Vec::new();
    for _ in 0..8 {
        let mut listener = Listener::start(&running).await;
        listener.next().await.unwrap();
        listeners.push(listener);
    }
    let started = std::time::Instant::now();
    running.stop().await;
    assert!(started.elapsed() < Duration::from_secs(5));
    for mut listener in listeners {
        while listener.next().await.is_some() {}
    }
}

/// A stream that somebody opens and never reads beyond its head.
async fn unread(running: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let head = b"GET /v1/bundle/events HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert!(status.starts_with(b"HTTP/1.1 "));
    stream
}

#[tokio::test]
async fn as_many_listen_as_may_and_everything_else_goes_on() {
    let home = Home::new();
    let running = home.serve().await;
    let mut held = Vec::new();
    for _ in 0..STREAMS_MAX {
        held.push(unread(&running).await);
    }
    let refused = running.get("/v1/bundle/events").await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.code(), "overloaded");
    assert_eq!(refused.headers["retry-after"], "30");
    assert_eq!(running.get("/v1/heartbeat").await.status, 200);
    assert_eq!(running.get("/v1/bundle").await.status, 200);
    assert_eq!(running.mint(&draft()).await.status, 201);
    // Nobody waits for those who do not read.
    let started = std::time::Instant::now();
    for number in 0..20 {
        change_policy(&home, number);
        running.reloader.reload(None).await.unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(10));
    // A place is free again as soon as its reader hangs up.
    held.truncate(STREAMS_MAX - 1);
    let mut listener = loop {
        let request = running.http.get(running.url("/v1/bundle/events"));
        if request.send().await.unwrap().status() == 200 {
            break Listener::start(&running).await;
        }
        tokio::task::yield_now().await;
    };
    assert!(listener.next().await.is_some());
    drop((listener, held));
    running.stop().await;
}

#[tokio::test]
async fn the_time_is_signed_for_whoever_asks() {
    let home = Home::new();
    let running = home.serve().await;
    let ask = async |body: &serde_json::Value| {
        let request = running.http.post(running.url("/v1/clock")).json(body);
        running.send(request).await
    };
    let nonce = "00112233445566778899aabbccddeeff";
    let answer = ask(&json!({"nonce": nonce})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let reading = payload(&answer.json);
    assert_eq!(reading["format"], 1);
    assert_eq!(reading["authority"], "hallpass.test");
    assert_eq!(reading["environment"], "dev");
    assert_eq!(reading["nonce"], nonce);
    assert_eq!(reading["time"], json!(home.clock.now()));

    let published = running.get("/v1/bundle").await.json;
    let keys = &payload(&published["roots"][0])["heartbeat"]["keys"];
    let key: hallpass_keys::VerifyingKey = keys[0].as_str().unwrap().parse().unwrap();
    let envelope = hallpass_keys::dsse::Envelope::from_json(answer.json.to_string().as_bytes());
    let envelope = envelope.unwrap();
    let kind = "application/vnd.hallpass.clock+json";
    assert!(envelope.verify(kind, std::slice::from_ref(&key), 1).is_ok());
    let heartbeat = "application/vnd.hallpass.heartbeat+json";
    assert!(envelope.verify(heartbeat, &[key], 1).is_err());

    for bad in [json!({}), json!({"nonce": "00"}), json!([nonce])] {
        assert_eq!(ask(&bad).await.code(), "body_malformed", "{bad}");
    }
    let padded = json!({"nonce": nonce, "padding": "x".repeat(400)});
    assert_eq!(ask(&padded).await.code(), "request_too_large");
    let bare = running.http.post(running.url("/v1/clock")).body("x");
    assert_eq!(running.send(bare).await.code(), "media_type_unsupported");
    running.stop().await;
}
