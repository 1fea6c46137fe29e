//! Verifiers: how one becomes known, what is witnessed of its journal, and what is kept of it.

use serde_json::{Value, json};

use crate::fixture::{Home, Running};
use crate::signing::{Call, enrol};
use crate::verifier::{LATER, TestVerifier, copy, invite, key, write};

async fn served() -> (Home, Running) {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    (home, running)
}

#[tokio::test]
async fn a_code_makes_one_verifier_known_however_often_it_asks() {
    let (home, running) = served().await;
    let verifier = TestVerifier::new(&home, 1);
    let code = invite(&home, &running).await;
    assert!(code.starts_with("hpe_"));
    let wish = verifier.wish(&code);
    let first = verifier.send_enrolment(&home, &running, &wish).await;
    let again = verifier.send_enrolment(&home, &running, &wish).await;
    assert_eq!(
        (first.status, again.status),
        (200, 200),
        "{first:?} {again:?}"
    );
    assert_eq!(first.json, again.json);
    // An answer that was lost is given again when the code is over.
    home.clock.advance(LATER);
    let late = verifier.send_enrolment(&home, &running, &wish).await;
    assert_eq!(late.json, first.json);
    running.stop().await;
    let enrolled = home.records_of("verifier_enrolled");
    assert_eq!(enrolled.len(), 1);
    assert_eq!(enrolled[0]["origin"], verifier.origin());
    // The code is nowhere.
    let all = serde_json::to_string(&home.records()).unwrap();
    assert!(!all.contains(&code));
    // And it is known after a restart.
    let running = home.serve().await;
    let list = running
        .as_operator(&home, "auditor", &Call::new("GET", "/v1/verifiers"))
        .await;
    assert_eq!(list.json["verifiers"][0]["origin"], verifier.origin());
    running.stop().await;
}

#[tokio::test]
async fn whoever_may_not_enrol_is_told_one_thing() {
    let (home, running) = served().await;
    let known = TestVerifier::new(&home, 1);
    let used = invite(&home, &running).await;
    let wish = known.wish(&used);
    assert_eq!(
        known.send_enrolment(&home, &running, &wish).await.status,
        200
    );
    let over = invite(&home, &running).await;
    home.clock.advance(LATER);
    let fresh = invite(&home, &running).await;

    let other = TestVerifier::new(&home, 2);
    let with = |member: &str, value: Value| {
        let mut wish = other.wish(&fresh);
        wish[member] = value;
        wish
    };
    let mut goes_on = other.wish(&fresh);
    goes_on.as_object_mut().unwrap().remove("code");
    goes_on["predecessor"] = json!(known.origin());
    let mut foreign = other.wish(&fresh);
    foreign["journal"] = json!(known.journal().to_string());
    for (why, wish) in [
        ("a used code", other.wish(&used)),
        ("a code that is over", other.wish(&over)),
        ("no code", other.wish("hpe_AAAA")),
        ("something else", other.wish("hps_AAAA")),
        ("another service", with("audience", json!("billing"))),
        (
            "another's checkpoint",
            with("checkpoint", json!(known.signed().note)),
        ),
        ("a journal without its checkpoint", foreign),
        ("another's key to go on from", goes_on),
    ] {
        let answer = other.send_enrolment(&home, &running, &wish).await;
        assert_eq!(answer.status, 403, "{why}: {answer:?}");
        assert_eq!(answer.code(), "enrolment_refused", "{why}");
        assert!(answer.json.get("detail").is_none(), "{why}");
    }
    // Signed with a key that is not the one it wishes to be known by.
    let stolen = with("key", json!(key(9).verifying_key().to_string()));
    let answer = other.send_enrolment(&home, &running, &stolen).await;
    assert_eq!(answer.code(), "verifier_unauthorized");
    // None of it has used the code.
    let wish = other.wish(&fresh);
    assert_eq!(
        other.send_enrolment(&home, &running, &wish).await.status,
        200
    );
    running.stop().await;
}

