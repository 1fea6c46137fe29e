//! What is stopped, revoked or cut off: whichever order it is read in, and whoever wrote it.

use hallpass_journal::{CutOff, Minted, StopLiftAsked, StopLifted, StopPlaced, Text, TokenRevoked};
use hallpass_vocabulary::{StopId, Timestamp};

use super::bed::{Bed, NOW, ORIGIN, land, later, mint, minted, run_id, token_id};
use crate::store::{About, Change, Found, LandingEvent, Store};

super::contract!(
    a_stop_holds_in_whichever_order_it_is_read,
    an_expired_revocation_is_forgotten,
    what_another_replica_stops_is_known_when_it_is_asked_for,
    what_comes_from_something_is_found_and_nothing_else,
    what_restrains_is_there_after_a_restart,
    what_is_hit_is_counted,
);

const OTHER: &str = "hallpass/dev/authority/0000000000000002";

fn stop_id() -> StopId {
    StopId::new(NOW, [1; 10])
}

fn placed() -> LandingEvent {
    let placed = StopPlaced {
        stop: stop_id(),
        selector: Text::new("tenant:acme"),
        until: None,
        cut_off: Some(later(1)),
        reason: Text::new("INC-42"),
        by: "op:dana".parse().unwrap(),
    };
    LandingEvent::StopPlaced(Box::new(placed), NOW)
}

fn asked(person: &str, at: Timestamp) -> LandingEvent {
    let asked = StopLiftAsked {
        stop: stop_id(),
        by: format!("op:{person}").parse().unwrap(),
        person: person.parse().unwrap(),
        key: minted(1).key,
    };
    LandingEvent::StopLiftAsked(Box::new(asked), at)
}

fn lifted(at: Timestamp) -> LandingEvent {
    let lifted = StopLifted {
        stop: stop_id(),
        by: vec!["op:dana".parse().unwrap()],
        cut_off: Some(at),
    };
    LandingEvent::StopLifted(Box::new(lifted), at)
}

fn revoked(n: u64, expires: Timestamp) -> LandingEvent {
    let revoked = TokenRevoked {
        token: token_id(n),
        expires,
        reason: None,
        by: "op:dana".parse().unwrap(),
    };
    LandingEvent::TokenRevoked(Box::new(revoked), NOW)
}

fn cut_off(before: Timestamp) -> LandingEvent {
    let cut_off = CutOff {
        selector: Text::new("environment:dev"),
        before,
        reason: Text::new("restored"),
    };
    LandingEvent::CutOff(Box::new(cut_off), NOW)
}

/// What is found for a token of the tenant that was issued then.
fn found(store: &Store, issued: Timestamp, now: Timestamp) -> Option<Found> {
    store.restraints().found("tenant:acme", Some(issued), now)
}

async fn a_stop_holds_in_whichever_order_it_is_read(bed: &Bed) {
    drop(bed.opened(ORIGIN).unwrap());
    // A clock was set back in between: the lifting is older than the placing.
    let events = [
        placed(),
        asked("lin", later(5)),
        asked("lin", later(2)),
        lifted(later(9)),
        lifted(later(30)),
    ];
    let orders = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1]];
    for (round, order) in orders.into_iter().enumerate() {
        bed.sql("DELETE FROM restraints");
        let store = bed
            .opened(&format!("hallpass/dev/authority/{round}"))
            .unwrap();
        for (place, event) in (1..).zip(order) {
            let event = events[event].clone();
            store
                .catch_up(
                    &[Change {
                        event,
                        record: place,
                    }],
                    place + 1,
                )
                .unwrap();
        }
        let row = store.restraints().stop(stop_id()).unwrap();
        assert_eq!(row.lifted.as_ref().unwrap().1, later(9), "{order:?}");
        assert_eq!(row.asked.len(), 1);
        assert_eq!(row.asked[0].1, later(5), "the latest counts");
        assert!(!row.is_in_force(NOW));
        assert_eq!(
            found(&store, later(8), later(60)),
            Some(Found::CutOff(later(9)))
        );
        assert_eq!(found(&store, later(9), later(60)), None);
    }
    // Without the lifting it holds, at any time.
    bed.sql("DELETE FROM restraints");
    let store = bed.opened("hallpass/dev/authority/9").unwrap();
    let changes = [
        Change {
            event: asked("lin", NOW),
            record: 1,
        },
        Change {
            event: placed(),
            record: 2,
        },
    ];
    store.catch_up(&changes, 3).unwrap();
    for now in [later(0), later(1_000_000), Timestamp::from_unix_seconds(0)] {
        assert_eq!(found(&store, now, now), Some(Found::Stop(stop_id())));
    }
}

async fn what_restrains_is_there_after_a_restart(bed: &Bed) {
    let store = bed.store();
    for (record, event) in (1..).zip([
        placed(),
        revoked(1, later(600)),
        cut_off(later(3)),
        cut_off(later(2)),
    ]) {
        land(&store, event, record).await;
    }
    let before = (
        store.restraints().stops(),
        store.restraints().all_revoked(),
        store.restraints().cut_offs(),
    );
    store.stop().await;
    let store = bed.opened(ORIGIN).unwrap();
    let after = (
        store.restraints().stops(),
        store.restraints().all_revoked(),
        store.restraints().cut_offs(),
    );
    assert_eq!(before, after);
    assert_eq!(after.2[0].0.before, later(3), "the latest counts");
    assert_eq!(store.restraints().revoked(token_id(1)), Some(later(600)));
}

