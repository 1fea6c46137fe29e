//! Verifiers: what is known of one does not depend on the order in which it became known.

use hallpass_journal::{
    CheckpointFault, CheckpointRefused, CheckpointWitnessed, Text, VerifierEnrolled,
    VerifierInvited, VerifierRetired,
};
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_vocabulary::Timestamp;

use super::bed::{Bed, NOW, ORIGIN, land, later};
use crate::store::{Change, FleetEvent, LandingEvent, Store};

super::contract!(
    a_code_is_known_until_its_end,
    a_verifier_is_what_its_earliest_enrolment_says,
    a_verifier_is_the_same_in_whichever_order_its_records_are_read,
);

const VERIFIER: &str = "0011223344556677";

fn at(event: FleetEvent, at: Timestamp) -> LandingEvent {
    LandingEvent::Fleet(event, at)
}

fn enrolled(seed: u8, code: Option<&str>) -> FleetEvent {
    let dev = "dev".parse().unwrap();
    FleetEvent::Enrolled(Box::new(VerifierEnrolled {
        origin: Text::new(VERIFIER),
        audience: "tickets".parse().unwrap(),
        key: SigningKey::from_seed(Purpose::Verifier, dev, [seed; 32]).verifying_key(),
        journal: Text::new("hallpass/dev/tickets/0011223344556677+00000000+AQ=="),
        code: code.map(|code| Digest::of(code.as_bytes())),
        predecessor: None,
        workload: None,
    }))
}

fn witnessed(size: u64) -> FleetEvent {
    FleetEvent::Witnessed(CheckpointWitnessed {
        origin: Text::new(VERIFIER),
        size,
        root: Digest::of(&size.to_be_bytes()),
    })
}

fn retired() -> FleetEvent {
    FleetEvent::Retired(VerifierRetired {
        origin: Text::new(VERIFIER),
        by: "op:dana".parse().unwrap(),
        reason: None,
    })
}

fn refused() -> FleetEvent {
    FleetEvent::Refused(Box::new(CheckpointRefused {
        origin: Text::new(VERIFIER),
        audience: "tickets".parse().unwrap(),
        fault: CheckpointFault::Smaller,
        size: 1,
        root: Digest::of(b"1"),
        witnessed_size: 2,
        witnessed_root: Digest::of(b"2"),
    }))
}

async fn a_code_is_known_until_its_end(bed: &Bed) {
    let store = bed.store();
    let code = Digest::of(b"code");
    assert_eq!(store.enrolment_code(&code).await.unwrap(), None);
    let invited = FleetEvent::Invited(VerifierInvited {
        code,
        audience: "tickets".parse().unwrap(),
        until: later(60),
        by: "op:dana".parse().unwrap(),
    });
    land(&store, at(invited, NOW), 1).await;
    let known = store.enrolment_code(&code).await.unwrap().unwrap();
    assert_eq!(
        (known.audience.as_str(), known.until),
        ("tickets", later(60))
    );
    assert_eq!(store.verifier_of_code(&code).await.unwrap(), None);
    land(&store, at(enrolled(1, Some("code")), later(1)), 2).await;
    let row = store.verifier_of_code(&code).await.unwrap().unwrap();
    assert_eq!(row.origin(), VERIFIER);
    store.clean(later(61)).await.unwrap();
    assert_eq!(store.enrolment_code(&code).await.unwrap(), None);
    // Whoever enrolled with it is still known by it.
    assert!(store.verifier_of_code(&code).await.unwrap().is_some());
    store.stop().await;
}

async fn a_verifier_is_what_its_earliest_enrolment_says(bed: &Bed) {
    let store = bed.store();
    land(&store, at(enrolled(1, None), later(5)), 1).await;
    land(&store, at(enrolled(2, None), later(6)), 2).await;
    let row = store.verifier(VERIFIER).await.unwrap().unwrap();
    assert_eq!((row.at, row.is_live()), (later(5), true));
    land(&store, at(enrolled(3, None), later(4)), 3).await;
    let row = store.verifier(VERIFIER).await.unwrap().unwrap();
    let FleetEvent::Enrolled(earliest) = enrolled(3, None) else {
        unreachable!()
    };
    assert_eq!(row.enrolled, *earliest);
    assert_eq!(store.verifier("ffffffffffffffff").await.unwrap(), None);
    store.stop().await;
}

async fn a_verifier_is_the_same_in_whichever_order_its_records_are_read(bed: &Bed) {
    let events = [
        at(enrolled(1, None), later(1)),
        at(witnessed(10), later(2)),
        at(witnessed(20), later(3)),
        at(refused(), later(4)),
        at(retired(), later(5)),
        at(retired(), later(6)),
    ];
    drop(bed.opened(ORIGIN).unwrap());
    let mut found = Vec::new();
    for turn in 0..events.len() {
        bed.sql("DELETE FROM verifiers");
        let mut order = events.to_vec();
        order.rotate_left(turn);
        if turn % 2 == 1 {
            order.reverse();
        }
        let store = bed
            .opened(&format!("hallpass/dev/authority/{turn}"))
            .unwrap();
        for (event, record) in order.into_iter().zip(1..) {
            let change = Change { event, record };
            store.catch_up(&[change], record + 1).unwrap();
        }
        store.start_writer().unwrap();
        found.push(only(&store).await);
        store.stop().await;
    }
    let row = &found[0];
    let known = row.witnessed.unwrap();
    assert_eq!((known.size, known.at), (20, later(3)));
    assert_eq!((row.retired, row.refused), (Some(later(5)), Some(later(4))));
    assert!(found.iter().all(|it| it == row), "{found:#?}");
}

async fn only(store: &Store) -> crate::store::VerifierRow {
    let mut rows = store.verifiers().await.unwrap();
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}
