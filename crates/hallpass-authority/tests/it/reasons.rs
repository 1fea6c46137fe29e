//! Every way not to get a token, with the code and the place that a caller is told.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::{Answer, Running};
use crate::routes::{HOLDER, OTHER_HOLDER, but, home_with, on};

/// The refusals that need no history: what is wrong is in the request alone.
fn requests() -> Vec<(&'static str, Value)> {
    let plus = |name: &str, value: Value| but(on("/wide"), name, value);
    let many: Vec<String> = (0..65).map(|n| format!("t.n{n}")).collect();
    vec![
        ("400 request_malformed ", json!([])),
        ("400 request_malformed /route", plus("route", Value::Null)),
        ("400 request_malformed /route", plus("route", json!("wide"))),
        ("400 request_malformed /tenant", plus("tenant", Value::Null)),
        (
            "400 request_malformed /subject",
            plus("subject", Value::Null),
        ),
        (
            "400 request_malformed /subject",
            plus("subject_token", json!("a.b.c")),
        ),
        (
            "400 request_malformed /subject_token",
            but(plus("subject", Value::Null), "subject_token", json!("x")),
        ),
        ("400 request_malformed /actor", plus("actor", Value::Null)),
        (
            "400 request_malformed /actor",
            plus("actor", json!("user:bot")),
        ),
        (
            "400 request_malformed /run_id",
            plus("run_id", json!("run_1")),
        ),
        (
            "400 request_malformed /parent_run_id",
            plus("parent_run_id", json!(7)),
        ),
        (
            "400 request_malformed /ttl_seconds",
            plus("ttl_seconds", json!("60")),
        ),
        ("400 request_malformed /tools", plus("tools", json!(many))),
        (
            "400 request_malformed /tools/0",
            plus("tools", json!(["no"])),
        ),
        (
            "400 request_malformed /holder_key",
            plus("holder_key", json!("00")),
        ),
        (
            "400 request_malformed /holder_key",
            plus("holder_key", json!(format!("01{}", "0".repeat(62)))),
        ),
        (
            "400 request_malformed /labels/a",
            plus("labels", json!({"a": 1})),
        ),
        (
            "400 request_malformed /roles",
            plus("roles", json!(["admin"])),
        ),
        (
            "400 request_malformed /audiences",
            plus("audiences", json!(["tickets"])),
        ),
        ("400 request_malformed /env", plus("env", json!("prod"))),
        (
            "400 request_malformed /budgets",
            plus("budgets", json!({"calls": 1})),
        ),
        ("403 actor_not_allowed /actor", on("/triage")),
        ("403 environment_not_allowed /route", on("/prod")),
        ("403 holder_key_required /holder_key", on("/proofs")),
        ("403 route_not_allowed /route", on("/nothing")),
        ("403 route_not_allowed /route", on("/elsewhere")),
        (
            "403 subject_token_invalid /subject_token",
            but(
                plus("subject", Value::Null),
                "subject_token",
                json!("a.b.c"),
            ),
        ),
        ("403 subject_unverified /subject", on("/verified")),
        (
            "403 tenant_not_allowed /tenant",
            plus("tenant", json!("initech")),
        ),
        (
            "403 tool_not_in_route /tools",
            plus("tools", json!(["kb.write"])),
        ),
        ("403 tools_empty /tools", plus("tools", json!([]))),
        (
            "403 ttl_too_long /ttl_seconds",
            plus("ttl_seconds", json!(601)),
        ),
        (
            "403 ttl_too_short /ttl_seconds",
            plus("ttl_seconds", json!(0)),
        ),
        (
            "403 run_mismatch /run_id",
            plus("run_id", json!("run_018f3c1e5b7a7000800000000000002a")),
        ),
        (
            "403 run_mismatch /parent_run_id",
            plus(
                "parent_run_id",
                json!("run_018f3c1e5b7a7000800000000000002a"),
            ),
        ),
    ]
}

fn told(answer: &Answer) -> String {
    let pointer = answer.json["pointer"].as_str().unwrap_or_default();
    format!("{} {} {pointer}", answer.status, answer.code())
}

#[tokio::test]
async fn each_request_is_refused_for_its_reason_and_at_its_place() {
    let home = home_with("");
    let running = home.serve().await;
    for (expected, body) in requests() {
        let answer = running.mint(&body).await;
        assert_eq!(told(&answer), expected, "{body} {answer:?}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    assert!(home.records_of("minted").is_empty());
    // A refusal of the policy is a record; a request that is none is not.
    let refused = home.records_of("mint_refused");
    assert!(
        refused
            .iter()
            .all(|record| record["code"] != "request_malformed" || record["detail"] != "")
    );
    running.stop().await;
}

async fn run(running: &Running, body: &Value) -> Value {
    let answer = running.mint(body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json["run_id"].clone()
}

#[tokio::test]
async fn what_does_not_fit_a_run_is_told_with_its_place() {
    let home = home_with("");
    let running = home.serve().await;
    let narrowed = but(
        on("/wide"),
        "tools",
        json!(["tickets.get", "ticket.update"]),
    );
    let begun = run(&running, &narrowed).await;
    let bound = run(&running, &but(on("/wide"), "holder_key", json!(HOLDER))).await;
    let renew = |run: &Value| but(on("/wide"), "run_id", run.clone());
    let child = |run: &Value| but(on("/wide"), "parent_run_id", run.clone());
    let ended = run(&running, &on("/wide")).await;
    let ending = running.end(ended.as_str().unwrap(), None).await;
    assert_eq!(ending.status, 200, "{ending:?}");
    let cases = [
        (
            "403 run_mismatch /route",
            but(renew(&begun), "route", json!("/narrow")),
        ),
        (
            "403 run_mismatch /tenant",
            but(renew(&begun), "tenant", json!("globex")),
        ),
        (
            "403 run_mismatch /subject",
            but(renew(&begun), "subject", json!("user:bob")),
        ),
        (
            "403 run_mismatch /actor",
            but(renew(&begun), "actor", json!("agent:bat")),
        ),
        (
            "403 run_mismatch /parent_run_id",
            but(renew(&begun), "parent_run_id", bound.clone()),
        ),
        (
            "403 run_mismatch /tools/1",
            but(renew(&begun), "tools", json!(["tickets.get", "kb.search"])),
        ),
        (
            "403 holder_mismatch /holder_key",
            but(renew(&begun), "holder_key", json!(HOLDER)),
        ),
        (
            "403 holder_mismatch /holder_key",
            but(renew(&bound), "holder_key", json!(OTHER_HOLDER)),
        ),
        (
            "403 run_mismatch /tenant",
            but(child(&begun), "tenant", json!("globex")),
        ),
        (
            "403 run_mismatch /subject",
            but(child(&begun), "subject", json!("user:bob")),
        ),
        (
            "403 run_mismatch /tools/0",
            but(child(&begun), "tools", json!(["kb.search"])),
        ),
        ("403 holder_key_required /holder_key", child(&bound)),
        ("403 run_ended /run_id", renew(&ended)),
        ("403 run_ended /parent_run_id", child(&ended)),
    ];
    for (expected, body) in cases {
        let answer = running.mint(&body).await;
        assert_eq!(told(&answer), expected, "{body} {answer:?}");
    }
    // Older than its route allows: an hour.
    home.clock.advance(Duration::from_secs(3601));
    assert_eq!(
        told(&running.mint(&renew(&begun)).await),
        "403 run_too_long /run_id"
    );
    assert_eq!(
        told(&running.mint(&child(&begun)).await),
        "403 run_too_long /parent_run_id"
    );
    running.stop().await;
}
