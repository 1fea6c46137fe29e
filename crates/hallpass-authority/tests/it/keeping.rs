//! An authority that keeps its records for a time: what went is in the store, and what is left verifies.

use std::time::Duration;

use hallpass_journal::verify::verify;
use hallpass_journal::{Journal, JournalName, Old, Settings};
use hallpass_vocabulary::Clock as _;
use serde_json::Value;

use crate::fixture::{Home, SOON, draft, with};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Has the starter configuration say for how many days.
fn keep(home: &Home, days: u32) {
    let path = home.path("authority.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let commented = "# [journal]\n# keep_days = 400\n";
    assert!(text.contains(commented));
    let text = text.replace(commented, &format!("[journal]\nkeep_days = {days}\n"));
    std::fs::write(path, text).unwrap();
}

/// Mints a run, and has two starts in the days after, so that its record stands in a file of old records.
async fn an_old_run(home: &Home) -> Value {
    let running = home.serve().await;
    let run = running.mint(&draft()).await.json["run_id"].clone();
    running.stop().await;
    home.clock.advance(DAY * 5);
    home.serve().await.stop().await;
    home.clock.advance(DAY * 20);
    run
}

#[tokio::test]
async fn what_is_old_goes_and_its_runs_renew() {
    let home = Home::new();
    keep(&home, 10);
    // A run that may go on for as long as any.
    let policy = home.path("policy/starter.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    let long = text.replacen(
        "ttl_seconds = 600",
        "ttl_seconds = 600\nrun_max_seconds = 2592000",
        1,
    );
    std::fs::write(&policy, long).unwrap();
    let run = an_old_run(&home).await;
    let running = home.serve().await;
    let pruned = home.path("journal").join("pruned");
    tokio::time::timeout(SOON, async {
        while !pruned.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let again = running.mint(&with(draft(), "run_id", run)).await;
    assert_eq!(again.status, 201, "{again:?}");
    running.stop().await;
    assert_eq!(home.records_of("minted").len(), 1);
    let report = verify(&home.path("journal"), None).unwrap();
    assert!(report.pruned_below.is_some());
}

#[tokio::test]
async fn nothing_goes_where_nothing_was_said() {
    let home = Home::new();
    an_old_run(&home).await;
    home.serve().await.stop().await;
    assert_eq!(home.records_of("minted").len(), 1);
    assert_eq!(
        verify(&home.path("journal"), None).unwrap().pruned_below,
        None
    );
}

/// Somebody pruned with the command, and put back an older store.
#[tokio::test]
async fn a_run_that_only_pruned_records_name_is_unknown() {
    let home = Home::new();
    std::fs::copy(home.path("authority.db"), home.path("older.db")).unwrap();
    let run = an_old_run(&home).await;
    let name = JournalName::new("authority").unwrap();
    let settings = Settings::new("dev".parse().unwrap(), name, home.clock.clone());
    let journal = Journal::open(&home.path("journal"), settings).unwrap();
    journal
        .prune(Old::Before(home.clock.now()))
        .unwrap()
        .unwrap();
    journal.close().unwrap();
    for leftover in ["authority.db-wal", "authority.db-shm"] {
        let _ = std::fs::remove_file(home.path(leftover));
    }
    std::fs::copy(home.path("older.db"), home.path("authority.db")).unwrap();
    let running = home.serve().await;
    let again = running.mint(&with(draft(), "run_id", run)).await;
    assert_eq!(
        (again.status, &again.json["code"]),
        (403, &"run_mismatch".into())
    );
    assert_eq!(running.mint(&draft()).await.status, 201);
    running.stop().await;
}
