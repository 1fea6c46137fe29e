//! Idempotency keys: one token for one key, whoever asks when.

use hallpass_args::IdempotencyKey;
use hallpass_keys::Digest;
use hallpass_vocabulary::Timestamp;

use super::bed::{Bed, NOW, ORIGIN, client, land, later, mint, minted_under, token_id};
use crate::store::{Change, Claim, Claimed, Store};

super::contract!(
    a_claim_lapses_after_half_a_minute,
    a_key_given_back_is_free,
    a_key_is_held_then_stands_for_its_token,
    a_key_of_another_client_is_another_key,
    a_key_whose_token_waits_for_its_row_does_not_lapse,
    a_late_release_gives_nothing_back,
    an_old_key_is_free,
    keys_come_back_from_the_journal,
    one_of_many_gets_the_key,
    the_later_token_of_a_key_is_the_one_that_was_answered,
);

async fn claim(store: &Store, key: &str, request: &str, now: Timestamp) -> Claim {
    let key: IdempotencyKey = key.parse().unwrap();
    let request = Digest::of(request.as_bytes());
    store.claim(&client(), &key, request, now).await.unwrap()
}

async fn fresh(store: &Store, key: &str, request: &str, now: Timestamp) -> Claimed {
    match claim(store, key, request, now).await {
        Claim::Fresh(claimed) => claimed,
        other => panic!("{other:?}"),
    }
}

/// The token a key stands for.
async fn token_of(store: &Store, key: &str, request: &str, now: Timestamp) -> u128 {
    match claim(store, key, request, now).await {
        Claim::Minted(minted) => minted.token.as_u128(),
        other => panic!("{other:?}"),
    }
}

async fn a_key_is_held_then_stands_for_its_token(bed: &Bed) {
    let store = bed.store();
    let _claimed = fresh(&store, "k", "request", NOW).await;
    let again = claim(&store, "k", "request", NOW).await;
    assert!(matches!(again, Claim::InFlight), "{again:?}");
    let other = claim(&store, "k", "other", NOW).await;
    assert!(matches!(other, Claim::Conflict), "{other:?}");
    land(&store, mint(minted_under(1, "k", "request")), 1).await;
    match claim(&store, "k", "request", later(60)).await {
        Claim::Minted(minted) => assert_eq!(*minted, minted_under(1, "k", "request")),
        other => panic!("{other:?}"),
    }
    let other = claim(&store, "k", "other", NOW).await;
    assert!(matches!(other, Claim::Conflict), "{other:?}");
    store.stop().await;
    drop(store);
    let store = bed.store();
    let token = token_of(&store, "k", "request", later(60)).await;
    assert_eq!(token, token_id(1).as_u128());
    store.stop().await;
}

async fn a_key_of_another_client_is_another_key(bed: &Bed) {
    let store = bed.store();
    let _claimed = fresh(&store, "k", "request", NOW).await;
    let other = "somebody-else".parse().unwrap();
    let key = "k".parse().unwrap();
    let theirs = store.claim(&other, &key, Digest::of(b"request"), NOW).await;
    assert!(matches!(theirs, Ok(Claim::Fresh(_))), "{theirs:?}");
    store.stop().await;
}

async fn a_key_given_back_is_free(bed: &Bed) {
    let store = bed.store();
    let claimed = fresh(&store, "k", "request", NOW).await;
    store.release(claimed).await;
    let _claimed = fresh(&store, "k", "another request", NOW).await;
    store.stop().await;
}

async fn a_claim_lapses_after_half_a_minute(bed: &Bed) {
    let store = bed.store();
    let _claimed = fresh(&store, "k", "request", NOW).await;
    let still = claim(&store, "k", "request", later(29)).await;
    assert!(matches!(still, Claim::InFlight), "{still:?}");
    let _claimed = fresh(&store, "k", "another request", later(30)).await;
    store.stop().await;
}

async fn a_late_release_gives_nothing_back(bed: &Bed) {
    let store = bed.store();
    let slow = fresh(&store, "k", "request", NOW).await;
    let _claimed = fresh(&store, "k", "request", later(31)).await;
    store.release(slow).await;
    let held = claim(&store, "k", "request", later(32)).await;
    assert!(matches!(held, Claim::InFlight), "{held:?}");
    store.stop().await;
}

async fn a_key_whose_token_waits_for_its_row_does_not_lapse(bed: &Bed) {
    let store = bed.store();
    let _claimed = fresh(&store, "k", "request", NOW).await;
    bed.refuse(true);
    let flight = store.take_off(1);
    let event = mint(minted_under(1, "k", "request"));
    assert_eq!(store.land(flight, event, 1).await, Ok(false));
    bed.refuse(false);
    // The row is not there, the claim is old, and the token was handed out all the same.
    let waits = claim(&store, "k", "request", later(40)).await;
    assert!(matches!(waits, Claim::InFlight), "{waits:?}");
    land(&store, mint(minted_under(2, "other", "request")), 2).await;
    let token = token_of(&store, "k", "request", later(41)).await;
    assert_eq!(token, token_id(1).as_u128());
    store.stop().await;
}

async fn an_old_key_is_free(bed: &Bed) {
    const DAY: u64 = 24 * 60 * 60;
    let store = bed.store();
    land(&store, mint(minted_under(1, "k", "request")), 1).await;
    let token = token_of(&store, "k", "request", later(DAY)).await;
    assert_eq!(token, token_id(1).as_u128());
    let _claimed = fresh(&store, "k", "request", later(DAY + 1)).await;
    land(&store, mint(minted_under(DAY + 1, "k", "request")), 2).await;
    let token = token_of(&store, "k", "request", later(DAY + 2)).await;
    assert_eq!(token, token_id(DAY + 1).as_u128());
    store.stop().await;
}

async fn keys_come_back_from_the_journal(bed: &Bed) {
    let store = bed.opened(ORIGIN).unwrap();
    let change = Change {
        event: mint(minted_under(1, "k", "request")),
        record: 1,
    };
    store.catch_up(&[change], 2).unwrap();
    store.start_writer().unwrap();
    let token = token_of(&store, "k", "request", NOW).await;
    assert_eq!(token, token_id(1).as_u128());
    store.stop().await;
}

async fn the_later_token_of_a_key_is_the_one_that_was_answered(bed: &Bed) {
    let store = bed.opened(ORIGIN).unwrap();
    // The first was recorded and nobody heard of it; the key lapsed, and the second was handed out.
    for order in [[1, 2], [2, 1]] {
        let changes = order.map(|record| Change {
            event: mint(minted_under(record, "k", "request")),
            record,
        });
        for change in changes {
            store.catch_up(&[change], 3).unwrap();
        }
    }
    store.start_writer().unwrap();
    let token = token_of(&store, "k", "request", later(3)).await;
    assert_eq!(token, token_id(2).as_u128());
    store.stop().await;
}

async fn one_of_many_gets_the_key(bed: &Bed) {
    let store = std::sync::Arc::new(bed.store());
    let tries: Vec<_> = (0..40)
        .map(|_| {
            let store = std::sync::Arc::clone(&store);
            tokio::spawn(async move { claim(&store, "k", "request", NOW).await })
        })
        .collect();
    let mut fresh = 0;
    for one in tries {
        match one.await.unwrap() {
            Claim::Fresh(_) => fresh += 1,
            Claim::InFlight => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(fresh, 1);
    store.stop().await;
}
