//! A clock that was set back lets nobody in whom an operator keeps out.

use std::time::Duration;

use crate::fixture::{Home, Running, draft};
use crate::signing::{Call, enrol};

const CLIENT: &str = "/v1/clients/demo-orchestrator";
const BACK: Duration = Duration::from_secs(300);

async fn done(home: &Home, running: &Running, call: &Call) {
    let done = running.as_operator(home, "admin", call).await;
    assert!([200, 201].contains(&done.status), "{done:?}");
}

async fn mints(running: &Running) -> u16 {
    running.mint(&draft()).await.status
}

#[tokio::test]
async fn a_client_that_is_disabled_after_the_clock_was_set_back_is_out_also_after_a_restart() {
    let home = Home::new();
    enrol(&home);
    std::fs::copy(home.path("authority.db"), home.path("older.db")).unwrap();
    let running = home.serve().await;
    home.clock.advance(2 * BACK);
    done(
        &home,
        &running,
        &Call::new("POST", &format!("{CLIENT}/disable")),
    )
    .await;
    done(
        &home,
        &running,
        &Call::new("POST", &format!("{CLIENT}/enable")),
    )
    .await;
    assert_eq!(mints(&running).await, 201);
    home.clock.rewind(BACK);
    done(
        &home,
        &running,
        &Call::new("POST", &format!("{CLIENT}/disable")),
    )
    .await;
    assert_eq!(mints(&running).await, 401);
    running.stop().await;
    let running = home.serve().await;
    assert_eq!(mints(&running).await, 401);
    running.stop().await;
    // An older copy of the store: its rows come back from the journal, in the journal's order.
    std::fs::copy(home.path("older.db"), home.path("authority.db")).unwrap();
    let running = home.serve().await;
    assert_eq!(mints(&running).await, 401);
    running.stop().await;
}

#[tokio::test]
async fn a_secret_that_is_retired_after_the_clock_was_set_back_is_retired() {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    home.clock.rewind(BACK);
    let listed = running
        .as_operator(&home, "admin", &Call::new("GET", "/v1/clients"))
        .await;
    let secret = listed.json["clients"][0]["secrets"][0]["secret_id"].clone();
    let path = format!("{CLIENT}/secrets/{}", secret.as_str().unwrap());
    done(&home, &running, &Call::new("DELETE", &path)).await;
    assert_eq!(mints(&running).await, 401);
    running.stop().await;
}
