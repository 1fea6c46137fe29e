//! A copy of a running authority: what it lacks comes back, and nothing happens twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use hallpass_authority::{Authority, BackupKeys, OpenError, backup};
use serde_json::{Value, json};

use crate::fixture::{Answer, Home, Running, draft, records, with};

async fn restored(home: &Home, directory: &Path) -> Running {
    let authority = Authority::open(directory, home.clock.clone()).unwrap();
    let secret = home.report.client_secret.expose();
    Running::start(authority, home.report.client.as_str(), secret).await
}

async fn renew(running: &Running, run: &Value) -> Answer {
    running.mint(&with(draft(), "run_id", run.clone())).await
}

fn replace(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).unwrap();
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_made_under_load_opens_with_everything_that_was_answered_before() {
    let home = Home::new();
    let running = Arc::new(home.serve().await);
    let mut before = Vec::new();
    for _ in 0..20 {
        before.push(running.mint(&draft()).await.json["run_id"].clone());
    }
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let running = Arc::clone(&running);
            tokio::spawn(async move {
                for _ in 0..50 {
                    assert_eq!(running.mint(&draft()).await.status, 201);
                }
            })
        })
        .collect();
    let out = home.directory.with_file_name("copy");
    let (from, to) = (home.directory.clone(), out.clone());
    let report = tokio::task::spawn_blocking(move || backup(&from, &to, BackupKeys::Included))
        .await
        .unwrap()
        .unwrap();
    assert!(report.store && report.journal_bytes > 0);
    for caller in callers {
        caller.await.unwrap();
    }
    Arc::into_inner(running).unwrap().stop().await;
    let running = restored(&home, &out).await;
    for run in &before {
        let renewed = renew(&running, run).await;
        assert_eq!(renewed.status, 201, "{renewed:?}");
    }
    running.stop().await;
    hallpass_journal::verify::verify(&out.join("journal"), None).unwrap();
}

#[tokio::test]
async fn a_restored_copy_repeats_no_identifier_and_lowers_no_version() {
    let home = Home::new();
    let running = home.serve().await;
    running.mint(&draft()).await;
    let out = home.directory.with_file_name("copy");
    backup(&home.directory, &out, BackupKeys::Included).unwrap();
    let lost = running.mint(&draft()).await;
    let published = running.get("/v1/bundle").await.headers["etag"].clone();
    running.stop().await;
    // Bundles published after the copy was made, which it knows nothing of.
    home.clock.advance(std::time::Duration::from_secs(60));
    let authority = Authority::open(&home.directory, home.clock.clone()).unwrap();
    let latest = authority.bundle_version();
    drop(authority);

    home.clock.advance(std::time::Duration::from_secs(60));
    let authority = Authority::open(&out, home.clock.clone()).unwrap();
    assert!(authority.bundle_version() > latest);
    drop(authority);
    let running = restored(&home, &out).await;
    assert_ne!(running.get("/v1/bundle").await.headers["etag"], published);
    let unknown = renew(&running, &lost.json["run_id"]).await;
    assert_eq!(
        unknown.code(),
        "run_mismatch",
        "its records are lost with it"
    );
    for _ in 0..50 {
        assert_eq!(running.mint(&draft()).await.status, 201);
    }
    running.stop().await;
    let tokens = |journal: &Path| -> Vec<String> {
        let minted = records(journal)
            .into_iter()
            .filter(|it| it["kind"] == "minted");
        minted.map(|it| it["token"].to_string()).collect()
    };
    let (old, new) = (tokens(&home.path("journal")), tokens(&out.join("journal")));
    let all: BTreeSet<&String> = old.iter().chain(&new).collect();
    assert_eq!(
        (old.len(), new.len(), all.len()),
        (2, 51, 52),
        "one is in both"
    );
}

#[tokio::test]
async fn rows_a_copy_lacks_come_back_from_a_newer_journal() {
    let home = Home::new();
    let running = home.serve().await;
    running.mint(&draft()).await;
    let out = home.directory.with_file_name("copy");
    backup(&home.directory, &out, BackupKeys::Included).unwrap();
    let body = with(draft(), "labels", json!({"since": "the copy"}));
    let keyed = running.tokens().header("idempotency-key", "k").json(&body);
    let later = running.send(keyed).await;
    running.stop().await;
    replace(&home.path("journal"), &out.join("journal"));
    let running = restored(&home, &out).await;
    assert_eq!(renew(&running, &later.json["run_id"]).await.status, 201);
    let keyed = running.tokens().header("idempotency-key", "k").json(&body);
    assert_eq!(running.send(keyed).await.json, later.json);
    running.stop().await;
}

#[tokio::test]
async fn keys_are_copied_when_asked_for_and_needed_to_start() {
    let home = Home::new();
    home.serve().await.stop().await;
    let out = home.directory.with_file_name("copy");
    backup(&home.directory, &out, BackupKeys::LeftOut).unwrap();
    let mut keys = Vec::new();
    let mut directories = vec![out.clone()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|it| it == "key") {
                keys.push(path);
            }
        }
    }
    assert_eq!(keys, Vec::<std::path::PathBuf>::new());
    let refused = Authority::open(&out, home.clock.clone()).unwrap_err();
    assert!(matches!(refused, OpenError::Keys(_)), "{refused:?}");
    replace(&home.path("keys"), &out.join("keys"));
    // The journal's own keys belong to it too.
    let refused = Authority::open(&out, home.clock.clone()).unwrap_err();
    assert!(matches!(refused, OpenError::Journal(_)), "{refused:?}");
    for entry in std::fs::read_dir(home.path("journal")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "key") {
            std::fs::copy(&path, out.join("journal").join(path.file_name().unwrap())).unwrap();
        }
    }
    let running = restored(&home, &out).await;
    assert_eq!(running.mint(&draft()).await.status, 201);
    running.stop().await;
}

#[tokio::test]
async fn a_place_that_is_taken_is_left_alone() {
    let home = Home::new();
    let out = home.directory.with_file_name("copy");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("mine"), "mine").unwrap();
    assert!(backup(&home.directory, &out, BackupKeys::Included).is_err());
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1);
    let parent = out.parent().unwrap();
    assert_eq!(
        std::fs::read_dir(parent).unwrap().count(),
        2,
        "nothing half-made"
    );
}
