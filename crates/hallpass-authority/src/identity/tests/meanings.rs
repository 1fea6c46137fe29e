//! What the claims of a good token mean.

use serde_json::{Value, json};

use super::keys::TestKey;
use super::{NOW, claims, identity, key_file, now, settings, with};
use crate::identity::source::Location;
use crate::identity::subject::VerifiedSubject;

async fn read(
    change: impl FnOnce(&mut super::Settings),
    claims: &Value,
) -> Option<VerifiedSubject> {
    let key = TestKey::ed("ed", 1);
    let (_directory, path) = key_file(&[&key]);
    let mut settings = settings(Location::File(path));
    change(&mut settings);
    let identity = identity(vec![settings]);
    identity
        .verify_subject(&key.token(claims), now())
        .await
        .ok()
}

fn roles(verified: &VerifiedSubject) -> Vec<&str> {
    verified.roles.iter().map(|role| role.as_str()).collect()
}

#[tokio::test]
async fn claims_are_roles_only_where_the_policy_says_which() {
    for (groups, expected) in [
        (
            json!(["support-team", "everyone", "leads"]),
            &["lead", "support"][..],
        ),
        (json!("support-team"), &["support"]),
        (json!("support-team,leads"), &[]),
        (json!(["support"]), &[]),
        (json!([["support-team"], 7, null]), &[]),
        (json!({"support-team": true}), &[]),
        (json!(null), &[]),
    ] {
        let verified = read(|_| {}, &with(claims(), "groups", groups.clone()))
            .await
            .unwrap();
        assert_eq!(roles(&verified), expected, "{groups}");
    }
    let verified = read(
        |settings| settings.roles_claim = None,
        &with(claims(), "groups", json!(["leads"])),
    )
    .await;
    assert!(verified.unwrap().roles.is_empty());
    let nested = with(claims(), "realm_access", json!({"roles": ["leads"]}));
    let verified = read(
        |settings| settings.roles_claim = Some("realm_access/roles".to_owned()),
        &nested,
    )
    .await;
    assert_eq!(roles(&verified.unwrap()), ["lead"]);
}

#[tokio::test]
async fn the_subject_is_the_claim_the_policy_names_behind_its_prefix() {
    let email = with(claims(), "email", json!("alice@example.com"));
    let verified = read(
        |settings| settings.subject_claim = "email".to_owned(),
        &email,
    )
    .await
    .unwrap();
    assert_eq!(verified.subject.as_str(), "user:alice@example.com");
    assert_eq!((verified.issuer.as_str(), verified.tenant), ("idp", None));
    assert_eq!(verified.expires.unix_seconds(), NOW + 600);
    // What would be an agent, or no subject at all, is refused.
    for prefix in ["agent:", "", ":"] {
        let verified = read(
            |settings| settings.subject_prefix = prefix.to_owned(),
            &claims(),
        )
        .await;
        assert_eq!(verified, None, "{prefix}");
    }
}

#[tokio::test]
async fn a_tenant_claim_must_be_there_and_be_a_tenant() {
    let tenant = |settings: &mut super::Settings| settings.tenant_claim = Some("org".to_owned());
    let verified = read(tenant, &with(claims(), "org", json!("acme")))
        .await
        .unwrap();
    assert_eq!(verified.tenant.unwrap().as_str(), "acme");
    for bad in [json!("a b"), json!(""), json!(["acme"]), json!(7)] {
        assert_eq!(
            read(tenant, &with(claims(), "org", bad.clone())).await,
            None,
            "{bad}"
        );
    }
    assert_eq!(read(tenant, &claims()).await, None);
}

/// What a Kubernetes cluster says of a service account (projected token, trimmed).
fn service_account() -> Value {
    let account = with(claims(), "sub", json!("system:serviceaccount:agents:bot"));
    with(
        account,
        "kubernetes.io",
        json!({
            "namespace": "agents",
            "pod": {"name": "bot-0", "uid": "7b1e"},
            "serviceaccount": {"name": "bot", "uid": "43fa"},
        }),
    )
}

#[tokio::test]
async fn a_workload_is_the_one_client_that_it_fits() {
    let key = TestKey::ed("ed", 1);
    let (_directory, path) = key_file(&[&key]);
    let identity = identity(vec![settings(Location::File(path))]);
    let verified = identity
        .verify_workload(&key.token(&service_account()), now())
        .await
        .unwrap();
    assert_eq!(
        (verified.client.as_str(), verified.issuer.as_str()),
        ("bot", "idp")
    );
    for other in [
        with(
            service_account(),
            "sub",
            json!("system:serviceaccount:agents:bot2"),
        ),
        with(
            service_account(),
            "sub",
            json!("system:serviceaccount:default:bot"),
        ),
        with(
            service_account(),
            "kubernetes.io",
            json!({"namespace": "default"}),
        ),
        with(
            service_account(),
            "kubernetes.io",
            json!({"namespace": ["agents"]}),
        ),
        with(service_account(), "kubernetes.io", json!("agents")),
        with(
            service_account(),
            "aud",
            json!("https://kubernetes.default.svc"),
        ),
        with(service_account(), "exp", json!(NOW - 60)),
    ] {
        assert!(
            identity
                .verify_workload(&key.token(&other), now())
                .await
                .is_err(),
            "{other}"
        );
    }
}
