//! Runs on behalf of subjects that proved who they are.

use std::time::Duration;

use hallpass_token::UnverifiedToken;
use serde_json::{Value, json};

use crate::fixture::{Home, Running, with};
use crate::issuer::{claims, forged, home, token};
use crate::routes::{but, on};

fn verified(route: &str, token: &str) -> Value {
    but(
        but(on(route), "subject", Value::Null),
        "subject_token",
        json!(token),
    )
}

async fn begun(home: &Home, running: &Running) -> Value {
    let claims = with(claims(home, "alice"), "groups", json!(["support-team"]));
    let answer = running.mint(&verified("/desk", &token(&claims))).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json
}

#[tokio::test]
async fn the_subjects_token_names_the_subject_and_gives_its_roles() {
    let home = home();
    let running = home.serve().await;
    let minted = begun(&home, &running).await;
    assert_eq!(minted["subject"], "user:alice");
    assert_eq!(minted["assurance"], "verified");
    assert_eq!(minted["tools"], json!(["kb.search", "tickets.get"]));
    let text = minted["token"].as_str().unwrap();
    let admitted = UnverifiedToken::parse(text).unwrap();
    let admitted = admitted
        .verify(&home.report.run_key)
        .unwrap()
        .admit()
        .unwrap();
    assert_eq!(admitted.grant().assurance.as_str(), "verified");
    assert_eq!(admitted.grant().roles.len(), 1);
    // The client's word alone gives no roles.
    let asserted = running.mint(&on("/desk")).await;
    assert_eq!(asserted.json["tools"], json!(["tickets.get"]));
    assert_eq!(asserted.json["assurance"], "asserted");
    let record = &home.records_of("minted")[0];
    assert_eq!(record["assurance"], "verified");
    let everything = serde_json::to_string(&home.records()).unwrap();
    assert!(!everything.contains("eyJ"), "no token of a subject is kept");
    running.stop().await;
}

#[tokio::test]
async fn a_token_expires_no_later_than_the_subjects() {
    let home = home();
    let running = home.serve().await;
    let soon = claims(&home, "alice");
    let exp = soon["exp"].as_i64().unwrap() - 520;
    let body = verified("/desk/verified", &token(&with(soon, "exp", json!(exp))));
    let minted = running.mint(&body).await;
    assert_eq!(minted.status, 201, "{minted:?}");
    let text = minted.json["token"].as_str().unwrap();
    let admitted = UnverifiedToken::parse(text).unwrap();
    let admitted = admitted
        .verify(&home.report.run_key)
        .unwrap()
        .admit()
        .unwrap();
    assert_eq!(admitted.grant().expires.unix_seconds(), exp);
    running.stop().await;
}

#[tokio::test]
async fn what_is_no_good_token_is_refused() {
    let home = home();
    let running = home.serve().await;
    let good = claims(&home, "alice");
    let now = good["iat"].as_i64().unwrap();
    for (bad, why) in [
        (forged(&good), "signature"),
        (
            token(&with(good.clone(), "aud", json!("another"))),
            "audience",
        ),
        (
            token(&with(good.clone(), "exp", json!(now - 120))),
            "expired",
        ),
        (
            token(&with(good.clone(), "iss", json!("https://other.example"))),
            "issuer",
        ),
    ] {
        let refused = running.mint(&verified("/desk", &bad)).await;
        assert_eq!(
            (refused.status, refused.code()),
            (403, "subject_token_invalid"),
            "{why}"
        );
        assert_eq!(refused.json["pointer"], "/subject_token", "{why}");
    }
    assert!(home.records_of("minted").is_empty());
    running.stop().await;
}

#[tokio::test]
async fn a_renewal_is_verified_for_as_long_as_a_token_vouches_for_it() {
    let home = home();
    let running = home.serve().await;
    let first = begun(&home, &running).await;
    let renew = |body: Value| but(body, "run_id", first["run_id"].clone());
    // Without the token again: as it began, until the first one expires.
    home.clock.advance(Duration::from_secs(400));
    let renewed = running.mint(&renew(on("/desk"))).await.json;
    assert_eq!(renewed["assurance"], "verified");
    assert_eq!(renewed["tools"], first["tools"]);
    home.clock.advance(Duration::from_secs(150));
    let last = running.mint(&renew(on("/desk"))).await.json;
    assert_eq!(last["assurance"], "verified");
    assert_eq!(
        last["expires_at"], "2027-01-15T08:10:00.000Z",
        "with the subject's token"
    );
    // From then on as asserted, with what an asserted subject has.
    home.clock.advance(Duration::from_secs(60));
    let asserted = running.mint(&renew(on("/desk"))).await.json;
    assert_eq!(asserted["assurance"], "asserted");
    assert_eq!(asserted["tools"], json!(["tickets.get"]));
    // With a fresh one it is verified again, and no wider than it began.
    let fresh = with(claims(&home, "alice"), "groups", json!(["support-team"]));
    let again = running
        .mint(&renew(verified("/desk", &token(&fresh))))
        .await
        .json;
    assert_eq!(again["assurance"], "verified");
    assert_eq!(again["tools"], first["tools"]);
    // Somebody else's token does not renew it.
    let other = running
        .mint(&renew(verified("/desk", &token(&claims(&home, "bob")))))
        .await;
    assert_eq!(
        (other.code(), &other.json["pointer"]),
        ("run_mismatch", &json!("/subject"))
    );
    running.stop().await;
}

#[tokio::test]
async fn a_run_that_began_with_less_gets_no_role_by_a_token() {
    let home = home();
    let running = home.serve().await;
    let first = running.mint(&on("/desk")).await.json;
    let claims = with(claims(&home, "alice"), "groups", json!(["support-team"]));
    let body = but(
        verified("/desk", &token(&claims)),
        "run_id",
        first["run_id"].clone(),
    );
    let renewed = running.mint(&body).await.json;
    assert_eq!(renewed["tools"], json!(["tickets.get"]));
    assert_eq!(home.records_of("minted")[1]["roles"], Value::Null);
    running.stop().await;
}

#[tokio::test]
async fn where_a_route_demands_a_verified_subject_a_renewal_needs_one_too() {
    let home = home();
    let running = home.serve().await;
    let body = verified("/desk/verified", &token(&claims(&home, "alice")));
    let first = running.mint(&body).await.json;
    let renew = but(on("/desk/verified"), "run_id", first["run_id"].clone());
    assert_eq!(running.mint(&renew).await.status, 201);
    home.clock.advance(Duration::from_secs(600));
    let refused = running.mint(&renew).await;
    assert_eq!(
        (refused.status, refused.code()),
        (403, "subject_unverified")
    );
    running.stop().await;
}
