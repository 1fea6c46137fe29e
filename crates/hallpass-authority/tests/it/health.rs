//! The probes.

use serde_json::json;

use crate::fixture::Home;

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