#[tokio::test]
async fn only_a_verifier_that_is_known_is_heard() {
    let (home, running) = served().await;
    let mut verifier = TestVerifier::new(&home, 1);
    let call = verifier.report(None);
    let unknown = verifier.send(&home, &running, &call).await;
    assert_eq!(unknown.code(), "verifier_unauthorized");
    verifier.enrol(&home, &running).await;
    let call = verifier.report(None);
    let headers = crate::signing::headers(
        &call,
        &verifier.key,
        hallpass_vocabulary::Clock::now(&*home.clock),
    );
    let sent = || running.send(running.with_headers(&call, &headers));
    assert_eq!(sent().await.status, 200);
    assert_eq!(sent().await.code(), "verifier_unauthorized");
    // A report that was on its way for longer than the next one.
    verifier.number -= 1;
    let call = verifier.report(None);
    let late = verifier.send(&home, &running, &call).await;
    assert_eq!(late.code(), "report_stale");
    let other = TestVerifier::new(&home, 2);
    let call = verifier.report(None);
    let answer = other.send(&home, &running, &call).await;
    assert_eq!(answer.code(), "verifier_unauthorized");

    let path = format!("/v1/verifiers/{}/retire", verifier.origin());
    let retire = Call::new("POST", &path).body("{\"reason\":\"the pod is gone\"}");
    let retired = running.as_operator(&home, "admin", &retire).await;
    assert!(retired.json["retired_at"].is_string(), "{retired:?}");
    let call = verifier.report(None);
    let answer = verifier.send(&home, &running, &call).await;
    assert_eq!(answer.code(), "verifier_unauthorized");
    running.stop().await;
}

#[tokio::test]
async fn what_a_verifier_says_is_shown() {
    let (home, running) = served().await;
    let mut verifier = TestVerifier::new(&home, 1);
    verifier.enrol(&home, &running).await;
    let answer = verifier.witness(&home, &running, 0).await;
    assert_eq!(answer.json["checkpoint"], "witnessed", "{answer:?}");
    let list = Call::new("GET", "/v1/verifiers");
    let list = running.as_operator(&home, "auditor", &list).await;
    let shown = &list.json["verifiers"][0];
    assert_eq!(shown["bundle_version"], 7);
    assert_eq!(shown["bundle_current"], false);
    assert_eq!(shown["checkpoint"]["size"], 3);
    assert_eq!(shown["journal_size"]["records"], 3);
    assert_eq!(shown["mode"], "serving");
    // It holds neither the newest bundle nor one of number 8.
    let asked = Call::new("GET", "/v1/verifiers").query("version=8");
    let asked = running.as_operator(&home, "auditor", &asked).await;
    assert_eq!(asked.json["not_reached"][0]["origin"], verifier.origin());
    let held = Call::new("GET", "/v1/verifiers").query("version=7");
    let held = running.as_operator(&home, "auditor", &held).await;
    assert_eq!(held.json["not_reached"], json!([]));
    // It stops destructive calls a minute after its last heartbeat.
    assert_eq!(shown["stops_at"]["destructive"], "2027-01-15T08:01:00.250Z");
    running.stop().await;
}

#[tokio::test]
async fn a_journal_that_was_cut_or_forked_is_found() {
    let (home, running) = served().await;
    let mut verifier = TestVerifier::new(&home, 1);
    verifier.enrol(&home, &running).await;
    let before = tempfile::tempdir().unwrap();
    copy(verifier.dir(), before.path());
    verifier.write(5);
    let first = verifier.witness(&home, &running, 0).await;
    let size = first.json["witnessed"].as_u64().unwrap();
    assert_eq!(
        verifier.witness(&home, &running, size).await.json["checkpoint"],
        "same"
    );
    verifier.write(3);
    // Without a proof it does not count, and is not held against anybody.
    let unproven = verifier.witness(&home, &running, 0).await;
    assert_eq!(unproven.json["checkpoint"], "unproven");
    assert_eq!(unproven.json["witnessed"], size);
    let second = verifier.witness(&home, &running, size).await;
    assert_eq!(second.json["checkpoint"], "witnessed", "{second:?}");
    let size = second.json["witnessed"].as_u64().unwrap();

    // An older copy is put back: smaller, and then grown past what was witnessed.
    let mut rolled_back = TestVerifier {
        directory: before,
        start: "another start".to_owned(),
        ..TestVerifier::new(&home, 1)
    };
    assert_eq!(rolled_back.origin(), verifier.origin());
    let refused = rolled_back.witness(&home, &running, 0).await;
    assert_eq!(
        (refused.status, refused.code()),
        (409, "checkpoint_refused")
    );
    write(rolled_back.dir(), &(home.clock.clone() as _), 20);
    let forked = rolled_back.witness(&home, &running, size).await;
    assert_eq!(forked.code(), "checkpoint_refused", "{forked:?}");
    // Told again, it is recorded once.
    let again = rolled_back.witness(&home, &running, size).await;
    assert_eq!(again.code(), "checkpoint_refused");

    let list = Call::new("GET", "/v1/verifiers");
    let list = running.as_operator(&home, "auditor", &list).await;
    assert!(list.json["verifiers"][0]["refused_at"].is_string());
    assert_eq!(list.json["verifiers"][0]["checkpoint"]["size"], size);
    running.stop().await;
    let refused = home.records_of("checkpoint_refused");
    let faults: Vec<&Value> = refused.iter().map(|record| &record["fault"]).collect();
    assert_eq!(faults, ["smaller", "forked"]);
    assert_eq!(home.records_of("checkpoint_witnessed").len(), 2);
}

