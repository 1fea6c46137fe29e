//! No record, no token.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::faulty::{Disk, FaultyStorage};
use crate::fixture::{Home, SOON, draft, with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_waits_until_the_record_is_synced() {
    let home = Home::new();
    let disk = Arc::new(Disk::default());
    let running = Arc::new(home.serve_on(Arc::new(FaultyStorage(disk.clone()))).await);
    let hold = disk.hold();
    let caller = Arc::clone(&running);
    let mint = tokio::spawn(async move { caller.mint(&draft()).await });
    let watched = Arc::clone(&disk);
    tokio::task::spawn_blocking(move || watched.until_a_sync_waits())
        .await
        .unwrap();
    // The record is written and not yet synced. The authority answers others meanwhile, and not this caller.
    assert_eq!(home.records_of("minted").len(), 1);
    assert_eq!(running.get("/livez").await.status, 200);
    assert!(!mint.is_finished());
    drop(hold);
    let answer = tokio::time::timeout(SOON, mint).await.unwrap().unwrap();
    assert_eq!(answer.status, 201);
    Arc::into_inner(running).unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_mints_nothing_says_so_and_recovers() {
    let home = Home::new();
    let disk = Arc::new(Disk::default());
    let running = home.serve_on(Arc::new(FaultyStorage(disk.clone()))).await;
    let before = running.mint(&draft()).await;
    assert_eq!(before.status, 201);

    disk.fill(true);
    let refused = running.mint(&draft()).await;
    assert_eq!(
        (refused.status, refused.code()),
        (503, "journal_unavailable"),
        "{refused:?}"
    );
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.json["token"], json!(null));
    let ready = running.get("/readyz").await;
    assert_eq!(
        (ready.status, &ready.json["unready"]),
        (503, &json!(["journal"]))
    );
    assert_eq!(running.get("/livez").await.status, 200);
    assert_eq!(
        running.get("/v1/bundle").await.status,
        200,
        "verifiers are served all the same"
    );

    // Unready has an end of its own: a load balancer would otherwise never try this instance again.
    home.clock.advance(Duration::from_secs(10));
    assert_eq!(running.get("/readyz").await.status, 200);
    assert_eq!(running.mint(&draft()).await.code(), "journal_unavailable");
    assert_eq!(running.get("/readyz").await.status, 503);

    disk.fill(false);
    // The journal tries again by itself, at its own pace.
    let recovered = tokio::time::timeout(SOON, async {
        loop {
            let answer = running
                .mint(&with(draft(), "run_id", before.json["run_id"].clone()))
                .await;
            if answer.status == 201 {
                break;
            }
            assert_eq!(answer.code(), "journal_unavailable");
            tokio::task::yield_now().await;
        }
    });
    recovered.await.expect("it did not recover");
    assert_eq!(running.get("/readyz").await.status, 200);
    running.stop().await;
    assert_eq!(home.records_of("minted").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_hangs_makes_the_authority_unready() {
    let home = Home::new();
    let disk = Arc::new(Disk::default());
    let running = home.serve_on(Arc::new(FaultyStorage(disk.clone()))).await;
    let hold = disk.hold();
    let unanswered = running.mint(&draft()).await;
    assert_eq!(
        (unanswered.status, unanswered.code()),
        (503, "overloaded"),
        "{unanswered:?}"
    );
    let ready = running.get("/readyz").await;
    assert_eq!(
        (ready.status, &ready.json["unready"]),
        (503, &json!(["journal"]))
    );
    drop(hold);
    assert_eq!(running.mint(&draft()).await.status, 201);
    assert_eq!(running.get("/readyz").await.status, 200);
    running.stop().await;
}
