//! The policy every new authority begins with.

use hallpass_policy::{Policy, starter};

#[test]
fn the_starter_policy_holds_together_and_nothing_in_it_needs_a_second_look() {
    let policy = Policy::parse(&[("starter.toml", starter())]).unwrap();
    assert_eq!(policy.warnings(), []);
    assert_eq!(policy.catalogue().len(), 4);
    let routes: Vec<_> = policy.routes().map(|(route, _)| route.as_str()).collect();
    assert_eq!(
        routes,
        [
            "/ops/triage",
            "/research",
            "/support/draft",
            "/support/send"
        ]
    );
}

#[test]
fn every_waiver_in_it_is_on_record() {
    let policy = Policy::parse(&[("starter.toml", starter())]).unwrap();
    let (_, triage) = policy
        .routes()
        .find(|(route, _)| route.as_str() == "/ops/triage")
        .unwrap();
    let waived: Vec<_> = triage.waived_writes().keys().map(|t| t.as_str()).collect();
    assert_eq!(waived, ["ticket.close", "ticket.update"]);
    assert!(triage.proof_waiver().is_some());
}
