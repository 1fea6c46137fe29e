//! A stop from its placing to its end: who may, what is said of it, and what a restart or an older copy makes of it.

use std::time::Duration;

use hallpass_authority::{Authority, BackupKeys, backup};
use hallpass_vocabulary::Clock as _;
use serde_json::json;

use crate::fixture::{Home, Running, draft, with};
use crate::signing::{Call, enrol, key};
use crate::stopping::restricted;

fn home() -> Home {
    let home = Home::new();
    enrol(&home);
    home
}

async fn restarted(home: &Home) -> Running {
    home.serve().await
}

#[tokio::test]
async fn what_is_hit_is_counted_and_named() {
    let home = home();
    let running = home.serve().await;
    let one = running.mint(&draft()).await.json;
    // Identifiers sort by the millisecond.
    home.clock.advance(Duration::from_millis(1));
    let renewal = running
        .mint(&with(draft(), "run_id", one["run_id"].clone()))
        .await
        .json;
    running
        .mint(&with(draft(), "subject", json!("user:bob")))
        .await;
    let answer = running.stop_as(&home, "admin", "subject:user:alice").await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let hit = &answer.json["hit"];
    assert_eq!((&hit["tokens"], &hit["runs"]), (&json!(2), &json!(1)));
    assert_eq!(hit["newest"][0]["token_id"], renewal["token_id"]);
    assert_eq!(hit["newest"][1]["token_id"], one["token_id"]);
    let stop = &answer.json["stop"];
    assert_eq!(stop["placed_by"], "op:admin");
    assert_eq!(stop["reason"], "a test");
    assert_eq!(stop["state"], "in_force");
    assert_eq!(stop["takes_two"], false);
    // All of it is on record, and what is refused is too.
    running.mint(&draft()).await;
    running.stop().await;
    let placed = home.records_of("stop_placed");
    assert_eq!(placed[0]["selector"], "subject:user:alice");
    assert_eq!(placed[0]["stop"], stop["stop_id"]);
    let refused = home.records_of("mint_refused").pop().unwrap();
    assert_eq!(refused["code"], "stopped");
    assert_eq!(refused["detail"], "subject:user:alice is stopped");
}

#[tokio::test]
async fn the_same_again_is_the_same_stop() {
    let home = home();
    let running = home.serve().await;
    let first = running.stop_as(&home, "operator", "tenant:acme").await;
    let again = running.stop_as(&home, "operator", "tenant:acme").await;
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.json["stop"], again.json["stop"]);
    // Another operator's stands by itself: lifting one of them leaves the other in force.
    let other = running.stop_as(&home, "admin", "tenant:acme").await;
    assert_eq!(other.status, 201);
    let stop = first.json["stop"]["stop_id"].as_str().unwrap();
    running.resumed(&home, stop).await;
    assert_eq!(running.mint(&draft()).await.code(), "stopped");
    running.stop().await;
}

#[tokio::test]
async fn who_may_and_who_may_not() {
    let home = home();
    let running = home.serve().await;
    for (role, status) in [
        ("admin", 201),
        ("operator", 201),
        ("approver", 403),
        ("auditor", 403),
    ] {
        let answer = running.stop_as(&home, role, "route:/support/draft").await;
        assert_eq!(answer.status, status, "{role}: {answer:?}");
    }
    let elsewhere = running.stop_as(&home, "admin", "environment:prod").await;
    assert_eq!(
        (elsewhere.status, elsewhere.code()),
        (400, "body_malformed")
    );
    assert_eq!(elsewhere.json["pointer"], "/selector");
    let list = running
        .as_operator(&home, "auditor", &Call::new("GET", "/v1/stops"))
        .await;
    assert_eq!(list.json["stops"].as_array().unwrap().len(), 2);
    let page = Call::new("GET", "/v1/stops").query("limit=1&active=true");
    let page = running.as_operator(&home, "auditor", &page).await;
    assert_eq!(page.json["stops"], json!([list.json["stops"][0]]));
    let rest = format!("after={}", page.json["next"].as_str().unwrap());
    let rest = Call::new("GET", "/v1/stops").query(&rest);
    let rest = running.as_operator(&home, "auditor", &rest).await;
    assert_eq!(rest.json, json!({"stops": [list.json["stops"][1]]}));
    let unknown = Call::new("GET", "/v1/stops/anything");
    assert_eq!(
        running.as_operator(&home, "auditor", &unknown).await.code(),
        "stop_unknown"
    );
    running.stop().await;
}

