//! Rates, nonces, and what is removed.

use std::time::Duration;

use hallpass_keys::{KeyId, SigningKey};

use super::bed::{Bed, NOW, land, later, mint, minted_under};
use crate::store::{Admission, Store};

super::contract!(
    a_bucket_admits_a_minutes_worth_then_its_rate,
    a_clock_set_back_empties_no_bucket_and_blocks_none,
    a_nonce_is_new_once,
    buckets_are_apart,
    nothing_passes_a_rate_of_none,
    what_has_no_more_use_goes,
);

async fn admitted(
    store: &Store,
    bucket: &str,
    of: u32,
    now: hallpass_vocabulary::Timestamp,
) -> u32 {
    let mut admitted = 0;
    for _ in 0..of {
        if store.admit(bucket, 6, now).await.unwrap() == Admission::Admit {
            admitted += 1;
        }
    }
    admitted
}

async fn a_bucket_admits_a_minutes_worth_then_its_rate(bed: &Bed) {
    let store = bed.store();
    assert_eq!(admitted(&store, "client/a", 20, NOW).await, 6);
    let refused = store.admit("client/a", 6, NOW).await.unwrap();
    assert_eq!(refused, Admission::Wait(Duration::from_secs(10)));
    let refused = store.admit("client/a", 6, later(4)).await.unwrap();
    assert_eq!(refused, Admission::Wait(Duration::from_secs(6)));
    assert_eq!(admitted(&store, "client/a", 20, later(10)).await, 1);
    assert_eq!(admitted(&store, "client/a", 20, later(40)).await, 3);
    assert_eq!(admitted(&store, "client/a", 20, later(4_000)).await, 6);
    store.stop().await;
}

async fn buckets_are_apart(bed: &Bed) {
    let store = bed.store();
    assert_eq!(admitted(&store, "client/a", 20, NOW).await, 6);
    assert_eq!(admitted(&store, "client/b", 20, NOW).await, 6);
    store.stop().await;
}

async fn nothing_passes_a_rate_of_none(bed: &Bed) {
    let store = bed.store();
    let refused = store.admit("client/a", 0, NOW).await.unwrap();
    assert_eq!(refused, Admission::Wait(Duration::from_secs(60)));
    store.stop().await;
}

async fn a_clock_set_back_empties_no_bucket_and_blocks_none(bed: &Bed) {
    let store = bed.store();
    assert_eq!(admitted(&store, "client/a", 20, later(10_000)).await, 6);
    let refused = store.admit("client/a", 6, later(9_950)).await.unwrap();
    assert_eq!(refused, Admission::Wait(Duration::from_secs(10)));
    assert_eq!(admitted(&store, "client/a", 20, NOW).await, 6);
    assert_eq!(admitted(&store, "client/a", 20, later(10)).await, 1);
    store.stop().await;
}

fn key(seed: u8) -> KeyId {
    let dev = "dev".parse().unwrap();
    SigningKey::from_seed(hallpass_keys::Purpose::Operator, dev, [seed; 32]).id()
}

async fn a_nonce_is_new_once(bed: &Bed) {
    let store = bed.store();
    let until = later(180);
    assert!(store.remember_nonce(key(1), "n", until).await.unwrap());
    assert!(!store.remember_nonce(key(1), "n", until).await.unwrap());
    assert!(store.remember_nonce(key(2), "n", until).await.unwrap());
    assert!(store.remember_nonce(key(1), "m", until).await.unwrap());
    store.stop().await;
    drop(store);
    let store = bed.store();
    assert!(!store.remember_nonce(key(1), "n", until).await.unwrap());
    store.stop().await;
}

async fn what_has_no_more_use_goes(bed: &Bed) {
    const DAY: u64 = 24 * 60 * 60;
    let store = bed.store();
    land(&store, mint(minted_under(1, "old", "r")), 1).await;
    land(&store, mint(minted_under(100, "new", "r")), 2).await;
    assert!(
        store
            .remember_nonce(key(1), "old", later(180))
            .await
            .unwrap()
    );
    assert!(
        store
            .remember_nonce(key(1), "new", later(2 * DAY))
            .await
            .unwrap()
    );
    assert_eq!(
        store.admit("client/a", 6, NOW).await.unwrap(),
        Admission::Admit
    );
    let counts = || {
        ["idempotency", "nonces", "tokens", "runs"]
            .map(|table| bed.sql(&format!("SELECT count(*) FROM {table}")))
    };
    store.clean(later(100)).await.unwrap();
    assert_eq!(counts(), ["2", "2", "2", "2"]);
    store.clean(later(DAY + 50)).await.unwrap();
    assert_eq!(counts(), ["1", "1", "2", "2"], "what happened stays");
    assert!(
        !store
            .remember_nonce(key(1), "new", later(2 * DAY))
            .await
            .unwrap()
    );
    store.stop().await;
}
