//! A run outlives its tokens by asking again with its id.

use std::time::Duration;

use serde_json::json;

use crate::fixture::{Home, draft, with};

#[tokio::test]
async fn a_run_renews_and_keeps_its_id() {
    let home = Home::new();
    let running = home.serve().await;
    let first = running.mint(&draft()).await.json;
    home.clock.advance(Duration::from_secs(500));
    let again = running
        .mint(&with(draft(), "run_id", first["run_id"].clone()))
        .await;
    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(again.json["run_id"], first["run_id"]);
    assert_ne!(again.json["token_id"], first["token_id"]);
    assert!(again.json["expires_at"].as_str() > first["expires_at"].as_str());
    running.stop().await;
}

#[tokio::test]
async fn a_renewal_must_match_the_run_in_everything() {
    let home = Home::new();
    let running = home.serve().await;
    let run = running.mint(&draft()).await.json["run_id"].clone();
    let renewal = with(draft(), "run_id", run);
    for (name, value) in [
        ("route", json!("/research")),
        ("tenant", json!("globex")),
        ("subject", json!("user:bob")),
        ("actor", json!("agent:other-bot")),
        ("run_id", json!("run_018f3c1e5b7a7000800000000000002a")),
    ] {
        let answer = running.mint(&with(renewal.clone(), name, value)).await;
        assert_eq!(
            (answer.status, answer.code()),
            (403, "run_mismatch"),
            "{name}: {answer:?}"
        );
    }
    assert_eq!(home.records_of("minted").len(), 1);
    let codes: Vec<_> = home
        .records_of("mint_refused")
        .iter()
        .map(|r| r["code"].clone())
        .collect();
    assert_eq!(
        codes[..4],
        [
            json!("run_mismatch"),
            json!("run_mismatch"),
            json!("run_mismatch"),
            json!("run_mismatch")
        ]
    );
    assert_eq!(codes[4], "run_unknown");
    running.stop().await;
}

#[tokio::test]
async fn another_client_cannot_renew_the_run() {
    let home = Home::new();
    let policy = home.path("policy/starter.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(
        &policy,
        text.replace(
            "[\"demo-orchestrator\"]",
            "[\"demo-orchestrator\", \"second\"]",
        ) + "[clients.second]\nsummary = \"Another\"\nactors = \"agent:*\"\n",
    )
    .unwrap();
    {
        use sha2::Digest as _;
        let hash: [u8; 32] = sha2::Sha256::digest("hps_second").into();
        let store = rusqlite::Connection::open(home.path("authority.db")).unwrap();
        store
            .execute("INSERT INTO clients VALUES ('second', 1, 0)", [])
            .unwrap();
        store
            .execute(
                "INSERT INTO client_secrets VALUES ('sec_second', 'second', ?1, 0, NULL, 0)",
                rusqlite::params![hash],
            )
            .unwrap();
    }
    let running = home.serve().await;
    let run = running.mint(&draft()).await.json["run_id"].clone();
    let as_second = |body| {
        running
            .http
            .post(running.url("/v1/tokens"))
            .basic_auth("second", Some("hps_second"))
            .json(&body)
    };
    assert_eq!(
        running.send(as_second(draft())).await.status,
        201,
        "it may start runs of its own"
    );
    let stolen = running.send(as_second(with(draft(), "run_id", run))).await;
    assert_eq!((stolen.status, stolen.code()), (403, "run_mismatch"));
    running.stop().await;
}

#[tokio::test]
async fn a_renewal_is_never_wider_than_the_runs_first_token() {
    let home = Home::new();
    let running = home.serve().await;
    let narrow = with(draft(), "tools", json!(["kb.search"]));
    let run = running.mint(&narrow).await.json["run_id"].clone();
    // All of the route's tools are asked for; only those the run began with are given.
    let again = running.mint(&with(draft(), "run_id", run.clone())).await;
    assert_eq!(
        (again.status, &again.json["tools"]),
        (201, &json!(["kb.search"]))
    );
    // Asked for by name, what the run did not begin with is refused.
    let wider = with(draft(), "tools", json!(["kb.search", "tickets.get"]));
    let refused = running.mint(&with(wider, "run_id", run.clone())).await;
    assert_eq!((refused.status, refused.code()), (403, "run_mismatch"));
    running.stop().await;

    // A policy that has come to waive the approval of a tool does not waive it for a run that began with it.
    let running = home.serve().await;
    let send = with(draft(), "route", json!("/support/send"));
    let first = running.mint(&send).await.json;
    assert_eq!(first["needs_approval"], json!(["ticket.update"]));
    running.stop().await;
    let policy = home.path("policy/starter.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    let waived = text
        .replace(
            "allow = [\"kb.search\", \"tickets.get\"]\nrequire_approval = [\"ticket.update\"]",
            "allow = [\"kb.search\", \"tickets.get\", \"ticket.update\"]",
        )
        .replace(
            "[routes.\"/research\"]",
            "[routes.\"/support/send\".without_approval]\n\"ticket.update\" = \"Tried in a test of renewals.\"\n\n[routes.\"/research\"]",
        );
    assert_ne!(waived, text);
    std::fs::write(&policy, waived).unwrap();
    let running = home.serve().await;
    let fresh = running.mint(&send).await;
    assert_eq!(
        fresh.json["tools"],
        json!(["kb.search", "ticket.update", "tickets.get"])
    );
    let renewal = with(send, "run_id", first["run_id"].clone());
    let renewed = running.mint(&renewal).await;
    assert_eq!(renewed.json["tools"], json!(["kb.search", "tickets.get"]));
    assert_eq!(renewed.json["needs_approval"], json!(["ticket.update"]));
    running.stop().await;
}
