//! One request, one token: asked again under its key, the same answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::faulty::{Disk, FaultyStorage};
use crate::fixture::{Answer, Home, Running, SOON, draft, with};
use crate::routes::{HOLDER, but, home_with, on};

impl Running {
    async fn mint_as(&self, key: &str, body: &Value) -> Answer {
        let request = self.tokens().header("idempotency-key", key).json(body);
        self.send(request).await
    }
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_one_token_is_minted() {
    let home = home_with("");
    let running = home.serve().await;
    let body = but(on("/wide"), "holder_key", json!(HOLDER));
    let first = running.mint_as("one", &body).await;
    assert_eq!(first.status, 201, "{first:?}");
    home.clock.advance(Duration::from_secs(599));
    let again = running.mint_as("one", &body).await;
    assert_eq!((again.status, &again.json), (201, &first.json));
    // The key is the client's alone, and a request without one is always another.
    let other = running.mint_as("two", &body).await;
    assert_ne!(other.json["token"], first.json["token"]);
    assert_ne!(running.mint(&body).await.json["token"], first.json["token"]);
    running.stop().await;
    assert_eq!(home.records_of("minted").len(), 3);
}

#[tokio::test]
async fn the_answer_is_the_same_after_a_restart_and_under_another_policy() {
    let home = home_with("");
    let running = home.serve().await;
    let first = running.mint_as("one", &on("/wide")).await;
    running.stop().await;
    crate::routes::set_policy(
        &home,
        &crate::routes::POLICY.replacen("\"acme\", \"globex\"", "\"globex\"", 1),
    );
    let running = home.serve().await;
    assert_eq!(
        running.mint(&on("/wide")).await.code(),
        "tenant_not_allowed"
    );
    let again = running.mint_as("one", &on("/wide")).await;
    assert_eq!((again.status, &again.json), (201, &first.json));
    running.stop().await;
    assert_eq!(home.records_of("minted").len(), 1);
    // No token is kept anywhere: neither in the journal nor in the store.
    let secret = first.json["token"].as_str().unwrap();
    let secret = secret.strip_prefix("hp1.").unwrap();
    for file in ["authority.db", "authority.db-wal"] {
        let bytes = std::fs::read(home.path(file)).unwrap_or_default();
        assert!(
            !String::from_utf8_lossy(&bytes).contains(&secret[..32]),
            "{file}"
        );
    }
}

#[tokio::test]
async fn another_request_under_the_key_is_a_conflict() {
    let home = Home::new();
    let running = home.serve().await;
    running.mint_as("one", &draft()).await;
    for body in [
        with(draft(), "tenant", json!("globex")),
        with(draft(), "ttl_seconds", json!(60)),
        with(draft(), "labels", json!({"a": "b"})),
    ] {
        let refused = running.mint_as("one", &body).await;
        assert_eq!(
            (refused.status, refused.code()),
            (409, "idempotency_conflict")
        );
    }
    // In another spelling it is the same one.
    let spelled = r#"{ "actor": "agent:support-bot", "subject": "user:alice", "tenant": "acme", "route": "\/support\/draft" }"#;
    let request = running
        .tokens()
        .header("idempotency-key", "one")
        .header("content-type", "application/json")
        .body(spelled);
    assert_eq!(running.send(request).await.status, 201);
    running.stop().await;
    assert_eq!(home.records_of("minted").len(), 1);
}

#[tokio::test]
async fn a_key_whose_token_expired_is_spent_until_it_is_forgotten() {
    let home = Home::new();
    let running = home.serve().await;
    running.mint_as("one", &draft()).await;
    home.clock.advance(Duration::from_secs(600));
    let spent = running.mint_as("one", &draft()).await;
    assert_eq!((spent.status, spent.code()), (409, "idempotency_spent"));
    home.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(running.mint_as("one", &draft()).await.status, 201);
    running.stop().await;
    assert_eq!(home.records_of("minted").len(), 2);
}

#[tokio::test]
async fn a_key_of_a_refused_request_is_free() {
    let home = Home::new();
    let running = home.serve().await;
    let refused = running
        .mint_as("one", &with(draft(), "tenant", json!("initech")))
        .await;
    assert_eq!(refused.code(), "tenant_not_allowed");
    assert_eq!(running.mint_as("one", &draft()).await.status, 201);
    running.stop().await;
}

#[tokio::test]
async fn a_run_that_was_ended_gets_not_even_the_token_it_had() {
    let home = Home::new();
    let running = home.serve().await;
    let first = running.mint_as("one", &draft()).await;
    running
        .end(first.json["run_id"].as_str().unwrap(), None)
        .await;
    let again = running.mint_as("one", &draft()).await;
    assert_eq!((again.status, again.code()), (403, "run_ended"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_under_one_key_are_one_token() {
    let home = Home::new();
    let running = Arc::new(home.serve().await);
    let callers: Vec<_> = (0..32)
        .map(|_| {
            let running = Arc::clone(&running);
            tokio::spawn(async move {
                loop {
                    let answer = running.mint_as("one", &draft()).await;
                    if answer.code() != "idempotency_in_flight" {
                        return answer;
                    }
                    assert_eq!(answer.status, 409);
                    assert_eq!(answer.headers["retry-after"], "1");
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut tokens = BTreeSet::new();
    for caller in callers {
        let answer = caller.await.unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
        tokens.insert(answer.json["token"].to_string());
    }
    assert_eq!(tokens.len(), 1);
    Arc::into_inner(running).unwrap().stop().await;
    assert_eq!(home.records_of("minted").len(), 1);
}

#[tokio::test]
async fn a_key_stands_once_and_is_visible() {
    let home = Home::new();
    let running = home.serve().await;
    let long = "k".repeat(129);
    for bad in ["", "a b", &long] {
        let refused = running.mint_as(bad, &draft()).await;
        assert_eq!(
            (refused.status, refused.code()),
            (400, "idempotency_key_malformed")
        );
    }
    let twice = running
        .tokens()
        .header("idempotency-key", "one")
        .header("idempotency-key", "one")
        .json(&draft());
    assert_eq!(
        running.send(twice).await.code(),
        "idempotency_key_malformed"
    );
    assert_eq!(
        running.mint_as(&"k".repeat(128), &draft()).await.status,
        201
    );
    running.stop().await;
    assert_eq!(home.records_of("minted").len(), 1);
}

/// The caller hangs up while its record waits for the disk. The mint goes on; asked again, the authority says so, and then
/// gives the token that nobody received.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_whose_caller_hung_up_in_the_middle_can_still_be_had() {
    let home = Home::new();
    let disk = Arc::new(Disk::default());
    let running = home.serve_on(Arc::new(FaultyStorage(disk.clone()))).await;
    let hold = disk.hold();
    let request = running
        .tokens()
        .header("idempotency-key", "one")
        .json(&draft());
    let caller = tokio::spawn(request.send());
    let watched = Arc::clone(&disk);
    tokio::task::spawn_blocking(move || watched.until_a_sync_waits())
        .await
        .unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    let meanwhile = running.mint_as("one", &draft()).await;
    assert_eq!(
        (meanwhile.status, meanwhile.code()),
        (409, "idempotency_in_flight")
    );
    let other = running
        .mint_as("one", &with(draft(), "tenant", json!("globex")))
        .await;
    assert_eq!(other.code(), "idempotency_conflict");
    drop(hold);
    let minted = tokio::time::timeout(SOON, async {
        loop {
            let answer = running.mint_as("one", &draft()).await;
            if answer.code() != "idempotency_in_flight" {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    });
    let minted = minted.await.unwrap();
    assert_eq!(minted.status, 201, "{minted:?}");
    running.stop().await;
    let records = home.records_of("minted");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["token"], minted.json["token_id"]);
}

#[tokio::test]
async fn a_key_whose_mint_could_not_be_recorded_is_free_again() {
    let home = Home::new();
    let disk = Arc::new(Disk::default());
    let running = home.serve_on(Arc::new(FaultyStorage(disk.clone()))).await;
    disk.fill(true);
    let refused = running.mint_as("one", &draft()).await;
    assert_eq!(
        (refused.status, refused.code()),
        (503, "journal_unavailable")
    );
    disk.fill(false);
    let minted = tokio::time::timeout(SOON, async {
        loop {
            let answer = running.mint_as("one", &draft()).await;
            if answer.status == 201 {
                return answer;
            }
            assert_eq!(answer.code(), "journal_unavailable");
            tokio::task::yield_now().await;
        }
    });
    minted.await.unwrap();
    running.stop().await;
    assert_eq!(home.records_of("minted").len(), 1);
}