/// Persons are compared, not keys, and one who is no operator any more does not count.
#[tokio::test]
async fn what_is_wide_takes_two_people_to_resume() {
    let home = home();
    let second = format!(
        "[operators.\"op:twin\"]\nperson = \"operator\"\nkeys = [\"{}\"]\nroles = [\"operator\"]\n",
        key("twin").verifying_key()
    );
    std::fs::write(home.path("policy/twin.toml"), second).unwrap();
    let running = home.serve().await;
    for selector in ["everything", "environment:dev", "tenant:acme"] {
        let stop = running.stopped(&home, selector).await;
        let pending = running.lift_as(&home, "operator", &stop).await;
        assert_eq!(pending.status, 202, "{pending:?}");
        assert_eq!(pending.json["stop"]["state"], "in_force");
        assert_eq!(pending.json["stop"]["lift_asked"][0]["person"], "operator");
        for again in ["operator", "twin"] {
            assert_eq!(
                running.lift_as(&home, again, &stop).await.status,
                202,
                "{again}"
            );
        }
        assert_eq!(running.lift_as(&home, "auditor", &stop).await.status, 403);
        assert_eq!(running.mint(&draft()).await.code(), "stopped");
        // What one asked for a day ago counts no more.
        home.clock.advance(Duration::from_secs(24 * 60 * 60 + 1));
        let late = running.lift_as(&home, "admin", &stop).await;
        assert_eq!(late.status, 202, "{late:?}");
        let both = running.lift_as(&home, "twin", &stop).await;
        assert_eq!(both.status, 200, "{both:?}");
        assert_eq!(
            both.json["stop"]["lifted_by"],
            json!(["op:admin", "op:twin"])
        );
        assert_eq!(
            running.lift_as(&home, "admin", &stop).await.status,
            200,
            "twice is once"
        );
        assert_eq!(running.mint(&draft()).await.status, 201, "{selector}");
    }
    let stop = running.stopped(&home, "everything").await;
    assert_eq!(running.lift_as(&home, "operator", &stop).await.status, 202);
    // Whoever asked first leaves before the other asks.
    let operators = std::fs::read_to_string(home.path("policy/operators.toml")).unwrap();
    let left = operators.replace(
        "[operators.\"op:operator\"]\nperson = \"operator\"",
        "[operators.\"op:operator\"]\nperson = \"somebody\"",
    );
    std::fs::write(home.path("policy/operators.toml"), left).unwrap();
    std::fs::remove_file(home.path("policy/twin.toml")).unwrap();
    let reload = Call::new("POST", "/v1/policy/reload");
    assert_eq!(
        running.as_operator(&home, "admin", &reload).await.status,
        200
    );
    assert_eq!(running.lift_as(&home, "admin", &stop).await.status, 202);
    assert_eq!(running.lift_as(&home, "operator", &stop).await.status, 200);
    running.stop().await;
}

#[tokio::test]
async fn a_stop_ends_by_itself_and_leaves_its_cut_off() {
    let home = home();
    let running = home.serve().await;
    let minted = running.mint(&draft()).await.json;
    let body = json!({"selector": "route:/support/draft", "reason": "a while", "until": "2027-01-15T08:01:00.900Z"});
    let place = Call::new("POST", "/v1/stops").body(&body.to_string());
    let placed = running.as_operator(&home, "operator", &place).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    assert_eq!(placed.json["stop"]["until"], "2027-01-15T08:01:00.000Z");
    home.clock.advance(Duration::from_secs(59));
    assert_eq!(running.mint(&draft()).await.code(), "stopped");
    home.clock.advance(Duration::from_secs(1));
    let fresh = running.mint(&draft()).await;
    assert_eq!(fresh.status, 201, "{fresh:?}");
    let snapshot = running.snapshot(&home).await;
    let now = home.clock.now();
    assert_eq!(
        restricted(&snapshot, &minted, "kb.search", now),
        Some("cut off")
    );
    assert_eq!(restricted(&snapshot, &fresh.json, "kb.search", now), None);
    let past = Call::new("POST", "/v1/stops").body(&body.to_string());
    let past = running.as_operator(&home, "operator", &past).await;
    assert_eq!(
        (past.status, past.json["pointer"].as_str()),
        (400, Some("/until"))
    );
    running.stop().await;
}

