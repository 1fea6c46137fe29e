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
        ),
    )
    .unwrap();
    {
        use sha2::Digest as _;
        let hash: [u8; 32] = sha2::Sha256::digest("hps_second").into();
        let store = rusqlite::Connection::open(home.path("authority.db")).unwrap();
        store
            .execute(
                "INSERT INTO clients VALUES ('second', 'dev', ?1, 0)",
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
