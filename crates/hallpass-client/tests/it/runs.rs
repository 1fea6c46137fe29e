//! A run of the client: one request is one token, and a token is renewed before it is too old.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hallpass_client::{Behalf, Run, RunError, SubjectToken, TokenError, TokenRequest};
use hallpass_vocabulary::{Clock, RunId, Timestamp, TokenId};
use serde_json::{Value, json};

use crate::server::{Seen, Server};
use crate::tokens::{NOW, client, request};

/// A clock that stands still until it is moved.
#[derive(Debug, Clone)]
struct TestClock(Arc<AtomicI64>);

impl TestClock {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW.unix_ms())))
    }

    fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

/// A token that lives for 600 seconds, by a clock that is an hour ahead of the client's.
fn token(number: u8) -> String {
    let issued = NOW.after(Duration::from_secs(3_600));
    json!({
        "token": format!("hp1.t{number}"),
        "token_id": TokenId::new(NOW, [number; 10]),
        "run_id": RunId::new(NOW, [9; 10]),
        "issued_at": issued,
        "expires_at": issued.after(Duration::from_secs(600)),
        "route": "/support/draft",
        "tenant": "acme",
        "audiences": ["tickets"],
        "tools": ["kb.search"],
        "needs_approval": [],
    })
    .to_string()
}

fn problem(status: u16, code: &str) -> String {
    json!({"status": status, "code": code, "title": "No."}).to_string()
}

const REST: Duration = Duration::from_secs(45);

async fn started(server: &Server, clock: &TestClock) -> Run<TestClock> {
    server.answers(201, &[], token(1));
    Run::start_on(client(&server.base), request(), REST, clock.clone())
        .await
        .unwrap()
}

async fn handed_out(run: &Run<TestClock>) -> String {
    run.token().await.unwrap().token.expose().to_owned()
}

fn keys(seen: &[Seen]) -> Vec<String> {
    let key = |seen: &Seen| seen.headers["idempotency-key"].to_str().unwrap().to_owned();
    seen.iter().map(key).collect()
}

#[tokio::test]
async fn a_token_is_renewed_at_two_thirds_of_its_life_and_no_earlier_than_a_little_before() {
    let server = Server::start(201, "").await;
    let clock = TestClock::new();
    let run = started(&server, &clock).await;
    // 56 % of its life.
    clock.advance(336);
    assert_eq!(handed_out(&run).await, "hp1.t1");
    assert_eq!(server.seen().len(), 1);
    clock.advance(64);
    server.answers(201, &[], token(2));
    assert_eq!(handed_out(&run).await, "hp1.t2");
    assert_eq!(handed_out(&run).await, "hp1.t2");
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    let (first, second): (Value, Value) = (
        serde_json::from_slice(&seen[0].body).unwrap(),
        serde_json::from_slice(&seen[1].body).unwrap(),
    );
    assert_eq!(first["run_id"], Value::Null);
    assert_eq!(second["run_id"], run.id().to_string());
    let keys = keys(&seen);
    assert_ne!(keys[0], keys[1], "each renewal is a request of its own");
}

#[tokio::test]
async fn while_a_renewal_fails_the_token_at_hand_goes_on_until_it_has_no_rest() {
    let server = Server::start(201, "").await;
    let clock = TestClock::new();
    let run = started(&server, &clock).await;
    clock.advance(400);
    server.answers(429, &[("retry-after", "30")], problem(429, "rate_limited"));
    assert_eq!(handed_out(&run).await, "hp1.t1");
    // It is not asked for again before the authority said so.
    let asked = server.seen().len();
    clock.advance(29);
    assert_eq!(handed_out(&run).await, "hp1.t1");
    assert_eq!(server.seen().len(), asked);
    clock.advance(1);
    assert_eq!(handed_out(&run).await, "hp1.t1");
    assert!(server.seen().len() > asked);
    // 46 seconds left, one of them lost to rounding.
    clock.advance(124);
    assert_eq!(handed_out(&run).await, "hp1.t1");
    clock.advance(1);
    let refused = run.token().await.unwrap_err();
    let RunError::Token(TokenError::Refused(problem)) = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(problem.retry_after, Some(Duration::from_secs(30)));
    // And once it is answered again, all is well.
    server.answers(201, &[], token(2));
    assert_eq!(handed_out(&run).await, "hp1.t2");
}

