//! A granted request: what comes back, what it is worth, what is on record.

use std::time::Duration;

use hallpass_keys::VerifyingKey;
use hallpass_token::{AdmittedToken, UnverifiedToken};
use hallpass_vocabulary::Timestamp;
use serde_json::{Value, json};

use crate::fixture::{Answer, Home, draft, with};

/// The token of an answer, verified under the run key and admitted.
fn admitted(answer: &Answer, key: &VerifyingKey) -> AdmittedToken {
    let text = answer.json["token"].as_str().unwrap();
    let verified = UnverifiedToken::parse(text).unwrap().verify(key).unwrap();
    verified.admit().unwrap()
}

#[tokio::test]
async fn a_run_gets_a_token_that_says_what_the_answer_says() {
    let home = Home::new();
    let running = home.serve().await;
    let answer = running.mint(&draft()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let body = &answer.json;
    assert_eq!(body["route"], "/support/draft");
    assert_eq!(body["tenant"], "acme");
    assert_eq!(body["audiences"], json!(["tickets"]));
    assert_eq!(body["tools"], json!(["kb.search", "tickets.get"]));
    assert_eq!(body["needs_approval"], json!([]));

    let token = admitted(&answer, &home.report.run_key);
    let grant = token.grant();
    assert_eq!(grant.token.to_string(), body["token_id"]);
    assert_eq!(grant.run.to_string(), body["run_id"]);
    assert_eq!(grant.expires.to_string(), body["expires_at"]);
    assert_eq!(grant.expires.since(grant.issued), Duration::from_secs(600));
    assert_eq!(grant.issued, Timestamp::from_unix_seconds(1_800_000_000));
    assert_eq!(grant.environment.as_str(), "dev");
    assert_eq!(grant.client.as_str(), "demo-orchestrator");
    assert_eq!(grant.subject.as_str(), "user:alice");
    assert_eq!(grant.assurance.as_str(), "asserted");
    assert_eq!(grant.actor.as_str(), "agent:support-bot");
    let recorded = home.records_of("policy_loaded");
    assert_eq!(
        grant.policy.to_string(),
        recorded[0]["digest"].as_str().unwrap()
    );
    running.stop().await;
}

#[tokio::test]
async fn a_request_narrows_and_an_approval_tool_is_named_as_such() {
    let home = Home::new();
    let running = home.serve().await;
    let body = with(
        with(draft(), "tools", json!(["kb.search"])),
        "ttl_seconds",
        json!(60),
    );
    let answer = running.mint(&body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.json["tools"], json!(["kb.search"]));
    let token = admitted(&answer, &home.report.run_key);
    assert_eq!(
        token.grant().expires.since(token.grant().issued),
        Duration::from_secs(60)
    );

    let send = running
        .mint(&with(draft(), "route", json!("/support/send")))
        .await;
    assert_eq!(send.json["needs_approval"], json!(["ticket.update"]));
    running.stop().await;
}

#[tokio::test]
async fn the_token_is_on_record_when_the_answer_arrives() {
    let home = Home::new();
    let running = home.serve().await;
    let answer = running.mint(&draft()).await;
    // The authority is still running: nothing but the answer has happened since.
    let minted = home.records_of("minted");
    assert_eq!(minted.len(), 1);
    let record = &minted[0];
    assert_eq!(record["token"], answer.json["token_id"]);
    assert_eq!(record["run"], answer.json["run_id"]);
    assert_eq!(record["client"], "demo-orchestrator");
    assert_eq!(record["subject"], "user:alice");
    assert_eq!(record["env"], "dev");
    let secret = answer.json["token"].as_str().unwrap();
    let everything = serde_json::to_string(&home.records()).unwrap();
    assert!(!everything.contains(secret), "a journal holds no token");
    assert!(
        !everything.contains(home.report.client_secret.expose()),
        "a journal holds no secret"
    );
    running.stop().await;
}

#[tokio::test]
async fn the_secret_alone_names_the_client() {
    let home = Home::new();
    let running = home.serve().await;
    let request = running
        .http
        .post(running.url("/v1/tokens"))
        .bearer_auth(home.report.client_secret.expose())
        .json(&draft());
    assert_eq!(running.send(request).await.status, 201);
    running.stop().await;
}

#[tokio::test]
async fn two_requests_are_two_runs_with_two_tokens() {
    let home = Home::new();
    let running = home.serve().await;
    let (one, two) = (
        running.mint(&draft()).await.json,
        running.mint(&draft()).await.json,
    );
    let differs = |name: &str| -> bool { one[name] != two[name] && one[name] != Value::Null };
    assert!(differs("token") && differs("token_id") && differs("run_id"));
    running.stop().await;
}
