//! The probes.

use serde_json::json;

use crate::fixture::{Home, SOON, draft};

#[tokio::test]
async fn a_running_authority_is_alive_and_ready() {
    let home = Home::new();
    let running = home.serve().await;
    for path in ["/livez", "/readyz"] {
        let answer = running.get(path).await;
        assert_eq!(
            (answer.status, &answer.json),
            (200, &json!({"status": "ok"}))
        );
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_store_that_refused_a_row_is_tried_again_without_another_mint() {
    let home = Home::new();
    let running = home.serve().await;
    let other = rusqlite::Connection::open(home.path("authority.db")).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON tokens BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .unwrap();
    let minted = running.mint(&draft()).await;
    assert_eq!(minted.status, 201, "it is recorded: {minted:?}");
    let ready = running.get("/readyz").await;
    assert_eq!(
        (ready.status, &ready.json["unready"]),
        (503, &json!(["store"]))
    );
    other.execute_batch("DROP TRIGGER refuse").unwrap();
    // Nobody sends mints to an unready authority, so it must not need one.
    let recovered = tokio::time::timeout(SOON, async {
        while running.get("/readyz").await.status != 200 {
            tokio::task::yield_now().await;
        }
    });
    recovered.await.expect("it stays unready");
    running.stop().await;
}