#[tokio::test]
async fn a_copy_goes_on_under_a_name_of_its_own() {
    let (home, running) = served().await;
    let mut verifier = TestVerifier::new(&home, 1);
    verifier.enrol(&home, &running).await;
    verifier.witness(&home, &running, 0).await;
    let old = verifier.origin();
    // The same key, another journal.
    let mut next = TestVerifier::new(&home, 1);
    let mut wish = next.wish("");
    wish.as_object_mut().unwrap().remove("code");
    wish["predecessor"] = json!(old);
    let answer = next.send_enrolment(&home, &running, &wish).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        next.witness(&home, &running, 0).await.json["checkpoint"],
        "witnessed"
    );
    let path = format!("/v1/verifiers/{}", next.origin());
    let shown = running
        .as_operator(&home, "auditor", &Call::new("GET", &path))
        .await;
    assert_eq!(shown.json["predecessor"], old);
    // The old one is still itself.
    assert_eq!(
        verifier.witness(&home, &running, 3).await.json["checkpoint"],
        "same"
    );
    running.stop().await;
}

#[tokio::test]
async fn records_are_kept_once_they_are_those_that_were_signed() {
    let (home, running) = served().await;
    let mut verifier = TestVerifier::new(&home, 1);
    verifier.enrol(&home, &running).await;
    verifier.write(10);
    let early = verifier
        .ship(&home, &running, 0, &verifier.lines(0, 3))
        .await;
    assert_eq!(
        early.code(),
        "shipment_refused",
        "nothing is witnessed: {early:?}"
    );
    let size = verifier.witness(&home, &running, 0).await.json["ship_to"]
        .as_u64()
        .unwrap();
    let some = verifier
        .ship(&home, &running, 0, &verifier.lines(0, 4))
        .await;
    assert_eq!(some.json, json!({"held": 4, "acknowledged": 0}), "{some:?}");
    let rest = verifier
        .ship(&home, &running, 4, &verifier.lines(4, size))
        .await;
    assert_eq!(rest.json, json!({"held": size, "acknowledged": size}));

    let directory = home.path("verifiers").join(verifier.origin());
    let mut kept = Vec::new();
    for record in hallpass_journal::read::records(&directory).unwrap() {
        kept.extend_from_slice(record.unwrap().line().as_bytes());
        kept.push(b'\n');
    }
    assert_eq!(kept, verifier.lines(0, size));
    running.stop().await;
    // It goes on after a restart, where it was.
    verifier.write(2);
    let running = home.serve().await;
    let answer = verifier.witness(&home, &running, size).await;
    assert_eq!(
        (&answer.json["held"], &answer.json["acknowledged"]),
        (&json!(size), &json!(size))
    );
    let more = answer.json["ship_to"].as_u64().unwrap();
    let rest = verifier
        .ship(&home, &running, size, &verifier.lines(size, more))
        .await;
    assert_eq!(rest.json["acknowledged"], more);
    running.stop().await;
    let key = *verifier.journal().key();
    let verified = hallpass_journal::verify::verify(&directory, Some(key)).unwrap();
    assert_eq!(verified.records, more);
}

