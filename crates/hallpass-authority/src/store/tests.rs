use hallpass_vocabulary::{Environment, Timestamp, TokenId};

use super::*;
use crate::secret::ClientSecret;

fn client() -> Client {
    Client {
        id: "orchestrator".parse().unwrap(),
        environment: Environment::new("dev").unwrap(),
        secret: ClientSecret::generate().unwrap().hash(),
        disabled: false,
    }
}

fn created() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("authority.db");
    Store::create(&path, &[client()]).unwrap();
    (directory, path)
}

fn row(record: u64) -> MintedRow {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&record.to_be_bytes());
    let now = Timestamp::from_unix_seconds(1_800_000_000);
    MintedRow {
        token: TokenId::new(now, random),
        run: RunId::new(now, random),
        started_as: RunRow {
            client: "orchestrator".parse().unwrap(),
            route: "/support/draft".parse().unwrap(),
            tenant: "acme".parse().unwrap(),
            subject: "user:alice".parse().unwrap(),
            actor: "agent:bot".parse().unwrap(),
        },
        tools: RunTools {
            tools: ["kb.search", "tickets.get"]
                .map(|tool| tool.parse().unwrap())
                .into(),
            needs_approval: ["ticket.close".parse().unwrap()].into(),
        },
        issued_seconds: 1_800_000_000,
        expires_seconds: 1_800_000_600,
        record,
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap()
}

#[test]
fn clients_come_back_as_they_were_registered() {
    let (_directory, path) = created();
    let clients = Store::open(&path).unwrap().clients().unwrap();
    assert_eq!(clients.len(), 1);
    assert_eq!(clients[0].id.as_str(), "orchestrator");
    assert!(!clients[0].disabled);
}

#[test]
fn a_row_can_be_read_once_it_has_landed() {
    let (_directory, path) = created();
    let store = Store::open(&path).unwrap();
    let writer = store.start_writer().unwrap();
    let landed = runtime().block_on(writer.land(writer.take_off(3), row(3)));
    assert_eq!(landed, Ok(true));
    assert_eq!(
        store.run(row(3).run).unwrap(),
        Some((row(3).started_as, row(3).tools))
    );
    assert_eq!(store.run(row(4).run).unwrap(), None);
    assert_eq!(store.floor().unwrap(), 4);
    writer.stop();
    assert!(store.start_writer().is_err(), "there is one writer");
}

#[test]
fn the_floor_stays_below_a_mint_that_has_not_landed() {
    let (_directory, path) = created();
    let store = Store::open(&path).unwrap();
    let writer = store.start_writer().unwrap();
    let runtime = runtime();
    let early = writer.take_off(3);
    let late = writer.take_off(3);
    assert_eq!(runtime.block_on(writer.land(late, row(4))), Ok(true));
    assert_eq!(store.floor().unwrap(), 3, "record 3 may be the early one's");
    assert_eq!(runtime.block_on(writer.land(early, row(3))), Ok(true));
    assert_eq!(store.floor().unwrap(), 5);
    let lost = writer.take_off(5);
    drop(lost);
    assert_eq!(
        runtime.block_on(writer.land(writer.take_off(5), row(6))),
        Ok(true)
    );
    assert_eq!(
        store.floor().unwrap(),
        5,
        "nobody knows whether record 5 is a mint"
    );
    writer.take_off(7).cancel();
    assert_eq!(
        runtime.block_on(writer.land(writer.take_off(7), row(7))),
        Ok(true)
    );
    assert_eq!(store.floor().unwrap(), 5, "nor does anybody later");
    writer.stop();
}

#[test]
fn a_cancelled_mint_holds_nothing_back() {
    let (_directory, path) = created();
    let store = Store::open(&path).unwrap();
    let writer = store.start_writer().unwrap();
    writer.take_off(1).cancel();
    assert_eq!(
        runtime().block_on(writer.land(writer.take_off(1), row(5))),
        Ok(true)
    );
    assert_eq!(store.floor().unwrap(), 6);
    writer.stop();
}

#[test]
fn the_floor_rises_over_what_landed_before_with_the_last_that_was_aloft() {
    let (_directory, path) = created();
    let store = Store::open(&path).unwrap();
    let writer = store.start_writer().unwrap();
    let runtime = runtime();
    let early = writer.take_off(3);
    let late = writer.take_off(9);
    assert_eq!(runtime.block_on(writer.land(late, row(9))), Ok(true));
    assert_eq!(store.floor().unwrap(), 3);
    assert_eq!(runtime.block_on(writer.land(early, row(3))), Ok(true));
    assert_eq!(store.floor().unwrap(), 10, "nothing is missing before it");
    writer.stop();
}

#[test]
fn many_at_once_all_land() {
    let (_directory, path) = created();
    let store = Store::open(&path).unwrap();
    let writer = std::sync::Arc::new(store.start_writer().unwrap());
    let runtime = runtime();
    runtime.block_on(async {
        let mints: Vec<_> = (0..500)
            .map(|record| {
                let writer = std::sync::Arc::clone(&writer);
                tokio::spawn(async move { writer.land(writer.take_off(record), row(record)).await })
            })
            .collect();
        for mint in mints {
            assert_eq!(mint.await.unwrap(), Ok(true));
        }
    });
    assert_eq!(store.floor().unwrap(), 500);
    for record in 0..500 {
        assert!(store.run(row(record).run).unwrap().is_some());
    }
    writer.stop();
}

#[test]
fn a_refused_group_is_written_with_the_next() {
    let (_directory, path) = created();
    let store = Store::open(&path).unwrap();
    let writer = store.start_writer().unwrap();
    let runtime = runtime();
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON tokens BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .unwrap();
    assert_eq!(
        runtime.block_on(writer.land(writer.take_off(1), row(1))),
        Ok(false)
    );
    assert!(writer.is_behind());
    assert_eq!(store.floor().unwrap(), 0);
    other.execute_batch("DROP TRIGGER refuse").unwrap();
    assert_eq!(
        runtime.block_on(writer.land(writer.take_off(2), row(2))),
        Ok(true)
    );
    assert!(!writer.is_behind());
    assert!(store.run(row(1).run).unwrap().is_some());
    assert_eq!(store.floor().unwrap(), 3);
    writer.stop();
}

#[test]
fn catching_up_twice_changes_nothing() {
    let (_directory, path) = created();
    let store = Store::open(&path).unwrap();
    for _ in 0..2 {
        store.catch_up(&[row(1), row(2)], 3).unwrap();
        assert_eq!(store.floor().unwrap(), 3);
        assert!(store.run(row(2).run).unwrap().is_some());
    }
    store.catch_up(&[], 1).unwrap();
    assert_eq!(store.floor().unwrap(), 3, "the floor never sinks");
}

#[test]
fn a_newer_store_is_refused_untouched_and_a_missing_one_is_not_created() {
    let (directory, path) = created();
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    assert!(matches!(
        Store::open(&path),
        Err(StoreError::Newer {
            found: 99,
            known: 1
        })
    ));
    let absent = directory.path().join("absent.db");
    assert!(matches!(
        Store::open(&absent),
        Err(StoreError::Missing { .. })
    ));
    assert!(!absent.exists());
}
