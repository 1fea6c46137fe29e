//! Clients and their secrets: what happened last holds.

use hallpass_journal::ClientChange::{Disabled, Enabled, SecretAdded, SecretRetired};
use hallpass_keys::Digest;

use super::bed::{Bed, NOW, ORIGIN, changed, client, land, later};
use crate::store::{Change, ClientRow, LandingEvent, SecretRow, Store};

super::contract!(
    a_client_and_its_secrets_are_found,
    a_retired_secret_has_its_end_in_whichever_order_that_is_read,
    clients_are_known_before_the_writer_starts,
    what_was_said_last_of_a_client_holds,
);

async fn of(store: &Store, secret: &str) -> Option<(ClientRow, SecretRow)> {
    let digest = Digest::of(secret.as_bytes());
    store.client_of_secret(digest.as_bytes()).await.unwrap()
}

async fn a_client_and_its_secrets_are_found(bed: &Bed) {
    let store = bed.store();
    assert_eq!(store.client(&client()).await.unwrap(), None);
    assert_eq!(of(&store, "one").await, None);
    let one = changed(SecretAdded, Some(("sec_1", "one")), None, NOW);
    land(&store, one, 1).await;
    let two = changed(
        SecretAdded,
        Some(("sec_2", "two")),
        Some(later(99)),
        later(1),
    );
    land(&store, two, 2).await;
    let (client_row, secret) = of(&store, "two").await.unwrap();
    assert_eq!(
        (secret.id.as_str(), secret.until),
        ("sec_2", Some(later(99)))
    );
    assert_eq!(secret.added, later(1));
    assert_eq!(client_row.client, client());
    assert!(client_row.enabled);
    let ids: Vec<&str> = client_row.secrets.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["sec_1", "sec_2"]);
    assert_eq!(of(&store, "three").await, None);
    land(
        &store,
        changed(SecretRetired, Some(("sec_1", "")), Some(later(7)), later(2)),
        3,
    )
    .await;
    let (_, secret) = of(&store, "one").await.unwrap();
    assert_eq!(secret.until, Some(later(7)));
    land(&store, changed(Disabled, None, None, later(3)), 4).await;
    let row = store.client(&client()).await.unwrap().unwrap();
    assert_eq!((row.enabled, row.changed), (false, later(3)));
    assert_eq!(store.clients().await.unwrap(), [row]);
    store.stop().await;
}

async fn clients_are_known_before_the_writer_starts(bed: &Bed) {
    let store = bed.opened(ORIGIN).unwrap();
    let event = changed(SecretAdded, Some(("sec_1", "one")), None, NOW);
    store.catch_up(&[Change { event, record: 1 }], 2).unwrap();
    assert!(of(&store, "one").await.is_some());
    store.start_writer().unwrap();
    assert_eq!(store.clients().await.unwrap().len(), 1);
    store.stop().await;
}

/// Each order on its own, as a journal after another one has it.
async fn in_every_order(bed: &Bed, events: [LandingEvent; 2], check: impl AsyncFn(&Store)) {
    let [first, second] = events;
    let reversed = [second.clone(), first.clone()];
    drop(bed.opened(ORIGIN).unwrap());
    for (round, events) in [[first, second], reversed].into_iter().enumerate() {
        bed.sql("DELETE FROM client_secrets");
        bed.sql("DELETE FROM clients");
        let store = bed
            .opened(&format!("hallpass/dev/authority/{round}"))
            .unwrap();
        for (event, record) in events.into_iter().zip(1..) {
            store
                .catch_up(&[Change { event, record }], record + 1)
                .unwrap();
        }
        store.start_writer().unwrap();
        check(&store).await;
        store.stop().await;
    }
}

async fn a_retired_secret_has_its_end_in_whichever_order_that_is_read(bed: &Bed) {
    let added = changed(SecretAdded, Some(("sec_1", "one")), Some(later(900)), NOW);
    let retired = changed(SecretRetired, Some(("sec_1", "")), None, later(5));
    in_every_order(bed, [added, retired], async |store| {
        let (_, secret) = of(store, "one").await.unwrap();
        assert_eq!(secret.until, Some(later(5)));
    })
    .await;
}

async fn what_was_said_last_of_a_client_holds(bed: &Bed) {
    let disabled = changed(Disabled, None, None, later(5));
    let enabled = changed(Enabled, None, None, later(6));
    in_every_order(bed, [disabled, enabled], async |store| {
        assert!(store.client(&client()).await.unwrap().unwrap().enabled);
    })
    .await;
}