async fn an_expired_revocation_is_forgotten(bed: &Bed) {
    let store = bed.store();
    land(&store, revoked(1, later(600)), 1).await;
    store.clean(later(700)).await.unwrap();
    assert_eq!(
        store.restraints().revoked_count(),
        1,
        "by some clock it may live"
    );
    store.clean(later(721)).await.unwrap();
    assert_eq!(store.restraints().revoked_count(), 0);
    assert_eq!(bed.sql("SELECT count(*) FROM restraints"), "0");
    store.stop().await;
}

/// The embedded store has one process, which knows what it has done itself.
async fn what_another_replica_stops_is_known_when_it_is_asked_for(bed: &Bed) {
    let one = bed.store();
    let two = one.is_shared().then(|| bed.store_of(OTHER));
    let two = two.as_ref().unwrap_or(&one);
    land(&one, placed(), 1).await;
    let events = [lifted(later(9)), revoked(1, later(600))];
    two.refresh_restraints().await.unwrap();
    assert_eq!(found(two, later(5), later(5)), Some(Found::Stop(stop_id())));
    for (record, event) in (2..).zip(events) {
        land(two, event, record).await;
    }
    // Many at once ask once, and each is answered with what there was before it asked.
    let asks = (0..64).map(|_| one.refresh_restraints());
    for ask in asks {
        ask.await.unwrap();
        assert_eq!(found(&one, later(9), later(9)), None);
        assert_eq!(one.restraints().revoked(token_id(1)), Some(later(600)));
    }
    one.stop().await;
    if one.is_shared() {
        two.stop().await;
    }
}

/// A run of another agent that comes from this one, and one that does not.
fn family() -> Vec<Minted> {
    let other = |n: u64, parent: Option<u64>| Minted {
        actor: "agent:other".parse().unwrap(),
        route: "/other".parse().unwrap(),
        parent: parent.map(run_id),
        ..minted(n)
    };
    vec![
        minted(1),
        other(2, Some(1)),
        other(3, Some(2)),
        other(4, None),
        minted(5),
    ]
}

async fn filled(bed: &Bed) -> Store {
    let store = bed.opened(ORIGIN).unwrap();
    let changes: Vec<Change> = (1..)
        .zip(family())
        .map(|(record, minted)| Change {
            event: mint(minted),
            record,
        })
        .collect();
    store.catch_up(&changes, 6).unwrap();
    store
}

async fn what_comes_from_something_is_found_and_nothing_else(bed: &Bed) {
    let store = filled(bed).await;
    let derived = |about: About, now: Timestamp| {
        let mut ids = store.derived(&about, now).unwrap();
        ids.sort_unstable();
        ids
    };
    let ids = |runs: &[u64]| -> Vec<u128> { runs.iter().map(|n| run_id(*n).as_u128()).collect() };
    for (about, runs) in [
        (About::Actor("agent:bot".parse().unwrap()), &[2, 3][..]),
        (About::Actor("agent:other".parse().unwrap()), &[]),
        (About::Route("/support/draft".parse().unwrap()), &[2, 3]),
        (About::Run(run_id(1)), &[2, 3]),
        (About::Run(run_id(2)), &[3]),
        (About::Run(run_id(5)), &[]),
        // What children share with their parent they show themselves.
        (About::Tenant("acme".parse().unwrap()), &[]),
        (About::Everything, &[]),
    ] {
        assert_eq!(derived(about.clone(), later(10)), ids(runs), "{about:?}");
    }
    // Run 2's token has expired then, and run 3's has not.
    let actor = About::Actor("agent:bot".parse().unwrap());
    assert_eq!(derived(actor, later(602)), ids(&[3]));
}

async fn what_is_hit_is_counted(bed: &Bed) {
    let store = filled(bed).await;
    let tools = |tool: &str| About::Tools(vec!["no.such".parse().unwrap(), tool.parse().unwrap()]);
    for (about, tokens) in [
        (About::Everything, 5),
        (About::Actor("agent:bot".parse().unwrap()), 4),
        (About::Actor("agent:other".parse().unwrap()), 3),
        (About::Client("orchestrator".parse().unwrap()), 5),
        (About::Client("nobody".parse().unwrap()), 0),
        (About::Route("/other".parse().unwrap()), 3),
        (About::Run(run_id(2)), 2),
        (About::Subject("user:alice".parse().unwrap()), 5),
        (About::Tenant("globex".parse().unwrap()), 0),
        (About::Token(token_id(4)), 1),
        (tools("ticket.close"), 5),
        (About::Tools(Vec::new()), 0),
    ] {
        let hits = store.hits(&about, later(10), 2).await.unwrap();
        assert_eq!((hits.tokens, hits.runs), (tokens, tokens), "{about:?}");
        assert_eq!(hits.newest.len(), usize::try_from(tokens.min(2)).unwrap());
    }
    let hits = store.hits(&About::Everything, later(603), 9).await.unwrap();
    assert_eq!(hits.tokens, 2, "the others have expired");
    assert_eq!(hits.newest[0].minted, minted(5));
    assert_eq!(store.latest(later(4)).await.unwrap(), Some(token_id(3)));
    assert_eq!(store.latest(NOW).await.unwrap(), None);
}
