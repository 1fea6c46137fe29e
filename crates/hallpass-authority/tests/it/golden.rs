//! Directories of earlier releases open, and what was in them goes on.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_authority::Authority;
use hallpass_testkit::FixedClock;
use hallpass_vocabulary::Timestamp;
use serde_json::{Value, json};

use crate::fixture::{Running, draft, records, with};

/// Two minutes after the directory was made.
const SOON_AFTER: &str = "2026-11-25T03:20:00.000Z";

fn golden(name: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("../../testdata/golden").join(name)
}

/// Copies it to where it may be written, with the modes it had: git keeps none.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
            continue;
        }
        std::fs::copy(entry.path(), &target).unwrap();
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&target, mode).unwrap();
    }
}

fn schema_version(store: &Path) -> i64 {
    let store = rusqlite::Connection::open(store).unwrap();
    store
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap()
}

#[tokio::test]
async fn the_directory_of_0_1_0_opens_with_its_own_policy_is_migrated_and_renews() {
    let golden = golden("authority-0.1.0");
    let temporary = hallpass_testkit::temp_dir();
    let directory = temporary.path().join("authority");
    copy(&golden.join("authority"), &directory);
    let policy = std::fs::read_to_string(directory.join("policy/starter.toml")).unwrap();
    assert!(!policy.contains("[clients"), "that release declared none");
    let read = |name| std::fs::read_to_string(golden.join(name)).unwrap();
    let secret = read("client-secret.txt");
    let published: Value = serde_json::from_str(&read("authority/bundle/last.json")).unwrap();
    let before = records(&directory.join("journal")).len();
    assert_eq!(schema_version(&directory.join("authority.db")), 1);

    let now: Timestamp = SOON_AFTER.parse().unwrap();
    let open = || Authority::open(&directory, Arc::new(FixedClock::at(now))).unwrap();
    let authority = open();
    assert!(authority.bundle_version() > published["bundle"]["version"].as_u64().unwrap());
    let running = Running::start(authority, "demo-orchestrator", secret.trim()).await;
    for line in read("runs.txt").lines() {
        let [route, tenant, run] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let body = with(draft(), "route", json!(route));
        let body = with(with(body, "tenant", json!(tenant)), "run_id", json!(run));
        let renewed = running.mint(&body).await;
        assert_eq!(renewed.status, 201, "{renewed:?}");
        assert_eq!(renewed.json["run_id"], json!(run));
    }
    let wider = running
        .mint(&with(
            draft(),
            "run_id",
            json!("run_01a210b5c5ab7e5aa7c7fd4cd907c360"),
        ))
        .await;
    assert_eq!(wider.status, 403, "it is another route's: {wider:?}");
    assert_eq!(running.mint(&draft()).await.status, 201);
    running.stop().await;

    let store = directory.join("authority.db");
    let copied = directory.join("authority.db.before-2");
    assert_eq!((schema_version(&store), schema_version(&copied)), (2, 1));
    let mode = std::fs::metadata(&copied).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let rows: i64 = rusqlite::Connection::open(&store)
        .unwrap()
        .query_row("SELECT count(*) FROM tokens", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 4 + 4, "the old ones came back from the journal");
    assert!(records(&directory.join("journal")).len() > before);

    // Once is enough.
    let bytes = std::fs::read(&copied).unwrap();
    let running = Running::start(open(), "demo-orchestrator", secret.trim()).await;
    assert_eq!(running.mint(&draft()).await.status, 201);
    running.stop().await;
    assert_eq!(std::fs::read(&copied).unwrap(), bytes);
}

/// No record of that release tells of its clients.
#[tokio::test]
async fn the_clients_of_0_1_0_are_taken_over_without_their_journal() {
    let golden = golden("authority-0.1.0");
    let temporary = hallpass_testkit::temp_dir();
    let directory = temporary.path().join("authority");
    copy(&golden.join("authority"), &directory);
    std::fs::remove_dir_all(directory.join("journal")).unwrap();
    let secret = std::fs::read_to_string(golden.join("client-secret.txt")).unwrap();
    let now: Timestamp = SOON_AFTER.parse().unwrap();
    let authority = Authority::open(&directory, Arc::new(FixedClock::at(now))).unwrap();
    let running = Running::start(authority, "demo-orchestrator", secret.trim()).await;
    assert_eq!(running.mint(&draft()).await.status, 201);
    running.stop().await;
}
