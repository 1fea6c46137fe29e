//! What stands in the journal: before the permit, whole, and nothing secret.

use hallpass_args::Arguments;
use hallpass_verifier::{Outcome, Recording, Rule, ServicePolicy, Spend};
use hallpass_vocabulary::DenialCode;

use crate::world::*;

#[test]
fn the_decision_is_in_the_file_before_the_permit_is_out() {
    let world = World::new();
    for name in ["kb.search", "ticket.update"] {
        let permit = world.call(token(|_| ()).expose(), name).unwrap();
        let records = lines(world.dir.path());
        let last = of_kind(&records, "decided")
            .into_iter()
            .next_back()
            .unwrap()
            .clone();
        assert_eq!(last["decision"], permit.decision().to_string());
        assert_eq!(last["verdict"], "allow");
    }
}

#[test]
fn a_record_says_who_what_where_and_under_which_policy() {
    let world = World::new();
    let mut asked = call("kb.search");
    asked.trace = Some(
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            .parse()
            .unwrap(),
    );
    asked.idempotency_key = Some("once-1".parse().unwrap());
    asked.attempt = Some(2);
    let permit = world
        .verifier
        .authorize(Some(token(|_| ()).expose()), asked)
        .wait()
        .unwrap();
    drop(permit.finish(Outcome::succeeded(b"{}")));
    let records = world.records();
    let decided = of_kind(&records, "decided")[0];
    let grant = grant();
    for (member, value) in [
        ("token", grant.token.to_string()),
        ("run", grant.run.to_string()),
        ("tenant", "acme".to_owned()),
        ("env", "prod".to_owned()),
        ("subject", "user:alice".to_owned()),
        ("route", "/support/draft".to_owned()),
        ("audience", "tickets".to_owned()),
        ("tool", "kb.search".to_owned()),
        ("impact", "read".to_owned()),
        ("trace", "0af7651916cd43dd8448eb211c80319c".to_owned()),
        ("idempotency_key", "once-1".to_owned()),
        ("policy", grant.policy.to_string()),
    ] {
        assert_eq!(decided[member], value, "{member}");
    }
    assert_eq!(decided["actors"], serde_json::json!(["agent:support-bot"]));
    assert_eq!(decided["attempt"], 2);
    assert!(
        decided["args_digest"]
            .as_str()
            .unwrap()
            .starts_with("hmac-sha256:")
    );
}

#[test]
fn each_bundle_is_on_record_before_the_first_decision_with_it() {
    let world = World::new();
    let text = token(|_| ());
    for _ in 0..3 {
        let _ = world.call(text.expose(), "kb.search");
    }
    let later = NOW.after(std::time::Duration::from_secs(1));
    world
        .snapshots
        .publish(snapshot(later, hallpass_bundle::KeyState::Active));
    let _ = world.call(text.expose(), "kb.search");
    let records = world.records();
    let order: Vec<_> = records
        .iter()
        .filter_map(|r| match r["kind"].as_str().unwrap() {
            "bundle_seen" => Some(("seen", r["version"].as_u64().unwrap())),
            "decided" => Some(("decided", r["bundle"].as_u64().unwrap())),
            _ => None,
        })
        .collect();
    let versions: Vec<_> = order.iter().map(|(_, version)| *version).collect();
    let kinds: Vec<_> = order.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        ["seen", "decided", "decided", "decided", "seen", "decided"]
    );
    assert!(versions[..4].iter().all(|v| *v == versions[0]) && versions[4] == versions[5]);
    assert!(versions[4] > versions[0]);
}

#[test]
fn nothing_secret_is_in_the_journal() {
    let world = World::new();
    let text = token(|_| ());
    let mut secretive = call("kb.search");
    secretive.args = Arguments::parse(br#"{"password":"hunter2","query":"x"}"#).unwrap();
    let plain_digest = secretive.args.digest().to_string();
    let permit = world
        .verifier
        .authorize(Some(text.expose()), secretive)
        .wait()
        .unwrap();
    let debugged = format!("{permit:?}");
    drop(permit.finish(Outcome::succeeded(b"the-answer")));
    let _ = world.call(&text.expose()[..text.expose().len() - 1], "kb.search");
    let journal = world
        .records()
        .iter()
        .map(ToString::to_string)
        .collect::<String>()
        + &debugged;
    for secret in [
        "hunter2",
        "the-answer",
        &text.expose()[..40],
        plain_digest.trim_start_matches("sha256:"),
    ] {
        assert!(!journal.contains(secret), "{secret}");
    }
}

#[test]
fn a_denial_by_the_services_own_rules_is_on_record_with_the_rule_and_without_the_value() {
    let rule = Rule::require("small-pages", ["/limit<=100".parse().unwrap()])
        .reason("Pages above a hundred take the index down.");
    let world = World::ruled_by(ServicePolicy::none().with(rule).unwrap());
    let mut greedy = call("kb.search");
    greedy.args = Arguments::parse(br#"{"limit":987654}"#).unwrap();
    let refusal = world
        .verifier
        .authorize(Some(token(|_| ()).expose()), greedy)
        .wait()
        .unwrap_err();
    let records = world.records();
    let decided = of_kind(&records, "decided")[0];
    assert_eq!(decided["decision"], refusal.decision().to_string());
    assert_eq!(decided["code"], "policy_denied");
    assert_eq!(decided["subject"], "user:alice");
    assert_eq!(
        decided["detail"],
        "rule `small-pages` requires `/limit<=100`, and the argument `/limit` is not what it allows: Pages above a hundred \
         take the index down."
    );
    assert!(!decided.to_string().contains("987654"));
}

#[test]
fn a_refused_request_has_a_decision_too() {
    let world = World::new();
    let refusal = world.verifier.refuse(
        DenialCode::RequestMalformed,
        "the body is not JSON\u{1b}[2J",
    );
    let records = world.records();
    let decided = of_kind(&records, "decided")[0];
    assert_eq!(decided["decision"], refusal.decision().to_string());
    assert_eq!(decided["code"], "request_malformed");
    let raw = decided.to_string();
    assert!(!raw.contains('\u{1b}'), "control characters are escaped");
}

/// How many of fifty calls are answered at once, without a moment for the disk.
fn answered_at_once(recording: Recording, name: &str) -> usize {
    let world = World::spending(Spend::ThisJournal, recording);
    let text = token(|_| ());
    let answers = (0..50).map(|_| {
        let commit = world.verifier.authorize(Some(text.expose()), call(name));
        commit.give_up()
    });
    answers.filter(Result::is_ok).count()
}

#[test]
fn a_read_waits_for_the_disk_where_the_service_wants_that_and_a_write_always_does() {
    let (standard, durable) = (Recording::standard(), Recording::standard().durable_reads());
    assert_eq!(answered_at_once(standard, "kb.search"), 50);
    assert!(answered_at_once(durable, "kb.search") < 50);
    for recording in [standard, durable] {
        assert!(answered_at_once(recording, "ticket.update") < 50);
    }
}
