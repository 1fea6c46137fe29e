//! A run that another run starts: within what the other may do, and no longer.

use std::time::Duration;

use hallpass_token::UnverifiedToken;
use serde_json::{Value, json};

use crate::fixture::Home;
use crate::routes::{HOLDER, OTHER_HOLDER, but, home_with, on};

#[tokio::test]
async fn a_child_is_within_its_parent_in_everything() {
    let home = home_with("");
    let running = home.serve().await;
    let narrowed = but(
        on("/wide"),
        "tools",
        json!(["ticket.update", "ticket.close"]),
    );
    let parent = running.mint(&narrowed).await.json;
    assert_eq!(parent["needs_approval"], json!(["ticket.close"]));
    home.clock.advance(Duration::from_secs(3_000));
    // All of the route is asked for, by another agent.
    let body = but(on("/wide"), "parent_run_id", parent["run_id"].clone());
    let child = running
        .mint(&but(body, "actor", json!("agent:helper")))
        .await;
    assert_eq!(child.status, 201, "{child:?}");
    let child = child.json;
    assert_ne!(child["run_id"], parent["run_id"]);
    assert_eq!(child["parent_run_id"], parent["run_id"]);
    assert_eq!(child["tools"], json!(["ticket.update"]));
    assert_eq!(child["needs_approval"], json!(["ticket.close"]));
    assert_eq!(child["audiences"], json!(["tickets"]));
    assert_eq!(child["caveats"], parent["caveats"]);
    assert_eq!(child["budgets"], json!({"calls": 100}));
    assert_eq!(child["run_ends_at"], parent["run_ends_at"]);
    // It is on record whose child it is, and everything it bears is in the token.
    let record = home.records_of("minted").pop().unwrap();
    assert_eq!(record["parent"], parent["run_id"]);
    let text = child["token"].as_str().unwrap();
    let token = UnverifiedToken::parse(text).unwrap();
    let token = token.verify(&home.report.run_key).unwrap().admit().unwrap();
    let words: Vec<String> = token
        .caveats()
        .iter()
        .map(|placed| placed.caveat.to_string())
        .collect();
    assert_eq!(json!(words), child["caveats"]);
    running.stop().await;
}

#[tokio::test]
async fn a_child_ends_with_its_parent() {
    let home = home_with("");
    let running = home.serve().await;
    let parent = running.mint(&on("/wide")).await.json["run_id"].clone();
    let start = |parent: &Value| but(on("/wide"), "parent_run_id", parent.clone());
    let child = running.mint(&start(&parent)).await.json["run_id"].clone();
    let grandchild = running.mint(&start(&child)).await.json["run_id"].clone();
    let other = running.mint(&on("/wide")).await.json["run_id"].clone();
    let renew = |run: &Value| but(on("/wide"), "run_id", run.clone());
    assert_eq!(running.mint(&renew(&grandchild)).await.status, 201);
    let ended = running.end(parent.as_str().unwrap(), Some("done")).await;
    assert_eq!(ended.status, 200, "{ended:?}");
    for run in [&parent, &child, &grandchild] {
        assert_eq!(running.mint(&renew(run)).await.code(), "run_ended", "{run}");
    }
    assert_eq!(running.mint(&renew(&other)).await.status, 201);
    running.stop().await;
    // And so after a restart.
    let running = home.serve().await;
    assert_eq!(running.mint(&renew(&grandchild)).await.code(), "run_ended");
    running.stop().await;
}

#[tokio::test]
async fn eight_runs_deep_and_no_deeper() {
    let home = home_with("");
    let running = home.serve().await;
    let mut above = running.mint(&on("/wide")).await.json["run_id"].clone();
    for depth in 2..=8 {
        let answer = running
            .mint(&but(on("/wide"), "parent_run_id", above))
            .await;
        assert_eq!(answer.status, 201, "{depth}: {answer:?}");
        above = answer.json["run_id"].clone();
    }
    // The eighth may go on, and start no other.
    let renewed = running
        .mint(&but(on("/wide"), "run_id", above.clone()))
        .await;
    assert_eq!(renewed.status, 201, "{renewed:?}");
    let refused = running
        .mint(&but(on("/wide"), "parent_run_id", above))
        .await;
    assert_eq!((refused.status, refused.code()), (403, "run_too_deep"));
    assert_eq!(refused.json["pointer"], "/parent_run_id");
    running.stop().await;
}

#[tokio::test]
async fn a_run_keeps_its_key_and_a_child_has_its_own() {
    let home: Home = home_with("");
    let running = home.serve().await;
    let bound = but(on("/proofs"), "holder_key", json!(HOLDER));
    let parent = running.mint(&bound).await.json;
    assert_eq!(parent["holder_key"], HOLDER);
    // A renewal is bound to the same key, named again or not.
    let renew = but(on("/proofs"), "run_id", parent["run_id"].clone());
    for body in [renew.clone(), but(renew, "holder_key", json!(HOLDER))] {
        let renewed = running.mint(&body).await;
        assert_eq!(renewed.json["holder_key"], HOLDER, "{renewed:?}");
    }
    let child = but(on("/narrow"), "parent_run_id", parent["run_id"].clone());
    let child = running
        .mint(&but(child, "holder_key", json!(OTHER_HOLDER)))
        .await;
    assert_eq!(child.json["holder_key"], OTHER_HOLDER, "{child:?}");
    // The parent's rule on proofs is the stricter one.
    let record = home.records_of("minted").pop().unwrap();
    assert_eq!(record["proof"], "always");
    running.stop().await;
}
