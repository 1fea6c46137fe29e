//! The policy every new authority begins with.

use hallpass_policy::{Policy, PolicyFiles, starter};

#[test]
fn the_starter_policy_holds_together_and_what_needs_a_second_look_in_it_is_known() {
    let policy = Policy::parse(&PolicyFiles::from([("starter.toml", starter())])).unwrap();
    let said: Vec<String> = policy
        .warnings()
        .iter()
        .map(|warning| warning.concern().to_string())
        .collect();
    assert_eq!(
        said,
        [
            "role `triage`: `ticket.close` writes without an approval",
            "role `triage`: `ticket.update` writes without an approval",
            "route `/support/send`: proofs are waived, so whoever has a token of it can write",
            "route `/ops/triage`: proofs are waived, so whoever has a token of it can write",
        ]
    );
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
    let policy = Policy::parse(&PolicyFiles::from([("starter.toml", starter())])).unwrap();
    let triage = policy.route(&"/ops/triage".parse().unwrap()).unwrap();
    assert!(triage.proof_waiver().is_some());
    let role = policy.role(&"triage".parse().unwrap()).unwrap();
    let waived = role.grant().without_approval();
    let waived: Vec<_> = waived.keys().map(|t| t.as_str()).collect();
    assert_eq!(waived, ["ticket.close", "ticket.update"]);
}

#[test]
fn the_operators_in_its_comments_are_a_policy_once_a_key_is_put_in() {
    let key = hallpass_keys::SigningKey::from_seed(
        hallpass_keys::Purpose::Operator,
        "dev".parse().unwrap(),
        [7; 32],
    );
    let section = starter().split("# [operators.").nth(1).unwrap();
    let section = format!("# [operators.{section}")
        .lines()
        .map(|line| line.trim_start_matches("# ").trim_start_matches('#'))
        .collect::<Vec<_>>()
        .join("\n")
        .replace("64 hex digits", &key.verifying_key().to_string());
    let policy = Policy::parse(&PolicyFiles::from([
        ("starter.toml", starter()),
        ("operators.toml", &section),
    ]))
    .unwrap();
    let found = policy.operator_of_key(&key.id()).unwrap();
    assert_eq!(
        (found.operator.as_str(), found.rule.person().as_str()),
        ("op:dana", "dana")
    );
    assert_eq!(*found.key, key.verifying_key());
    assert!(
        policy
            .group(&"support-leads".parse().unwrap())
            .unwrap()
            .members()
            .contains(found.operator)
    );
}