#[tokio::test]
async fn shipments_that_are_not_what_comes_next_are_refused() {
    let (home, running) = served().await;
    let mut verifier = TestVerifier::new(&home, 1);
    verifier.enrol(&home, &running).await;
    verifier.write(10);
    let size = verifier.witness(&home, &running, 0).await.json["ship_to"]
        .as_u64()
        .unwrap();
    let ship = async |from, lines: &[u8]| verifier.ship(&home, &running, from, lines).await;
    let some = verifier.lines(0, 4);
    assert_eq!(ship(0, &some).await.status, 200);
    let refused = |answer: &crate::fixture::Answer, why: &str| {
        assert_eq!(answer.code(), "shipment_refused", "{why}: {answer:?}");
    };
    refused(&ship(0, &some).await, "replayed");
    refused(&ship(6, &verifier.lines(6, 8)).await, "reordered");
    refused(&ship(4, &verifier.lines(6, 8)).await, "of other indexes");
    refused(&ship(4, b"{}\n").await, "no record");
    refused(&ship(4, b"").await, "nothing");
    let mut cut = verifier.lines(4, 6);
    cut.pop();
    refused(&ship(4, &cut).await, "without an end");
    verifier.write(1);
    let beyond = verifier.lines(4, size + 1);
    refused(&ship(4, &beyond).await, "beyond what is witnessed");
    let large = vec![b'x'; 4 * 1024 * 1024 + 1];
    assert_eq!(ship(4, &large).await.code(), "request_too_large");
    // As foreign as can be: the lines of another journal, by their indexes the right ones.
    let other = TestVerifier::new(&home, 2);
    other.write(20);
    let foreign = other.lines(4, size);
    let answer = ship(4, &foreign).await;
    assert_eq!(answer.code(), "checkpoint_refused", "{answer:?}");
    // All that was not kept is gone, and the right lines are kept.
    let answer = ship(0, &verifier.lines(0, size)).await;
    assert_eq!(answer.json["acknowledged"], size, "{answer:?}");
    running.stop().await;
    let refused = home.records_of("checkpoint_refused");
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["fault"], "records_differ");
}

#[tokio::test]
async fn what_services_decided_is_found_in_what_they_shipped() {
    let (home, running) = served().await;
    let mut verifiers = [TestVerifier::new(&home, 1), TestVerifier::new(&home, 2)];
    let mut decisions = Vec::new();
    for verifier in &mut verifiers {
        home.clock.advance(std::time::Duration::from_secs(3_600));
        verifier.enrol(&home, &running).await;
        verifier.write(4);
        let size = verifier.witness(&home, &running, 0).await.json["ship_to"]
            .as_u64()
            .unwrap();
        let lines = verifier.lines(0, size);
        assert_eq!(verifier.ship(&home, &running, 0, &lines).await.status, 200);
        let last = lines
            .split(|byte| *byte == b'\n')
            .rev()
            .find(|line| String::from_utf8_lossy(line).contains("\"abandoned\""));
        let record: Value = serde_json::from_slice(last.unwrap()).unwrap();
        decisions.push(record["decision"].as_str().unwrap().to_owned());
    }
    let ask = async |path: &str| {
        let call = Call::new("GET", path);
        running.as_operator(&home, "auditor", &call).await
    };
    for (verifier, decision) in verifiers.iter().zip(&decisions) {
        let found = ask(&format!("/v1/decisions/{decision}")).await;
        assert_eq!(found.json["verifier"], verifier.origin(), "{found:?}");
        assert_eq!(found.json["audience"], "tickets");
        let line = found.json["lines"][0].as_str().unwrap();
        assert!(line.contains(decision.as_str()));
        let query = format!("verifier={}&kind=abandoned&limit=2", verifier.origin());
        let call = Call::new("GET", "/v1/decisions").query(&query);
        let page = running.as_operator(&home, "auditor", &call).await;
        assert_eq!(page.json["decisions"][0]["decision"], decision.as_str());
        assert!(page.json["next"].is_string());
    }
    let nowhere = ask("/v1/decisions/dec_018f3c1e5b7a7000800000000000002a").await;
    assert_eq!(nowhere.code(), "decision_unknown");
    let call = Call::new("GET", "/v1/decisions").query("verifier=ffffffffffffffff");
    let unknown = running.as_operator(&home, "auditor", &call).await;
    assert_eq!(unknown.code(), "verifier_unknown");
    running.stop().await;
}

#[tokio::test]
async fn the_bundle_lists_the_verifiers_that_are_live() {
    let (home, running) = served().await;
    let listed = async || {
        let answer = running.get("/v1/bundle?format=2").await;
        let payload = answer.json["bundle"]["payload"]
            .as_str()
            .unwrap()
            .to_owned();
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, payload);
        let bundle: Value = serde_json::from_slice(&bytes.unwrap()).unwrap();
        bundle["verifiers"].as_array().unwrap().clone()
    };
    assert!(listed().await.is_empty());
    let verifier = TestVerifier::new(&home, 1);
    verifier.enrol(&home, &running).await;
    let expected = json!([{
        "origin": verifier.origin(),
        "audience": "tickets",
        "key": verifier.key.verifying_key().to_string(),
    }]);
    assert_eq!(json!(listed().await), expected);
    let path = format!("/v1/verifiers/{}/retire", verifier.origin());
    running
        .as_operator(&home, "admin", &Call::new("POST", &path))
        .await;
    assert!(listed().await.is_empty());
    running.stop().await;
}
