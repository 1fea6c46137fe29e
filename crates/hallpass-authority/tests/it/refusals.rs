//! Every way not to get a token, what the caller is told, and what the journal keeps.

use serde_json::{Value, json};

use crate::fixture::{Answer, Home, Running, draft, with};

fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.json["status"], status);
    assert_eq!(
        answer.json["type"],
        format!("urn:hallpass:authority:{code}")
    );
    assert!(
        answer.json["instance"]
            .as_str()
            .unwrap()
            .starts_with("req_")
    );
    assert!(
        answer.json["title"]
            .as_str()
            .is_some_and(|title| !title.is_empty())
    );
    assert_eq!(answer.json["token"], Value::Null);
}

#[tokio::test]
async fn the_policys_refusals() {
    let home = Home::new();
    let running = home.serve().await;
    let cases = [
        (
            "route_not_allowed",
            "route_unknown",
            with(draft(), "route", json!("/support/other")),
        ),
        (
            "tenant_not_allowed",
            "tenant_not_allowed",
            with(draft(), "tenant", json!("initech")),
        ),
        (
            "actor_not_allowed",
            "actor_not_allowed",
            with(draft(), "route", json!("/ops/triage")),
        ),
        (
            "tool_not_in_route",
            "tool_not_in_route",
            with(draft(), "tools", json!(["ticket.close"])),
        ),
        (
            "tools_empty",
            "tools_empty",
            with(draft(), "tools", json!([])),
        ),
        (
            "ttl_too_long",
            "ttl_too_long",
            with(draft(), "ttl_seconds", json!(601)),
        ),
        (
            "ttl_too_short",
            "ttl_too_short",
            with(draft(), "ttl_seconds", json!(0)),
        ),
    ];
    for (public, recorded, body) in &cases {
        let answer = running.mint(body).await;
        assert_problem(&answer, 403, public);
        let refused = home.records_of("mint_refused");
        let last = refused.last().unwrap();
        assert_eq!(last["code"], *recorded);
        assert_eq!(last["client"], "demo-orchestrator");
        assert_eq!(last["subject"], "user:alice");
        let instance = answer.json["instance"].as_str().unwrap();
        assert_eq!(last["request"], instance);
    }
    assert_eq!(home.records_of("mint_refused").len(), cases.len());
    assert!(home.records_of("minted").is_empty());
    running.stop().await;
}

