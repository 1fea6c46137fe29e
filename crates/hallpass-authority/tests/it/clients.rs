//! Clients and their secrets: added, rotated, retired, kept out and let in again.

use std::collections::BTreeSet;
use std::time::Duration;

use hallpass_authority::endpoints;
use hallpass_vocabulary::Clock as _;
use serde_json::{Value, json};

use crate::fixture::{Answer, Home, Running, draft};
use crate::signing::{Call, enrol};

const SECRETS: &str = "/v1/clients/demo-orchestrator/secrets";

async fn opened() -> (Home, Running) {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    (home, running)
}

async fn mint_with(running: &Running, secret: &str) -> Answer {
    let request = running
        .http
        .post(running.url("/v1/tokens"))
        .bearer_auth(secret);
    running.send(request.json(&draft())).await
}

fn text<'a>(answer: &'a Answer, member: &str) -> &'a str {
    answer.json[member]
        .as_str()
        .unwrap_or_else(|| panic!("{member}: {answer:?}"))
}

async fn secrets_of(home: &Home, running: &Running, client: &str) -> Vec<Value> {
    let listed = running
        .as_operator(home, "auditor", &Call::new("GET", "/v1/clients"))
        .await;
    let clients = listed.json["clients"].as_array().unwrap();
    let client = clients.iter().find(|it| it["client"] == client).unwrap();
    client["secrets"].as_array().unwrap().clone()
}

#[tokio::test]
async fn rotation_overlaps_and_ends() {
    let (home, running) = opened().await;
    let old = home.report.client_secret.expose().to_owned();
    let added = running
        .as_operator(&home, "admin", &Call::new("POST", SECRETS))
        .await;
    assert_eq!(
        (
            added.status,
            added.headers["cache-control"].to_str().unwrap()
        ),
        (201, "no-store")
    );
    let new = text(&added, "secret").to_owned();
    for secret in [&old, &new] {
        assert_eq!(mint_with(&running, secret).await.status, 201);
    }
    let before = secrets_of(&home, &running, "demo-orchestrator").await;
    assert_eq!(before.len(), 2);
    let new_id = text(&added, "secret_id");
    let old_id = before
        .iter()
        .map(|secret| secret["secret_id"].as_str().unwrap())
        .find(|id| *id != new_id)
        .unwrap();
    assert!(!serde_json::to_string(&before).unwrap().contains("hps_"));

    let retire = Call::new("DELETE", &format!("{SECRETS}/{old_id}")).query("after_seconds=3600");
    let retired = running.as_operator(&home, "admin", &retire).await;
    assert_eq!(retired.status, 200, "{retired:?}");
    let until = home
        .clock
        .now()
        .after(Duration::from_secs(3_600))
        .to_string();
    assert_eq!(text(&retired, "until"), until);
    home.clock.advance(Duration::from_secs(3_599));
    for secret in [&old, &new] {
        assert_eq!(mint_with(&running, secret).await.status, 201);
    }
    home.clock.advance(Duration::from_secs(1));
    assert_eq!(
        mint_with(&running, &old).await.code(),
        "client_unauthorized"
    );
    assert_eq!(mint_with(&running, &new).await.status, 201);
    let last = home.records_of("mint_refused");
    assert_eq!(last.last().unwrap()["code"], "secret_retired");
    assert_eq!(last.last().unwrap()["client"], "demo-orchestrator");

    // Retired once more, with a later end: what ends does not begin again.
    let again = Call::new("DELETE", &format!("{SECRETS}/{old_id}")).query("after_seconds=7200");
    let again = running.as_operator(&home, "admin", &again).await;
    assert_eq!(text(&again, "until"), until);
    for secret in secrets_of(&home, &running, "demo-orchestrator").await {
        assert_eq!(secret["good"], secret["secret_id"] == new_id, "{secret}");
    }

    // A start later it is all the same: the rows come from the journal.
    running.stop().await;
    let running = home.serve().await;
    assert_eq!(mint_with(&running, &old).await.status, 401);
    assert_eq!(mint_with(&running, &new).await.status, 201);
    running.stop().await;
    let changes: Vec<Value> = home
        .records_of("client_changed")
        .iter()
        .map(|record| json!([record["change"], record["by"]]))
        .collect();
    assert_eq!(
        changes,
        [
            json!(["secret_added", null]),
            json!(["secret_added", "op:admin"]),
            json!(["secret_retired", "op:admin"]),
        ]
    );
    let acted = home.records_of("operator_acted");
    assert_eq!(acted.len(), 3, "{acted:?}");
    assert_eq!(acted[0]["person"], "admin");
    assert_eq!(acted[0]["action"], format!("POST {SECRETS}"));
    assert_eq!(acted[0]["status"], 201);
    assert!(
        !serde_json::to_string(&home.records())
            .unwrap()
            .contains("hps_")
    );
}

