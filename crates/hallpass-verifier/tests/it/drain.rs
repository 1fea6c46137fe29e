//! A verifier that is told to stop: no call begins, those under way end.

use std::time::Duration;

use hallpass_verifier::Outcome;
use hallpass_vocabulary::DenialCode;

use crate::world::*;

#[test]
fn nothing_begins_and_what_is_under_way_ends() {
    let world = World::new();
    let text = token(|_| ());
    let first = world.call(text.expose(), "kb.search").unwrap();
    let second = world.call(text.expose(), "ticket.update").unwrap();
    // Denied is not under way.
    world.denial(text.expose(), "mail.send");
    assert_eq!(world.verifier.open_permits(), 2);

    let drain = world.verifier.drain();
    let refusal = world.call(text.expose(), "kb.search").unwrap_err();
    assert_eq!(refusal.code(), DenialCode::Draining);
    // What is denied anyway is denied for its own reason.
    let denied = world.denial(text.expose(), "mail.send");
    assert_eq!(denied, DenialCode::ToolUnknown);
    assert_eq!(drain.wait(Duration::ZERO), 2);

    drop(first.finish(Outcome::succeeded(b"{}")));
    let drain = world.verifier.drain();
    let ending = std::thread::spawn(move || drop(second));
    assert_eq!(drain.wait(PATIENCE), 0);
    ending.join().unwrap();
    let draining = refusal.decision().to_string();
    let records = world.records();
    let decided = of_kind(&records, "decided");
    let of_draining = decided.iter().find(|record| record["decision"] == draining);
    assert_eq!(of_draining.unwrap()["code"], "draining");
    // Whoever was waited for is on record before the wait is over.
    assert_eq!(of_kind(&records, "finished").len(), 1);
    assert_eq!(of_kind(&records, "abandoned").len(), 1);
}

#[test]
fn a_decision_that_nobody_took_is_not_waited_for() {
    let world = World::new();
    let text = token(|_| ());
    let commit = world
        .verifier
        .authorize(Some(text.expose()), call("ticket.update"));
    assert_eq!(world.verifier.open_permits(), 1);
    drop(commit);
    assert_eq!(world.verifier.drain().wait(PATIENCE), 0);
}
