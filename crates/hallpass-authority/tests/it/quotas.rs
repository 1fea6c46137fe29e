//! How often a client may ask, and how many tokens a tenant gets.

use std::time::Duration;

use serde_json::json;

use crate::fixture::{Running, with};
use crate::routes::{but, home_with, on};

const SLOW: &str = "[limits]\nclient_mints_per_minute = 4\ntenant_mints_per_minute = 2\n";

async fn codes(running: &Running, count: usize, tenant: &str) -> Vec<String> {
    let mut codes = Vec::new();
    for _ in 0..count {
        let answer = running
            .mint(&with(on("/wide"), "tenant", json!(tenant)))
            .await;
        codes.push(answer.code().to_owned());
    }
    codes
}

#[tokio::test]
async fn a_client_that_asks_too_often_is_told_when_to_ask_again() {
    let home = home_with("[limits]\nclient_mints_per_minute = 4\n");
    let running = home.serve().await;
    assert_eq!(codes(&running, 4, "acme").await, ["none"; 4]);
    let refused = running.mint(&on("/wide")).await;
    assert_eq!((refused.status, refused.code()), (429, "rate_limited"));
    let wait: u64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=15).contains(&wait), "{wait}");
    // A moment before it is told the same, and then it is granted.
    home.clock.advance(Duration::from_secs(wait - 1));
    assert_eq!(running.mint(&on("/wide")).await.code(), "rate_limited");
    home.clock.advance(Duration::from_secs(1));
    assert_eq!(running.mint(&on("/wide")).await.status, 201);
    let refused = home.records_of("mint_refused");
    assert!(
        refused
            .iter()
            .all(|record| record["code"] == "rate_limited")
    );
    assert_eq!(refused[0]["client"], "demo-orchestrator");
    running.stop().await;
}

#[tokio::test]
async fn a_client_may_have_a_rate_of_its_own() {
    let policy = crate::routes::POLICY.replacen(
        "actors = \"agent:*\"\n",
        "actors = \"agent:*\"\nmints_per_minute = 2\n",
        1,
    );
    let home = home_with("");
    crate::routes::set_policy(&home, &policy);
    let running = home.serve().await;
    assert_eq!(
        codes(&running, 3, "acme").await,
        ["none", "none", "rate_limited"]
    );
    running.stop().await;
}

#[tokio::test]
async fn strangers_and_refusals_take_nothing_from_a_client_or_a_tenant() {
    let home = home_with(SLOW);
    let running = home.serve().await;
    for _ in 0..20 {
        let stranger = running
            .http
            .post(running.url("/v1/tokens"))
            .basic_auth("demo-orchestrator", Some("hps_wrong"))
            .json(&on("/wide"));
        assert_eq!(running.send(stranger).await.status, 401);
    }
    // Two refusals count for the client, and not for the tenant.
    for _ in 0..2 {
        let refused = running.mint(&but(on("/wide"), "tools", json!([]))).await;
        assert_eq!(refused.code(), "tools_empty");
    }
    assert_eq!(
        codes(&running, 3, "acme").await,
        ["none", "none", "rate_limited"]
    );
    running.stop().await;
}

#[tokio::test]
async fn a_tenants_rate_is_its_own() {
    let home = home_with("[limits]\ntenant_mints_per_minute = 2\n");
    let running = home.serve().await;
    assert_eq!(
        codes(&running, 3, "acme").await,
        ["none", "none", "rate_limited"]
    );
    assert_eq!(codes(&running, 2, "globex").await, ["none"; 2]);
    running.stop().await;
    assert_eq!(home.records_of("minted").len(), 4);
}