#[tokio::test]
async fn a_renewal_whose_answer_was_lost_is_asked_for_under_the_same_key() {
    let server = Server::start(201, "").await;
    let clock = TestClock::new();
    let run = started(&server, &clock).await;
    clock.advance(400);
    server.answers(503, &[], problem(503, "overloaded"));
    assert_eq!(handed_out(&run).await, "hp1.t1");
    let tries = keys(&server.seen()[1..]);
    assert_eq!(tries.len(), 3);
    assert!(tries.iter().all(|key| *key == tries[0]), "{tries:?}");
    clock.advance(5);
    server.answers(201, &[], token(2));
    assert_eq!(handed_out(&run).await, "hp1.t2");
    assert_eq!(keys(&server.seen()).last(), Some(&tries[0]));
    // It counts from the first attempt: 400 seconds after that it is due, 395 after the last.
    clock.advance(395);
    server.answers(201, &[], token(3));
    assert_eq!(handed_out(&run).await, "hp1.t3");
}

#[tokio::test]
async fn an_attempt_that_is_too_old_is_not_gone_on_with() {
    let server = Server::start(201, "").await;
    let clock = TestClock::new();
    let run = started(&server, &clock).await;
    clock.advance(400);
    server.answers(503, &[], problem(503, "overloaded"));
    handed_out(&run).await;
    let before = keys(&server.seen()).pop();
    clock.advance(30);
    server.answers(201, &[], token(2));
    assert_eq!(handed_out(&run).await, "hp1.t2");
    assert_ne!(keys(&server.seen()).pop(), before);
}

#[tokio::test]
async fn a_run_that_was_ended_hands_out_nothing_more() {
    let server = Server::start(201, "").await;
    let clock = TestClock::new();
    let run = started(&server, &clock).await;
    clock.advance(400);
    server.answers(403, &[], problem(403, "run_ended"));
    let refused = run.token().await.unwrap_err();
    assert!(refused.to_string().contains("run_ended"), "{refused}");
}

#[tokio::test]
async fn a_token_without_its_rest_is_never_handed_out() {
    let server = Server::start(201, "").await;
    let clock = TestClock::new();
    let run = started(&server, &clock).await;
    clock.advance(400);
    // The run is near its end: the newest token lives for half a minute.
    let mut short: Value = serde_json::from_str(&token(2)).unwrap();
    let issued: Timestamp = short["issued_at"].as_str().unwrap().parse().unwrap();
    short["expires_at"] = json!(issued.after(Duration::from_secs(30)));
    server.answers(201, &[], short.to_string());
    let refused = run.token().await.unwrap_err();
    assert!(
        matches!(refused, RunError::RestTooLong { .. }),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_renewal_asks_with_the_newest_token_of_the_subject() {
    let server = Server::start(201, token(1)).await;
    let clock = TestClock::new();
    let jwt = |text: &str| Behalf::Token(SubjectToken::new(text).unwrap());
    let asked = TokenRequest {
        behalf: jwt("a.b.one"),
        ..request()
    };
    let run = Run::start_on(client(&server.base), asked, REST, clock.clone())
        .await
        .unwrap();
    clock.advance(400);
    server.answers(503, &[], problem(503, "overloaded"));
    handed_out(&run).await;
    run.set_behalf(jwt("a.b.two"));
    // The attempt before is refused for what it was, and a new one is made at once.
    clock.advance(5);
    server.answers(403, &[], problem(403, "subject_token_invalid"));
    assert!(run.token().await.is_err());
    let bodies: Vec<Value> = server
        .seen()
        .iter()
        .map(|seen| serde_json::from_slice(&seen.body).unwrap())
        .collect();
    let tokens: Vec<_> = bodies.iter().map(|body| &body["subject_token"]).collect();
    assert_eq!(tokens[tokens.len() - 2..], ["a.b.one", "a.b.two"]);
    assert!(bodies.iter().all(|body| body["subject"] == Value::Null));
}

#[tokio::test]
async fn a_run_is_ended_by_name_and_with_its_reason() {
    let server = Server::start(201, "").await;
    let run = started(&server, &TestClock::new()).await;
    let id = run.id();
    let ended = json!({"run_id": id, "ended_at": "2026-11-18T11:21:40Z", "later": 1});
    server.answers(200, &[], ended.to_string());
    let ended = run.end(Some("solved")).await.unwrap();
    assert_eq!(ended.run_id, id);
    assert_eq!(
        ended.to_string(),
        format!("{id} ended 2026-11-18T11:21:40.000Z")
    );
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.path, format!("/v1/runs/{id}/end"));
    assert_eq!(seen.body, r#"{"reason":"solved"}"#);
    assert!(seen.headers.contains_key("authorization"));
}
