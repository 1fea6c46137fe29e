//! Rows and the floor: nothing recorded is lost, whatever lands first.

use std::sync::Arc;

use super::bed::{Bed, NOW, ORIGIN, end, land, mint, minted, run_id, token_id};
use crate::store::{Change, RunRow, TokenRow};

super::contract!(
    a_cancelled_mint_holds_nothing_back,
    a_refused_group_is_written_with_the_next,
    a_row_can_be_read_once_it_has_landed,
    catching_up_twice_changes_nothing,
    each_journal_has_its_own_floor,
    many_at_once_all_land,
    one_group_may_say_a_thing_twice,
    the_floor_rises_over_what_landed_before_with_the_last_that_was_aloft,
    the_floor_stays_below_a_mint_that_has_not_landed,
    what_waits_is_written_when_the_store_stops,
);

async fn a_row_can_be_read_once_it_has_landed(bed: &Bed) {
    let store = bed.store();
    land(&store, mint(minted(3)), 3).await;
    let run = RunRow::started_by(&minted(3));
    assert_eq!(store.run(run_id(3)).await.unwrap(), Some(run));
    let token = TokenRow {
        minted: minted(3),
        origin: ORIGIN.to_owned(),
        index: 3,
    };
    assert_eq!(store.token(token_id(3)).await.unwrap(), Some(token));
    assert_eq!(store.run(run_id(4)).await.unwrap(), None);
    assert_eq!(store.token(token_id(4)).await.unwrap(), None);
    assert_eq!(store.floor().unwrap(), 4);
    assert_eq!(store.durable_floor().unwrap(), 4);
    store.stop().await;
}

async fn the_floor_stays_below_a_mint_that_has_not_landed(bed: &Bed) {
    let store = bed.store();
    let early = store.take_off(3);
    let late = store.take_off(3);
    assert_eq!(store.land(late, mint(minted(4)), 4).await, Ok(true));
    assert_eq!(store.floor().unwrap(), 3, "record 3 may be the early one's");
    assert_eq!(store.land(early, mint(minted(3)), 3).await, Ok(true));
    assert_eq!(store.floor().unwrap(), 5);
    drop(store.take_off(5));
    land(&store, mint(minted(6)), 6).await;
    let floor = store.floor().unwrap();
    assert_eq!(floor, 5, "nobody knows whether record 5 is a mint");
    store.take_off(7).cancel();
    land(&store, mint(minted(7)), 7).await;
    assert_eq!(store.floor().unwrap(), 5, "nor does anybody later");
    store.stop().await;
}

async fn a_cancelled_mint_holds_nothing_back(bed: &Bed) {
    let store = bed.store();
    store.take_off(1).cancel();
    let flight = store.take_off(1);
    assert_eq!(store.land(flight, mint(minted(5)), 5).await, Ok(true));
    assert_eq!(store.floor().unwrap(), 6);
    store.stop().await;
}

async fn the_floor_rises_over_what_landed_before_with_the_last_that_was_aloft(bed: &Bed) {
    let store = bed.store();
    let early = store.take_off(3);
    land(&store, mint(minted(9)), 9).await;
    assert_eq!(store.floor().unwrap(), 3);
    assert_eq!(store.land(early, mint(minted(3)), 3).await, Ok(true));
    assert_eq!(store.floor().unwrap(), 10, "nothing is missing before it");
    store.stop().await;
}

async fn many_at_once_all_land(bed: &Bed) {
    let store = Arc::new(bed.store());
    let mints: Vec<_> = (0..500)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { land(&store, mint(minted(n)), n).await })
        })
        .collect();
    for mint in mints {
        mint.await.unwrap();
    }
    assert_eq!(store.floor().unwrap(), 500);
    for n in 0..500 {
        assert!(store.run(run_id(n)).await.unwrap().is_some());
    }
    store.stop().await;
}

async fn one_group_may_say_a_thing_twice(bed: &Bed) {
    let store = bed.opened(ORIGIN).unwrap();
    let changes: Vec<Change> = [mint(minted(1)), mint(minted(1)), end(run_id(1), NOW)]
        .into_iter()
        .chain([end(run_id(1), NOW)])
        .zip(0..)
        .map(|(event, record)| Change { event, record })
        .collect();
    store.catch_up(&changes, 4).unwrap();
    store.start_writer().unwrap();
    let run = store.run(run_id(1)).await.unwrap().unwrap();
    assert_eq!(run.ended, Some(NOW));
    store.stop().await;
}

async fn a_refused_group_is_written_with_the_next(bed: &Bed) {
    let store = bed.store();
    bed.refuse(true);
    let flight = store.take_off(1);
    assert_eq!(store.land(flight, mint(minted(1)), 1).await, Ok(false));
    assert!(store.is_behind());
    assert_eq!(store.floor().unwrap(), 0);
    bed.refuse(false);
    land(&store, mint(minted(2)), 2).await;
    assert!(!store.is_behind());
    assert!(store.run(run_id(1)).await.unwrap().is_some());
    assert_eq!(store.floor().unwrap(), 3);
    store.stop().await;
}

async fn what_waits_is_written_when_the_store_stops(bed: &Bed) {
    let store = bed.store();
    bed.refuse(true);
    let flight = store.take_off(1);
    assert_eq!(store.land(flight, mint(minted(1)), 1).await, Ok(false));
    bed.refuse(false);
    store.stop().await;
    let store = bed.store();
    assert!(store.run(run_id(1)).await.unwrap().is_some());
    store.stop().await;
}

async fn catching_up_twice_changes_nothing(bed: &Bed) {
    let store = bed.opened(ORIGIN).unwrap();
    let change = |record| Change {
        event: mint(minted(record)),
        record,
    };
    for _ in 0..2 {
        store.catch_up(&[change(1), change(2)], 3).unwrap();
        assert_eq!(store.floor().unwrap(), 3);
    }
    store.catch_up(&[], 1).unwrap();
    assert_eq!(store.floor().unwrap(), 3, "the floor never sinks");
    store.start_writer().unwrap();
    assert!(store.run(run_id(2)).await.unwrap().is_some());
    assert_eq!(bed.sql("SELECT count(*) FROM tokens"), "2");
    store.stop().await;
}

async fn each_journal_has_its_own_floor(bed: &Bed) {
    let other = "hallpass/dev/authority/0000000000000002";
    let store = bed.store();
    land(&store, mint(minted(1)), 7).await;
    store.stop().await;
    drop(store);
    let store = bed.store_of(other);
    assert_eq!(store.floor().unwrap(), 0);
    land(&store, mint(minted(2)), 1).await;
    assert_eq!(store.floor().unwrap(), 2);
    let theirs = store.token(token_id(1)).await.unwrap().unwrap();
    assert_eq!((theirs.origin.as_str(), theirs.index), (ORIGIN, 7));
    let ours = store.token(token_id(2)).await.unwrap().unwrap();
    assert_eq!((ours.origin.as_str(), ours.index), (other, 1));
    store.stop().await;
    drop(store);
    assert_eq!(bed.store().floor().unwrap(), 8);
}