#[tokio::test]
async fn a_route_of_another_client_reads_like_one_that_does_not_exist() {
    let home = Home::new();
    let policy = home.path("policy/starter.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    // Only the first route, `/support/draft`, is given to someone else.
    std::fs::write(
        &policy,
        text.replacen("[\"demo-orchestrator\"]", "[\"someone-else\"]", 1)
            + "[clients.someone-else]\nsummary = \"Another\"\nactors = \"agent:*\"\n",
    )
    .unwrap();
    let running = home.serve().await;
    let hidden = running.mint(&draft()).await;
    let absent = running
        .mint(&with(draft(), "route", json!("/nothing/here")))
        .await;
    let told = |answer: &Answer| {
        let mut body = answer.json.clone();
        body["instance"] = Value::Null;
        (answer.status, body)
    };
    assert_problem(&hidden, 403, "route_not_allowed");
    assert_eq!(told(&hidden), told(&absent));
    let codes: Vec<_> = home
        .records_of("mint_refused")
        .iter()
        .map(|r| r["code"].clone())
        .collect();
    assert_eq!(codes, [json!("client_not_allowed"), json!("route_unknown")]);
    running.stop().await;
}

#[tokio::test]
async fn a_route_that_demands_proofs_mints_nothing_yet() {
    let home = Home::new();
    let policy = home.path("policy/starter.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(
        &policy,
        text.replacen("proof = \"waived\"", "proof = \"always\"", 1),
    )
    .unwrap();
    let running = home.serve().await;
    assert_problem(&running.mint(&draft()).await, 403, "holder_key_required");
    running.stop().await;
}

async fn knock(running: &Running, user: &str, secret: &str) -> Answer {
    let request = running
        .http
        .post(running.url("/v1/tokens"))
        .basic_auth(user, Some(secret))
        .json(&draft());
    running.send(request).await
}

#[tokio::test]
async fn strangers_are_all_told_the_same() {
    let home = Home::new();
    let disabled = "hps_disabled";
    // Registered by hand, and the journal knows nothing of it.
    {
        use sha2::Digest as _;
        let store = rusqlite::Connection::open(home.path("authority.db")).unwrap();
        let hash: [u8; 32] = sha2::Sha256::digest(disabled).into();
        store
            .execute("INSERT INTO clients VALUES ('gone', 0, 0)", [])
            .unwrap();
        store
            .execute(
                "INSERT INTO client_secrets VALUES ('sec_gone', 'gone', ?1, 0, NULL, 0)",
                [hash],
            )
            .unwrap();
    }
    let running = home.serve().await;
    let real = home.report.client_secret.expose();
    let mut answers = vec![
        running
            .send(running.http.post(running.url("/v1/tokens")).json(&draft()))
            .await,
        knock(&running, "demo-orchestrator", "hps_wrong").await,
        knock(&running, "nobody-here", real).await,
        knock(&running, "gone", disabled).await,
        running
            .send(
                running
                    .http
                    .post(running.url("/v1/tokens"))
                    .bearer_auth("hps_wrong")
                    .json(&draft()),
            )
            .await,
        running
            .send(
                running
                    .http
                    .post(running.url("/v1/tokens"))
                    .header("authorization", "Negotiate x")
                    .json(&draft()),
            )
            .await,
    ];
    let twice = running
        .http
        .post(running.url("/v1/tokens"))
        .header("authorization", format!("Bearer {real}"))
        .header("authorization", "Bearer hps_wrong")
        .json(&draft());
    answers.push(running.send(twice).await);
    let mut told = Vec::new();
    for answer in &mut answers {
        assert_problem(answer, 401, "client_unauthorized");
        assert!(answer.headers.contains_key("www-authenticate"));
        answer.json["instance"] = Value::Null;
        told.push(answer.json.clone());
    }
    assert!(told.iter().all(|body| *body == told[0]));
    running.stop().await;
    let records = serde_json::to_string(&home.records_of("mint_refused")).unwrap();
    assert!(
        !records.contains("hps_"),
        "a journal holds no secret, right or wrong"
    );
}

#[tokio::test]
async fn a_flood_of_strangers_leaves_a_number_and_not_a_record_each() {
    let home = Home::new();
    let running = home.serve().await;
    for _ in 0..200 {
        assert_eq!(
            knock(&running, "demo-orchestrator", "hps_wrong")
                .await
                .status,
            401
        );
    }
    // The test's clock stands still: all of it is one second. A client's refusal still gets its record.
    running
        .mint(&with(draft(), "tenant", json!("initech")))
        .await;
    running.stop().await;
    let refused = home.records_of("mint_refused");
    let strangers = |record: &&Value| record["code"] == "credentials_unknown";
    assert!(
        refused.iter().filter(strangers).count() <= 10,
        "{refused:?}"
    );
    let counted: u64 = refused
        .iter()
        .filter(strangers)
        .map(|record| {
            let detail = record["detail"].as_str().unwrap();
            let number = detail.split(' ').next().unwrap();
            number.parse().unwrap_or(1)
        })
        .sum();
    assert_eq!(counted, 200, "every refusal is in a record or in a number");
    assert!(
        refused
            .iter()
            .any(|record| record["code"] == "tenant_not_allowed")
    );
}

#[tokio::test]
async fn a_malformed_body_is_told_with_its_place() {
    let home = Home::new();
    let running = home.serve().await;
    for (body, pointer) in [
        (with(draft(), "env", json!("prod")), "/env"),
        (with(draft(), "roles", json!(["admin"])), "/roles"),
        (with(draft(), "subject", json!("agent:alice")), "/subject"),
        (
            with(draft(), "tools", json!(["kb.search", "no"])),
            "/tools/1",
        ),
        (json!([]), ""),
    ] {
        let answer = running.mint(&body).await;
        assert_problem(&answer, 400, "request_malformed");
        assert_eq!(answer.json["pointer"], pointer);
        assert!(
            answer.json["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty())
        );
    }
    running.stop().await;
}

#[tokio::test]
async fn other_paths_methods_and_media_types_are_problems_too() {
    let home = Home::new();
    let running = home.serve().await;
    assert_problem(&running.get("/v1/nothing").await, 404, "not_found");
    assert_problem(
        &running.get("/oauth/token").await,
        405,
        "method_not_allowed",
    );
    let text = running
        .tokens()
        .header("content-type", "text/plain")
        .body(draft().to_string());
    assert_problem(&running.send(text).await, 415, "media_type_unsupported");
    let large = running
        .mint(&with(
            draft(),
            "subject",
            json!(format!("user:{}", "a".repeat(20_000))),
        ))
        .await;
    assert_problem(&large, 413, "request_too_large");
    running.stop().await;
}
