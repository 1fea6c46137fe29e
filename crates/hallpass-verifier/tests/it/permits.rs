//! What a permit shows, and what becomes of it.

use std::future::Future as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use hallpass_bundle::{IdSet, Restrictions, Stop};
use hallpass_verifier::{ErrorClass, Outcome};
use hallpass_vocabulary::{DenialCode, Impact, StopId, Subject};

use crate::world::*;

#[test]
fn a_permit_shows_what_was_decided_on() {
    let world = World::new();
    let permit = world.call(token(|_| ()).expose(), "ticket.update").unwrap();
    assert_eq!(permit.tenant(), &tenant("acme"));
    assert_eq!(permit.subject().as_str(), "user:alice");
    assert_eq!(permit.actors()[0].as_str(), "agent:support-bot");
    assert_eq!(permit.run(), grant().run);
    assert_eq!(permit.impact(), Impact::Write);
    assert_eq!(permit.arguments().canonical(), br#"{"id":"T-1"}"#);
    assert_eq!(permit.deadline(), grant().expires);
}

#[test]
fn an_unfinished_permit_is_abandoned_and_a_finished_one_is_not() {
    let world = World::new();
    let text = token(|_| ());
    let dropped = world.call(text.expose(), "kb.search").unwrap();
    let first = dropped.decision().to_string();
    drop(dropped);
    drop(
        world
            .call(text.expose(), "kb.search")
            .unwrap()
            .finish(Outcome::succeeded(b"{}")),
    );
    drop(
        world
            .call(text.expose(), "kb.search")
            .unwrap()
            .finish(Outcome::failed(ErrorClass::Failed)),
    );
    let records = world.records();
    let abandoned = of_kind(&records, "abandoned");
    assert_eq!(abandoned.len(), 1);
    assert_eq!(abandoned[0]["decision"], first);
    let finished = of_kind(&records, "finished");
    assert_eq!(finished.len(), 2);
    assert_eq!(
        (&finished[0]["result"], &finished[1]["result"]),
        (&"ok".into(), &"error".into())
    );
    assert_eq!(finished[1]["error_class"], "failed");
}

#[test]
fn an_allowed_call_nobody_waited_for_is_abandoned() {
    let world = World::new();
    drop(
        world
            .verifier
            .authorize(Some(token(|_| ()).expose()), call("kb.search")),
    );
    let records = world.records();
    assert_eq!(of_kind(&records, "decided").len(), 1);
    assert_eq!(of_kind(&records, "abandoned").len(), 1);
}

#[test]
fn a_row_of_somebody_else_reads_as_absent_and_is_on_record() {
    let world = World::with(
        hallpass_verifier::Tenancy::Many,
        hallpass_verifier::Disclosure::Code,
    );
    let permit = world.call(token(|_| ()).expose(), "tickets.get").unwrap();
    let (alice, bob) = (
        Subject::new("user:alice").unwrap(),
        Subject::new("user:bob").unwrap(),
    );
    assert_eq!(permit.owns(&tenant("acme"), None), Ok(()));
    assert_eq!(permit.owns(&tenant("acme"), Some(&alice)), Ok(()));
    for refused in [
        permit.owns(&tenant("globex"), None),
        permit.owns(&tenant("acme"), Some(&bob)),
    ] {
        let refusal = refused.unwrap_err();
        assert_eq!(refusal.code(), DenialCode::NotFound);
        assert_eq!(refusal.detail(), None);
        assert_eq!(refusal.decision(), permit.decision());
    }
    drop(permit);
    let records = world.records();
    let withheld = of_kind(&records, "row_withheld");
    assert_eq!(withheld.len(), 2);
    assert!(withheld[0]["detail"].as_str().unwrap().contains("globex"));
}

#[test]
fn once_the_journal_is_gone_no_permit_is_given() {
    let world = World::new();
    world.journal.close().unwrap();
    let refusal = world.call(token(|_| ()).expose(), "kb.search").unwrap_err();
    assert_eq!(refusal.code(), DenialCode::JournalUnavailable);
    // A denial needs no record to stand.
    let stranger = signed_by(STRANGER_KEY, grant());
    assert_eq!(
        world.denial(stranger.expose(), "kb.search"),
        DenialCode::UnknownKey
    );
}

#[test]
fn the_future_answers_like_the_wait() {
    use std::future::Future as _;
    use std::task::{Context, Poll, Waker};
    let world = World::new();
    let text = token(|_| ());
    let mut commit = Box::pin(
        world
            .verifier
            .authorize(Some(text.expose()), call("kb.search")),
    );
    let mut context = Context::from_waker(Waker::noop());
    // A relaxed record is written by the calling thread, so the answer is there at once.
    let Poll::Ready(Ok(permit)) = commit.as_mut().poll(&mut context) else {
        panic!("not allowed")
    };
    drop(permit);
    let Poll::Ready(Err(refusal)) = commit.as_mut().poll(&mut context) else {
        panic!("answered twice")
    };
    assert_eq!(refusal.code(), DenialCode::Overloaded);
}

#[test]
fn what_one_verifier_checked_another_does_not_permit() {
    let (one, other) = (World::new(), World::new());
    let text = token(|_| ());
    let checked = one
        .verifier
        .check(Some(text.expose()), call("kb.search"), NOW);
    assert_eq!(checked.denial(), None);
    let refusal = other.verifier.commit(checked).wait().unwrap_err();
    assert_eq!(refusal.code(), DenialCode::Overloaded);
    assert!(of_kind(&one.records(), "decided").is_empty());
}

#[test]
fn a_call_under_way_learns_that_it_is_to_stop() {
    let world = World::new();
    let permit = world.call(token(|_| ()).expose(), "ticket.update").unwrap();
    assert!(!permit.is_stopped());
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let mut stopped = Box::pin(permit.stopped());
    assert!(stopped.as_mut().poll(&mut context).is_pending());
    let about = |selector: &str| Restrictions {
        stops: vec![Stop {
            id: StopId::new(NOW, [7; 10]),
            selector: selector.parse().unwrap(),
            issued: NOW,
            until: None,
            runs: IdSet::default(),
        }],
        ..Restrictions::default()
    };
    let later = |seconds| NOW.after(Duration::from_secs(seconds));
    // Of somebody else: it looks and waits on.
    world
        .snapshots
        .publish(restricting(later(1), about("tenant:globex")));
    assert!(woken.0.swap(false, Ordering::Relaxed));
    assert!(stopped.as_mut().poll(&mut context).is_pending());
    world
        .snapshots
        .publish(restricting(later(2), about("tenant:acme")));
    assert!(woken.0.swap(false, Ordering::Relaxed));
    assert!(stopped.as_mut().poll(&mut context).is_ready());
    drop(stopped);
    assert!(permit.is_stopped());
    // Nobody waits any more.
    world
        .snapshots
        .publish(restricting(later(3), Restrictions::default()));
    assert!(!woken.0.load(Ordering::Relaxed));
    drop(permit);
    assert!(world.call(token(|_| ()).expose(), "kb.search").is_ok());
    let records = world.records();
    let seen = of_kind(&records, "stop_seen");
    assert!(
        seen.is_empty(),
        "only bundles that decided a call are on record: {seen:?}"
    );
}

#[test]
fn stops_that_come_and_go_are_on_record_once() {
    let world = World::new();
    let stops = Restrictions {
        stops: vec![Stop {
            id: StopId::new(NOW, [7; 10]),
            selector: "tenant:globex".parse().unwrap(),
            issued: NOW,
            until: None,
            runs: IdSet::default(),
        }],
        ..Restrictions::default()
    };
    let text = token(|_| ());
    for (at, restrictions) in [(1, stops.clone()), (2, stops), (3, Restrictions::default())] {
        let time = NOW.after(Duration::from_secs(at));
        world.snapshots.publish(restricting(time, restrictions));
        drop(world.call(text.expose(), "kb.search").unwrap());
    }
    let records = world.records();
    let seen = of_kind(&records, "stop_seen");
    let about: Vec<_> = seen.iter().map(|it| it.get("about")).collect();
    assert_eq!(about, [Some(&"tenant:globex".into()), None]);
    assert_eq!(seen[0]["stop"], seen[1]["stop"]);
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
