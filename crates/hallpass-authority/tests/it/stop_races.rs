//! Mints and stops at the same time: whichever comes first, no token that a verifier would take is handed out after the stop's
//! answer.

use std::sync::Arc;
use std::time::Duration;

use hallpass_vocabulary::Clock as _;
use serde_json::json;
use tokio::sync::Barrier;

use crate::fixture::{Home, draft, with};
use crate::signing::enrol;
use crate::stopping::restricted;

/// Enough to meet each other at every step of the way, many times over.
const ROUNDS: usize = 1_000;

/// What is minted in a round, beside the stop.
const MINTS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_rounds_of_a_stop_among_mints() {
    let home = Arc::new(Home::new());
    enrol(&home);
    let policy = "[limits]\nclient_mints_per_minute = 100000\ntenant_mints_per_minute = 100000\n";
    std::fs::write(home.path("policy/rates.toml"), policy).unwrap();
    let running = Arc::new(home.serve().await);
    let (mut before, mut after) = (0, 0);
    let mut stops = Vec::new();
    for round in 0..ROUNDS {
        // The clock stands still in a round, so nothing but the order of things decides; between them it runs ahead, so that
        // the bundle stays small.
        home.clock.advance(Duration::from_secs(60));
        let subject = format!("user:{round}");
        let body = with(draft(), "subject", json!(subject));
        let start = Arc::new(Barrier::new(MINTS + 1));
        let mints: Vec<_> = (0..MINTS)
            .map(|_| {
                let (running, body, start) =
                    (Arc::clone(&running), body.clone(), Arc::clone(&start));
                tokio::spawn(async move {
                    start.wait().await;
                    running.mint(&body).await
                })
            })
            .collect();
        start.wait().await;
        // Now a little earlier, now a little later.
        for _ in 0..round % 50 {
            tokio::task::yield_now().await;
        }
        let placed = running
            .stop_as(&home, "operator", &format!("subject:{subject}"))
            .await;
        assert_eq!(placed.status, 201, "{placed:?}");
        let late = running.mint(&body).await;
        assert_eq!(late.code(), "stopped", "{late:?}");
        let snapshot = running.snapshot(&home).await;
        assert!(placed.json["bundle_version"].as_u64().unwrap() <= snapshot.version());
        let hit = placed.json["hit"]["tokens"].as_u64().unwrap();
        let mut good = 0;
        for mint in mints {
            let minted = mint.await.unwrap();
            if minted.status == 201 {
                good += 1;
                let denied = restricted(&snapshot, &minted.json, "kb.search", home.clock.now());
                assert_eq!(denied, Some("stopped"), "{round}: {minted:?}");
            } else {
                after += 1;
                assert_eq!(minted.code(), "stopped", "{round}: {minted:?}");
            }
        }
        before += good;
        // Whatever was handed out was there to be counted; what was refused after its record may be counted too.
        assert!(good <= hit, "{round}: {good} handed out, {hit} counted");
        stops.push(placed.json["stop"]["stop_id"].as_str().unwrap().to_owned());
        if stops.len() == 20 {
            for stop in stops.drain(..) {
                running.resumed(&home, &stop).await;
            }
        }
    }
    assert!(before > 0 && after > 0, "{before} before, {after} after");
    println!("{before} tokens were minted before their stop, {after} mints were refused");
    Arc::into_inner(running).unwrap().stop().await;
}