#[tokio::test]
async fn a_stopped_tool_is_left_out_unless_it_is_named() {
    let home = home();
    let running = home.serve().await;
    let whole = running.mint(&draft()).await.json;
    assert_eq!(whole["tools"], json!(["kb.search", "tickets.get"]));
    home.clock.advance(Duration::from_secs(1));
    let stop = running.stopped(&home, "tool:kb.search").await;
    let without = running
        .mint(&with(draft(), "run_id", whole["run_id"].clone()))
        .await;
    assert_eq!(without.json["tools"], json!(["tickets.get"]), "{without:?}");
    let named = running
        .mint(&with(draft(), "tools", json!(["kb.search", "tickets.get"])))
        .await;
    assert_eq!(named.code(), "stopped");
    assert_eq!(
        named.json["detail"],
        format!("tool:kb.search is stopped by {stop}")
    );
    running.resumed(&home, &stop).await;
    let again = running
        .mint(&with(draft(), "run_id", whole["run_id"].clone()))
        .await;
    assert_eq!(again.json["tools"], whole["tools"], "the run lost nothing");
    running.stop().await;
}

#[tokio::test]
async fn tokens_and_secrets_are_revoked() {
    let home = home();
    let running = home.serve().await;
    let key = "one";
    let minted = running
        .tokens()
        .header("idempotency-key", key)
        .json(&draft());
    let minted = running.send(minted).await.json;
    let other = running.mint(&draft()).await.json;
    let revoked = running
        .revoke(
            &home,
            &json!({"token_id": minted["token_id"], "reason": "leaked"}),
        )
        .await;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    assert_eq!(revoked.json["run_id"], minted["run_id"]);
    assert_eq!(revoked.json["expires_at"], minted["expires_at"]);
    let snapshot = running.snapshot(&home).await;
    let now = home.clock.now();
    assert_eq!(
        restricted(&snapshot, &minted, "kb.search", now),
        Some("revoked")
    );
    assert_eq!(restricted(&snapshot, &other, "kb.search", now), None);
    let again = running
        .tokens()
        .header("idempotency-key", key)
        .json(&draft());
    assert_eq!(running.send(again).await.code(), "idempotency_spent");
    // One that nobody here knows may be what was lost.
    let unknown = format!("tok_{:012x}7000800000000000002a", 1_800_000_000_000_u64);
    let lost = running.revoke(&home, &json!({"token_id": unknown})).await;
    assert_eq!(lost.status, 200, "{lost:?}");
    assert!(lost.json["bundle_version"].is_u64() && lost.json["run_id"].is_null());
    assert_eq!(running.told(&home).await.revocations.len(), 2);

    let secrets = "/v1/clients/demo-orchestrator/secrets";
    let added = running
        .as_operator(&home, "admin", &Call::new("POST", secrets))
        .await;
    let id = added.json["secret_id"].clone();
    let retired = running.revoke(&home, &json!({"secret_id": id})).await;
    assert_eq!(retired.json["client"], "demo-orchestrator", "{retired:?}");
    let nobody = running.revoke(&home, &json!({"secret_id": "sec_0"})).await;
    assert_eq!((nobody.status, nobody.code()), (404, "not_found"));
    let secret = added.json["secret"].as_str().unwrap();
    let minted = running
        .tokens()
        .basic_auth("demo-orchestrator", Some(secret));
    assert_eq!(running.send(minted.json(&draft())).await.status, 401);
    // Once they have expired by every clock, nothing is said of them any more.
    home.clock.advance(Duration::from_secs(20 * 60));
    running.stopped(&home, "tenant:nobody").await;
    assert!(running.told(&home).await.revocations.is_empty());
    let late = running
        .revoke(&home, &json!({"token_id": other["token_id"]}))
        .await;
    assert!(late.json["bundle_version"].is_null(), "{late:?}");
    running.stop().await;
}

