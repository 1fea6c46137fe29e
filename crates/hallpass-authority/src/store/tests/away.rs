//! PostgreSQL goes away and comes back.

use std::time::Duration;

use hallpass_testkit::PostgresServer;

use super::bed::{Bed, NOW, land, mint, minted, run_id};
use crate::store::StoreError;

const SOON: Duration = Duration::from_secs(20);

#[test]
fn what_was_recorded_while_the_server_was_away_is_written_when_it_is_back() {
    super::run(async {
        let bed = Bed::postgres();
        let store = bed.store();
        land(&store, mint(minted(1)), 1).await;
        bed.connections(false);
        let flight = store.take_off(2);
        assert_eq!(store.land(flight, mint(minted(2)), 2).await, Ok(false));
        assert!(store.is_behind());
        assert!(store.run(run_id(1)).await.is_err());
        assert!(store.clean(NOW).await.is_err());
        bed.connections(true);
        let back = tokio::time::timeout(SOON, async {
            while store.is_behind() {
                store.retry();
                let _ = store.clean(NOW).await;
            }
        });
        back.await.expect("it stays behind");
        assert!(store.run(run_id(2)).await.unwrap().is_some());
        assert_eq!(store.floor().unwrap(), 3);
        store.stop().await;
    });
}

/// Nothing has to be recorded for it to be noticed.
#[test]
fn a_server_that_is_away_is_noticed_by_the_upkeep() {
    super::run(async {
        let bed = Bed::postgres();
        let store = bed.store();
        assert!(store.clean(NOW).await.is_ok());
        assert!(!store.is_behind());
        bed.connections(false);
        assert!(store.clean(NOW).await.is_err());
        assert!(store.is_behind());
        bed.connections(true);
        store.clean(NOW).await.unwrap();
        assert!(!store.is_behind());
        store.stop().await;
    });
}

#[test]
fn a_server_that_cannot_be_reached_is_told_without_the_password() {
    let bed = Bed::postgres();
    bed.connections(false);
    let refused = bed.opened("origin").unwrap_err();
    assert!(
        matches!(refused, StoreError::Postgres { .. }),
        "{refused:?}"
    );
    let passfile = std::fs::read_to_string(bed.settings().passfile.as_ref().unwrap()).unwrap();
    let password = passfile.trim().rsplit(':').next().unwrap();
    assert!(!format!("{refused:?} {refused}").contains(password));
    bed.connections(true);
    let store = bed.store();
    assert!(!format!("{store:?}").contains(password));
    // Nobody else's server is meant.
    assert!(PostgresServer::shared().sql("postgres", "SELECT 1") == "1");
}