#[tokio::test]
async fn a_secret_may_have_an_end_from_the_start() {
    let (home, running) = opened().await;
    let call = Call::new("POST", SECRETS).body("{\"valid_seconds\": 60}");
    let added = running.as_operator(&home, "admin", &call).await;
    let secret = text(&added, "secret").to_owned();
    home.clock.advance(Duration::from_secs(59));
    assert_eq!(mint_with(&running, &secret).await.status, 201);
    home.clock.advance(Duration::from_secs(1));
    assert_eq!(mint_with(&running, &secret).await.status, 401);
    for (body, code) in [
        ("{\"valid_seconds\": 0}", "body_malformed"),
        ("{\"valid_seconds\": -1}", "body_malformed"),
        ("{\"valid_seconds\": 99999999999}", "body_malformed"),
        (
            "{\"valid_seconds\": 1, \"valid_seconds\": 2}",
            "body_malformed",
        ),
        ("{\"secret\": \"hps_mine\"}", "body_malformed"),
        ("[]", "body_malformed"),
    ] {
        let answer = running
            .as_operator(&home, "admin", &Call::new("POST", SECRETS).body(body))
            .await;
        assert_eq!(answer.code(), code, "{body}");
    }
    for query in [
        "after_seconds=",
        "after_seconds=1&x=2",
        "until=1",
        "after_seconds=99999999999",
        "after_seconds=%31",
    ] {
        let call = Call::new("DELETE", &format!("{SECRETS}/sec_0")).query(query);
        let answer = running.as_operator(&home, "admin", &call).await;
        assert_eq!(answer.code(), "query_malformed", "{query}");
    }
    running.stop().await;
}