#[tokio::test]
async fn what_is_stopped_stays_so_after_a_restart_and_without_the_rows() {
    let home = home();
    let running = home.serve().await;
    running.stop().await;
    let store = home.path("authority.db");
    let old = std::fs::read(&store).unwrap();
    let running = restarted(&home).await;
    let minted = running.mint(&draft()).await.json;
    let stop = running.stopped(&home, "tenant:acme").await;
    let lifted = running.stopped(&home, "actor:agent:support-bot").await;
    running.resumed(&home, &lifted).await;
    running
        .revoke(&home, &json!({"token_id": minted["token_id"]}))
        .await;
    let told = running.told(&home).await;
    running.stop().await;
    // As after a kill between the records and the rows.
    std::fs::write(&store, old).unwrap();
    for round in ["an older store", "a restart"] {
        let running = restarted(&home).await;
        assert_eq!(running.told(&home).await, told, "{round}");
        assert_eq!(running.mint(&draft()).await.code(), "stopped", "{round}");
        let page = Call::new("GET", "/v1/stops").query("active=true");
        let page = running.as_operator(&home, "auditor", &page).await;
        assert_eq!(page.json["stops"][0]["stop_id"], stop.as_str());
        assert_eq!(page.json["stops"].as_array().unwrap().len(), 1);
        running.stop().await;
    }
    assert!(home.records_of("cut_off").is_empty(), "nothing was lost");
}

#[tokio::test]
async fn a_restored_authority_cuts_off_what_it_may_have_forgotten() {
    let home = home();
    let running = home.serve().await;
    running.mint(&draft()).await;
    let out = home.directory.with_file_name("copy");
    backup(&home.directory, &out, BackupKeys::Included).unwrap();
    let lost = running.mint(&draft()).await.json;
    running.stop().await;
    home.clock.advance(Duration::from_secs(30));
    let authority = Authority::open(&out, home.clock.clone()).unwrap();
    let secret = home.report.client_secret.expose();
    let running = Running::start(authority, "demo-orchestrator", secret).await;
    let fresh = running.mint(&draft()).await;
    assert_eq!(fresh.status, 201, "{fresh:?}");
    let snapshot = running.snapshot(&home).await;
    let now = home.clock.now();
    assert_eq!(
        restricted(&snapshot, &lost, "kb.search", now),
        Some("cut off")
    );
    assert_eq!(restricted(&snapshot, &fresh.json, "kb.search", now), None);
    running.stop().await;
    let records = crate::fixture::records(&out.join("journal"));
    let cut = records
        .iter()
        .filter(|record| record["kind"] == "cut_off")
        .count();
    assert_eq!(cut, 1);
    // The next start of the same directory is no restore.
    let authority = Authority::open(&out, home.clock.clone()).unwrap();
    drop(authority);
    let records = crate::fixture::records(&out.join("journal"));
    let cut = records
        .iter()
        .filter(|record| record["kind"] == "cut_off")
        .count();
    assert_eq!(cut, 1);
}

/// Only the journal and the store were put back: the mark beside the bundle says how far they were.
#[tokio::test]
async fn a_journal_that_is_older_than_what_was_published_is_noticed() {
    let home = home();
    home.serve().await.stop().await;
    let out = home.directory.with_file_name("copy");
    backup(&home.directory, &out, BackupKeys::Included).unwrap();
    let running = home.serve().await;
    let lost = running.mint(&draft()).await.json;
    running.stop().await;
    for part in ["journal", "authority.db"] {
        let (from, to) = (out.join(part), home.path(part));
        if from.is_dir() {
            std::fs::remove_dir_all(&to).unwrap();
            std::fs::create_dir(&to).unwrap();
            for entry in std::fs::read_dir(&from).unwrap() {
                let entry = entry.unwrap().path();
                std::fs::copy(&entry, to.join(entry.file_name().unwrap())).unwrap();
            }
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
    home.clock.advance(Duration::from_secs(30));
    let running = home.serve().await;
    let snapshot = running.snapshot(&home).await;
    let denied = restricted(&snapshot, &lost, "kb.search", home.clock.now());
    assert_eq!(denied, Some("cut off"));
    running.stop().await;
    assert_eq!(home.records_of("cut_off").len(), 1);
}
