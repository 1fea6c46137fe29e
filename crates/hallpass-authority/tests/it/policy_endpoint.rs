//! The policy, read again by an operator's signed request.

use serde_json::json;

use crate::fixture::{Home, draft, with};
use crate::policy_reload::rewrite;
use crate::signing::{Call, enrol};

fn reload() -> Call {
    Call::new("POST", "/v1/policy/reload").body("{}")
}

#[tokio::test]
async fn an_admin_puts_the_policy_on_disk_in_force_and_nobody_else() {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    rewrite(&home, "\"globex\"", "\"globex\", \"initech\"");
    for role in ["approver", "auditor", "operator"] {
        let refused = running.as_operator(&home, role, &reload()).await;
        assert_eq!(
            (refused.status, refused.code()),
            (403, "operator_forbidden")
        );
    }
    let before = running
        .as_operator(&home, "auditor", &Call::new("GET", "/v1/policy"))
        .await;
    assert_eq!(before.status, 200, "{before:?}");
    let done = running.as_operator(&home, "admin", &reload()).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(done.json["changed"], true);
    assert_eq!(done.json["widenings"].as_array().unwrap().len(), 4);
    let after = running
        .as_operator(&home, "auditor", &Call::new("GET", "/v1/policy"))
        .await;
    assert_ne!(after.json["policy"], before.json["policy"]);
    for member in ["policy", "bundle_version", "warnings"] {
        assert_eq!(after.json[member], done.json[member], "{member}");
    }
    let minted = running
        .mint(&with(draft(), "tenant", json!("initech")))
        .await;
    assert_eq!(minted.status, 201, "{minted:?}");
    let loaded = home.records_of("policy_loaded").pop().unwrap();
    assert_eq!(loaded["by"], "op:admin");
    running.stop().await;
}

#[tokio::test]
async fn a_refused_policy_is_told_with_every_fault_and_changes_nothing() {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    rewrite(
        &home,
        "\"kb.search\", \"tickets.get\"]",
        "\"kb.serch\", \"tickets.get\"]",
    );
    let refused = running.as_operator(&home, "admin", &reload()).await;
    assert_eq!((refused.status, refused.code()), (422, "policy_refused"));
    let detail = refused.json["detail"].as_str().unwrap();
    assert_eq!(detail.lines().count(), 2, "{detail}");
    assert!(detail.contains("did you mean `kb.search`?"), "{detail}");
    assert_eq!(running.mint(&draft()).await.status, 201);
    let record = home.records_of("policy_refused").pop().unwrap();
    assert_eq!(record["by"], "op:admin");
    running.stop().await;
}

/// Who is taken out of the policy is out with the reload, also who asked for it.
#[tokio::test]
async fn an_operator_who_is_no_longer_in_the_policy_is_out_at_once() {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    let path = home.path("policy/operators.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let (_, others) = text.split_once("\n\n").unwrap();
    std::fs::write(&path, others).unwrap();
    let done = running.as_operator(&home, "admin", &reload()).await;
    assert_eq!(
        (done.status, done.json["narrowings"].as_u64()),
        (200, Some(1))
    );
    let again = running.as_operator(&home, "admin", &reload()).await;
    assert_eq!((again.status, again.code()), (401, "operator_unauthorized"));
    let other = running
        .as_operator(&home, "auditor", &Call::new("GET", "/v1/policy"))
        .await;
    assert_eq!(other.status, 200);
    running.stop().await;
}
