//! Stopping and starting: nothing that was answered is lost, whatever became of the store.

use std::sync::Arc;

use hallpass_authority::{Authority, OpenError};
use serde_json::json;

use crate::faulty::{Disk, FaultyStorage};
use crate::fixture::{Home, draft, with};

#[tokio::test]
async fn a_run_renews_after_a_restart() {
    let home = Home::new();
    let running = home.serve().await;
    let run = running.mint(&draft()).await.json["run_id"].clone();
    running.stop().await;
    assert_eq!(home.records().last().unwrap()["kind"], "closed");
    let running = home.serve().await;
    let again = running.mint(&with(draft(), "run_id", run)).await;
    assert_eq!(again.status, 201, "{again:?}");
    running.stop().await;
}

/// The database as one file, with its write-ahead log folded in by the clean stop before.
fn copy_store(home: &Home, to: &str) {
    std::fs::copy(home.path("authority.db"), home.path(to)).unwrap();
}

fn restore_store(home: &Home, from: &str) {
    for leftover in ["authority.db-wal", "authority.db-shm"] {
        let _ = std::fs::remove_file(home.path(leftover));
    }
    std::fs::copy(home.path(from), home.path("authority.db")).unwrap();
}

fn token_rows(home: &Home) -> i64 {
    let store = rusqlite::Connection::open(home.path("authority.db")).unwrap();
    store
        .query_row("SELECT count(*) FROM tokens", [], |row| row.get(0))
        .unwrap()
}

#[tokio::test]
async fn an_older_store_is_brought_up_to_the_journal() {
    let home = Home::new();
    copy_store(&home, "empty.db");
    let running = home.serve().await;
    let mut runs = Vec::new();
    for _ in 0..20 {
        runs.push(running.mint(&draft()).await.json["run_id"].clone());
    }
    running.stop().await;
    assert_eq!(token_rows(&home), 20);

    restore_store(&home, "empty.db");
    assert_eq!(token_rows(&home), 0);
    let running = home.serve().await;
    for run in runs {
        let again = running.mint(&with(draft(), "run_id", run)).await;
        assert_eq!(again.status, 201, "{again:?}");
    }
    running.stop().await;
    assert_eq!(token_rows(&home), 40);
}

#[tokio::test]
async fn the_record_the_floor_names_is_read_too() {
    let home = Home::new();
    let running = home.serve().await;
    let run = running.mint(&draft()).await.json["run_id"].clone();
    running.stop().await;
    let records = home.records();
    let minted = records.iter().position(|r| r["kind"] == "minted").unwrap();
    {
        let store = rusqlite::Connection::open(home.path("authority.db")).unwrap();
        store
            .execute_batch(&format!(
                "DELETE FROM tokens; DELETE FROM runs; UPDATE progress SET floor = {minted}"
            ))
            .unwrap();
    }
    let running = home.serve().await;
    let again = running.mint(&with(draft(), "run_id", run)).await;
    assert_eq!(again.status, 201, "{again:?}");
    running.stop().await;
}

#[tokio::test]
async fn a_store_from_the_future_of_the_journal_is_refused() {
    let home = Home::new();
    let running = home.serve().await;
    running.mint(&draft()).await;
    running.stop().await;
    let records = u64::try_from(home.records().len()).unwrap();
    {
        let store = rusqlite::Connection::open(home.path("authority.db")).unwrap();
        store
            .execute(
                "UPDATE progress SET floor = ?1",
                [i64::try_from(records).unwrap() + 100],
            )
            .unwrap();
    }
    let refused = Authority::open(&home.directory, home.clock.clone()).unwrap_err();
    assert!(
        format!("{refused:?}").contains("AheadOfJournal"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn one_directory_has_one_authority() {
    let home = Home::new();
    let running = home.serve().await;
    let second = Authority::open(&home.directory, home.clock.clone()).unwrap_err();
    assert!(matches!(second, OpenError::Journal(_)), "{second:?}");
    running.stop().await;
}

#[tokio::test]
async fn a_changed_policy_is_in_force_and_on_record_after_a_restart() {
    let home = Home::new();
    home.serve().await.stop().await;
    home.serve().await.stop().await;
    let policy = home.path("policy/starter.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, text.replace("\"globex\"", "\"initech\"")).unwrap();
    let running = home.serve().await;
    assert_eq!(
        running
            .mint(&with(draft(), "tenant", json!("initech")))
            .await
            .status,
        201
    );
    assert_eq!(
        running
            .mint(&with(draft(), "tenant", json!("globex")))
            .await
            .code(),
        "tenant_not_allowed"
    );
    running.stop().await;
    let loaded = home.records_of("policy_loaded");
    let changed: Vec<_> = loaded
        .iter()
        .map(|record| record["changed"].clone())
        .collect();
    assert_eq!(changed, [json!(true), json!(false), json!(true)]);
    assert_ne!(loaded[1]["digest"], loaded[2]["digest"]);
}

#[tokio::test]
async fn a_changed_policy_that_could_not_be_recorded_is_still_news_at_the_next_start() {
    let home = Home::new();
    home.serve().await.stop().await;
    let policy = home.path("policy/starter.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, text.replace("\"globex\"", "\"initech\"")).unwrap();
    let disk = Arc::new(Disk::default());
    disk.fill_at("policy_loaded");
    let storage = Arc::new(FaultyStorage(disk));
    let refused = Authority::open_on(&home.directory, home.clock.clone(), storage).unwrap_err();
    assert!(matches!(refused, OpenError::Record(_)), "{refused:?}");
    home.serve().await.stop().await;
    let loaded = home.records_of("policy_loaded");
    assert_eq!(loaded.last().unwrap()["changed"], json!(true), "{loaded:?}");
}

#[test]
fn what_is_missing_or_malformed_is_named() {
    let broken = |name: &str, change: &dyn Fn(&std::path::Path)| {
        let home = Home::new();
        change(&home.path(name));
        let refused = Authority::open(&home.directory, home.clock.clone()).unwrap_err();
        let told = refused.to_string();
        assert!(
            told.contains(name) || told.contains(name.split('/').next().unwrap()),
            "{name}: {told}"
        );
    };
    for name in ["authority.toml", "keys/run.key", "trust-root.txt"] {
        broken(name, &|path| std::fs::remove_file(path).unwrap());
        broken(name, &|path| std::fs::write(path, "nonsense").unwrap());
    }
    broken("policy", &|path| std::fs::remove_dir_all(path).unwrap());
    broken("policy/starter.toml", &|path| {
        std::fs::write(path, "nonsense").unwrap()
    });
    broken("roots/1.json", &|path| std::fs::remove_file(path).unwrap());
    broken("roots/1.json", &|path| std::fs::write(path, "{}").unwrap());
}

#[cfg(unix)]
#[test]
fn a_key_others_can_read_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let key = home.path("keys/run.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = Authority::open(&home.directory, home.clock.clone()).unwrap_err();
    assert!(matches!(refused, OpenError::Keys(_)), "{refused:?}");
}
