//! Keys: one row for each standing, whichever order the records are read in.

use hallpass_journal::{KeyChanged, KeyMoved, KeyStanding};
use hallpass_keys::{Purpose, SigningKey};
use hallpass_vocabulary::Timestamp;

use super::bed::{Bed, NOW, ORIGIN, land, later};
use crate::store::{Change, KeyRow, LandingEvent};

super::contract!(
    standings_are_the_same_in_whichever_order_they_are_read,
    what_another_replica_did_to_a_key_is_seen,
);

fn moved(standing: KeyStanding, at: Timestamp) -> LandingEvent {
    let key = SigningKey::from_seed(Purpose::Run, "dev".parse().unwrap(), [7; 32]);
    let changed = KeyChanged {
        keys: vec![KeyMoved {
            key: key.id(),
            public_key: key.verifying_key(),
            purpose: Purpose::Run,
            standing,
        }],
        reason: None,
        by: None,
    };
    LandingEvent::KeyChanged(Box::new(changed), at)
}

fn said(mut rows: Vec<KeyRow>) -> Vec<(KeyStanding, Timestamp)> {
    rows.sort_by_key(|row| row.standing);
    rows.iter().map(|row| (row.standing, row.at)).collect()
}

async fn standings_are_the_same_in_whichever_order_they_are_read(bed: &Bed) {
    let store = bed.opened(ORIGIN).unwrap();
    let change = |record, event| Change { event, record };
    let missed = [
        change(0, moved(KeyStanding::Retiring, later(9))),
        change(1, moved(KeyStanding::Prepared, NOW)),
        change(2, moved(KeyStanding::Active, later(7))),
        change(3, moved(KeyStanding::Active, later(5))),
    ];
    store.catch_up(&missed, 4).unwrap();
    let expected = [
        (KeyStanding::Prepared, NOW),
        (KeyStanding::Active, later(5)),
        (KeyStanding::Retiring, later(9)),
    ];
    assert_eq!(said(store.keys_at_start().unwrap()), expected);
    store.catch_up(&missed, 4).unwrap();
    let rows = store.keys_at_start().unwrap();
    assert!(rows.iter().all(|row| row.purpose == Purpose::Run));
    assert_eq!(said(rows), expected);
}

async fn what_another_replica_did_to_a_key_is_seen(bed: &Bed) {
    let one = bed.store();
    if one.keys_of_replicas().await.unwrap().is_none() {
        return one.stop().await;
    }
    let two = bed.store_of("hallpass/dev/authority/0000000000000002");
    land(&two, moved(KeyStanding::Tainted, NOW), 0).await;
    let seen = one.keys_of_replicas().await.unwrap().unwrap();
    assert_eq!(said(seen), [(KeyStanding::Tainted, NOW)]);
    one.stop().await;
    two.stop().await;
}