#[tokio::test]
async fn only_the_policys_clients_get_secrets_and_not_without_end() {
    let (home, running) = opened().await;
    for name in ["nobody", "No-Name", "demo-orchestrator2"] {
        let call = Call::new("POST", &format!("/v1/clients/{name}/secrets"));
        let answer = running.as_operator(&home, "admin", &call).await;
        assert_eq!(
            (answer.status, answer.code()),
            (404, "client_unknown"),
            "{name}"
        );
    }
    let unknown = Call::new("DELETE", &format!("{SECRETS}/sec_0000000000000000"));
    assert_eq!(
        running.as_operator(&home, "admin", &unknown).await.code(),
        "not_found"
    );
    let mut ids = BTreeSet::new();
    for _ in 0..4 {
        let added = running
            .as_operator(&home, "admin", &Call::new("POST", SECRETS))
            .await;
        ids.insert(text(&added, "secret_id").to_owned());
    }
    assert_eq!(ids.len(), 4);
    let full = running
        .as_operator(&home, "admin", &Call::new("POST", SECRETS))
        .await;
    assert_eq!((full.status, full.code()), (409, "secrets_too_many"));
    let first = ids.first().unwrap();
    let retire = Call::new("DELETE", &format!("{SECRETS}/{first}"));
    assert_eq!(
        running.as_operator(&home, "admin", &retire).await.status,
        200
    );
    let added = running
        .as_operator(&home, "admin", &Call::new("POST", SECRETS))
        .await;
    assert_eq!(added.status, 201, "{added:?}");
    // What was refused behind the gate is on record with who asked.
    running.stop().await;
    let refused = home.records_of("operator_refused");
    let codes: BTreeSet<&str> = refused
        .iter()
        .map(|record| record["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        BTreeSet::from(["client_unknown", "not_found", "secrets_too_many"])
    );
    assert!(
        refused
            .iter()
            .all(|record| record["operator"] == "op:admin")
    );
}

#[tokio::test]
async fn a_disabled_client_is_out_with_every_secret_until_it_is_let_in() {
    let (home, running) = opened().await;
    let secret = home.report.client_secret.expose().to_owned();
    let call = |verb: &str| Call::new("POST", &format!("/v1/clients/demo-orchestrator/{verb}"));
    assert_eq!(
        running
            .as_operator(&home, "admin", &call("disable"))
            .await
            .status,
        200
    );
    assert_eq!(mint_with(&running, &secret).await.status, 401);
    let added = running
        .as_operator(&home, "admin", &Call::new("POST", SECRETS))
        .await;
    assert_eq!(
        mint_with(&running, text(&added, "secret")).await.status,
        401
    );
    // Twice is once.
    assert_eq!(
        running
            .as_operator(&home, "admin", &call("disable"))
            .await
            .status,
        200
    );
    assert_eq!(
        running
            .as_operator(&home, "admin", &call("enable"))
            .await
            .json,
        json!({"client": "demo-orchestrator", "enabled": true})
    );
    assert_eq!(mint_with(&running, &secret).await.status, 201);
    running.stop().await;
    let changes = home.records_of("client_changed");
    let changes: Vec<&str> = changes
        .iter()
        .map(|record| record["change"].as_str().unwrap())
        .collect();
    assert_eq!(
        changes,
        ["secret_added", "disabled", "secret_added", "enabled"]
    );
}

#[tokio::test]
async fn a_client_the_policy_no_longer_has_is_nobody() {
    let home = Home::new();
    enrol(&home);
    let secret = home.report.client_secret.expose().to_owned();
    let policy = home.path("policy/starter.toml");
    let starter = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(
        &policy,
        starter.replace("demo-orchestrator", "another-orchestrator"),
    )
    .unwrap();
    let running = home.serve().await;
    assert_eq!(
        mint_with(&running, &secret).await.code(),
        "client_unauthorized"
    );
    let listed = running
        .as_operator(&home, "auditor", &Call::new("GET", "/v1/clients"))
        .await;
    let clients: Vec<(&str, bool)> = listed.json["clients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["client"].as_str().unwrap(),
                it["declared"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        clients,
        [("another-orchestrator", true), ("demo-orchestrator", false)]
    );
    // It can still be kept out and its secret retired.
    let disable = Call::new("POST", "/v1/clients/demo-orchestrator/disable");
    assert_eq!(
        running.as_operator(&home, "admin", &disable).await.status,
        200
    );
    running.stop().await;
    let refused = home.records_of("mint_refused");
    assert_eq!(refused[0]["code"], "client_undeclared");
}

/// Every byte of a refusal but the number of the request, and every header but that and the date.
async fn told(
    running: &Running,
    request: reqwest::RequestBuilder,
) -> (u16, Vec<(String, String)>, String) {
    let response = running
        .http
        .execute(request.build().unwrap())
        .await
        .unwrap();
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .filter(|(name, _)| *name != "date")
        .map(|(name, value)| {
            let value = value.to_str().unwrap();
            let numbered = name == "hallpass-request";
            (
                name.to_string(),
                if numbered { "REQUEST" } else { value }.to_owned(),
            )
        })
        .collect();
    let body = response.text().await.unwrap();
    let at = body.find("req_").unwrap();
    let instance = &body[at..at + 36];
    (status, headers, body.replace(instance, "REQUEST"))
}

#[tokio::test]
async fn strangers_are_told_the_same_to_the_byte() {
    let (home, running) = opened().await;
    let good = home.report.client_secret.expose();
    let retired = running
        .as_operator(&home, "admin", &Call::new("POST", SECRETS))
        .await;
    let path = format!("{SECRETS}/{}", text(&retired, "secret_id"));
    assert_eq!(
        running
            .as_operator(&home, "admin", &Call::new("DELETE", &path))
            .await
            .status,
        200
    );
    let post = || running.http.post(running.url("/v1/tokens")).json(&draft());
    let mut all = vec![
        told(&running, post()).await,
        told(&running, post().bearer_auth("hps_wrong")).await,
        told(&running, post().bearer_auth(text(&retired, "secret"))).await,
        told(&running, post().bearer_auth("a.b.c")).await,
        told(&running, post().bearer_auth("nonsense")).await,
        told(&running, post().basic_auth("nobody", Some(good))).await,
        told(
            &running,
            post().basic_auth("demo-orchestrator", Some("hps_wrong")),
        )
        .await,
        told(&running, post().header("authorization", "Negotiate x")).await,
        told(
            &running,
            post().bearer_auth(good).header("authorization", "Bearer x"),
        )
        .await,
    ];
    let disable = Call::new("POST", "/v1/clients/demo-orchestrator/disable");
    assert_eq!(
        running.as_operator(&home, "admin", &disable).await.status,
        200
    );
    all.push(told(&running, post().bearer_auth(good)).await);
    all.push(told(&running, post().basic_auth("demo-orchestrator", Some(good))).await);
    assert_eq!(all[0].0, 401);
    for other in &all {
        assert_eq!(other, &all[0]);
    }
    running.stop().await;
}

#[tokio::test]
async fn no_operators_endpoint_says_why_to_a_stranger() {
    let (home, running) = opened().await;
    let call = Call::new("GET", "/v1/clients");
    let stranger = crate::signing::headers(&call, &crate::signing::key("nobody"), home.clock.now());
    let mut altered =
        crate::signing::headers(&call, &crate::signing::key("admin"), home.clock.now());
    altered.content_digest = altered.content_digest.replace('4', "5");
    let unsigned = told(&running, running.call(&call)).await;
    assert_eq!(unsigned.0, 401);
    assert_eq!(
        told(&running, running.with_headers(&call, &stranger)).await,
        unsigned
    );
    assert_eq!(
        told(&running, running.with_headers(&call, &altered)).await,
        unsigned
    );
    assert_eq!(
        told(&running, running.call(&call).bearer_auth("x")).await,
        unsigned
    );
    running.stop().await;
}

#[tokio::test]
async fn a_flood_of_strangers_at_an_operators_door_leaves_a_number() {
    let (home, running) = opened().await;
    for _ in 0..100 {
        assert_eq!(running.get("/v1/clients").await.status, 401);
    }
    running.stop().await;
    let refused = home.records_of("operator_refused");
    assert!(refused.len() <= 10, "{}", refused.len());
    let counted: u64 = refused
        .iter()
        .map(|record| {
            let detail = record["detail"].as_str().unwrap();
            detail.split(' ').next().unwrap().parse().unwrap_or(1)
        })
        .sum();
    assert_eq!(counted, 100, "every refusal is in a record or in a number");
}

#[tokio::test]
async fn a_request_is_not_carried_out_twice_also_after_a_start() {
    let (home, running) = opened().await;
    let call = Call::new("POST", SECRETS);
    let signed = crate::signing::headers(&call, &crate::signing::key("admin"), home.clock.now());
    assert_eq!(
        running
            .send(running.with_headers(&call, &signed))
            .await
            .status,
        201
    );
    let again = running.send(running.with_headers(&call, &signed)).await;
    assert_eq!((again.status, again.code()), (401, "operator_replayed"));
    running.stop().await;
    let running = home.serve().await;
    let again = running.send(running.with_headers(&call, &signed)).await;
    assert_eq!((again.status, again.code()), (401, "operator_replayed"));
    running.stop().await;
}

#[test]
fn the_page_has_every_endpoint_and_who_may_call_it() {
    let page = include_str!("../../../../docs/authority.md");
    for endpoint in endpoints() {
        let row = format!(
            "| `{} {}` | {} |",
            endpoint.method, endpoint.path, endpoint.access
        );
        assert!(page.contains(&row), "docs/authority.md lacks `{row}`");
    }
}
