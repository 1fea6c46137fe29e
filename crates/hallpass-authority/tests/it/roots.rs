//! A root takes the place of another, and with it the keys of bundles and heartbeats.

use std::time::Duration;

use hallpass_authority::{Authority, RootRefused, install_root};
use hallpass_bundle::{Role, Root, RootDraft, accept, believe_root};
use hallpass_keys::dsse::Envelope;
use hallpass_keys::key_file::{read_key_file, write_key_file};
use hallpass_keys::{Purpose, SigningKey, VerifyingKey};
use hallpass_vocabulary::Clock as _;
use serde_json::{Value, json};

use crate::fixture::{Answer, Home, Running};
use crate::signing::{Call, enrol};

/// Another root key, of another person.
fn root_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(Purpose::Root, "dev".parse().unwrap(), [seed; 32])
}

/// The root key of the directory.
fn first_key(home: &Home) -> SigningKey {
    let dev = "dev".parse().unwrap();
    read_key_file(&home.report.root_key_path, Purpose::Root, &dev).unwrap()
}

/// The roots of the directory, and the last of them.
fn chain(home: &Home) -> (Vec<Envelope>, Root) {
    let read = |version: u32| std::fs::read(home.path(&format!("roots/{version}.json"))).ok();
    let texts = (1..).map_while(read);
    let envelopes: Vec<Envelope> = texts
        .map(|json| Envelope::from_json(&json).unwrap())
        .collect();
    let root = believe_root(&envelopes, &home.report.trust_root, home.clock.now()).unwrap();
    (envelopes, root)
}

/// What the next root of the directory says where it changes nothing.
fn draft(home: &Home) -> (Root, RootDraft) {
    let (_, root) = chain(home);
    let draft = RootDraft {
        authority: root.authority().clone(),
        environment: root.environment().clone(),
        root: root.root().clone(),
        bundle: root.bundle().clone(),
        heartbeat: root.heartbeat().clone(),
        expires: home
            .clock
            .now()
            .after(Duration::from_secs(365 * 24 * 60 * 60)),
    };
    (root, draft)
}

/// The next root of the directory, with other root keys beside the first and another threshold, signed by all of them.
pub fn next(home: &Home, others: &[SigningKey], threshold: usize) -> Envelope {
    let first = first_key(home);
    let keys: Vec<&SigningKey> = std::iter::once(&first).chain(others).collect();
    let (root, mut draft) = draft(home);
    let public: Vec<VerifyingKey> = keys.iter().map(|key| key.verifying_key()).collect();
    draft.root = Role::new(public, threshold);
    let next = root.next(draft, home.clock.now()).unwrap();
    next.sign(Some(&root), &keys).unwrap()
}

async fn install(home: &Home, running: &Running, root: &Envelope) -> Answer {
    let body = String::from_utf8(root.to_json()).unwrap();
    let call = Call::new("POST", "/v1/roots").body(&body);
    running.as_operator(home, "admin", &call).await
}

async fn published(running: &Running) -> Vec<u8> {
    let request = running.http.get(running.url("/v1/bundle"));
    request
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap()
        .to_vec()
}

async fn prepared(home: &Home, running: &Running, purpose: &str) -> VerifyingKey {
    let body = json!({"purpose": purpose}).to_string();
    let call = Call::new("POST", "/v1/keys/rotate").body(&body);
    let answer = running.as_operator(home, "admin", &call).await;
    assert_eq!(answer.json["phase"], "root", "{answer:?}");
    answer.json["public_key"].as_str().unwrap().parse().unwrap()
}

async fn listed(home: &Home, running: &Running, purpose: &str) -> Vec<Value> {
    let call = Call::new("GET", "/v1/keys");
    let answer = running.as_operator(home, "auditor", &call).await;
    let mut keys = answer.json["keys"].as_array().unwrap().clone();
    keys.retain(|key| key["purpose"] == purpose && key["standing"] == "active");
    keys
}

#[tokio::test]
async fn keys_of_bundles_and_heartbeats_change_with_the_root_and_verifiers_follow() {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    let before = published(&running).await;
    let (pinned, now) = (&home.report.trust_root, home.clock.now());
    let before = accept(&before, pinned, None, now).unwrap();

    let bundle = prepared(&home, &running, "bundle").await;
    let heartbeat = prepared(&home, &running, "heartbeat").await;
    assert_eq!(
        prepared(&home, &running, "bundle").await,
        bundle,
        "asking again makes no other"
    );
    let (root, mut draft) = draft(&home);
    // Two of three people from now on, and both keys of bundles for a while.
    let (ann, ben) = (root_key(0x51), root_key(0x52));
    let first = first_key(&home);
    let people = [&first, &ann, &ben].map(SigningKey::verifying_key);
    draft.root = Role::new(people.to_vec(), 2);
    draft.bundle = Role::new(vec![root.bundle().keys()[0], bundle], 2);
    draft.heartbeat = Role::single(heartbeat);
    let second = root.next(draft, now).unwrap();
    assert!(
        second.sign(Some(&root), &[&ann, &ben]).is_err(),
        "the old root has not signed"
    );
    assert!(
        second.sign(Some(&root), &[&first]).is_err(),
        "the new root asks for two"
    );
    let envelope = second.sign(Some(&root), &[&first, &ben]).unwrap();
    let installed = install(&home, &running, &envelope).await;
    assert_eq!(installed.status, 200, "{installed:?}");
    assert_eq!(
        (&installed.json["version"], &installed.json["changed"]),
        (&json!(2), &json!(true))
    );
    let again = install(&home, &running, &envelope).await;
    assert_eq!(again.json["changed"], json!(false));

    home.clock.advance(Duration::from_secs(2));
    let now = home.clock.now();
    let after = accept(
        &published(&running).await,
        pinned,
        Some(before.high_water()),
        now,
    )
    .unwrap();
    assert!(after.version() > before.version());
    // Whoever is set up now may pin the new root.
    accept(&published(&running).await, &second.trust_root(), None, now).unwrap();
    assert_eq!(listed(&home, &running, "bundle").await.len(), 2);
    let heartbeats = listed(&home, &running, "heartbeat").await;
    assert_eq!(heartbeats[0]["public_key"], json!(heartbeat.to_string()));
    assert_eq!(home.records_of("root_installed").len(), 1);
    running.stop().await;

    // It is still so after a restart, and the third root wants two of the three.
    let running = home.serve().await;
    accept(
        &published(&running).await,
        pinned,
        Some(after.high_water()),
        now,
    )
    .unwrap();
    let (root, draft) = self::draft(&home);
    assert_eq!(root.version(), 2);
    let third = root.next(draft, now).unwrap();
    let alone = Envelope::sign(
        hallpass_bundle::ROOT_PAYLOAD_TYPE,
        third.to_payload(),
        &[&ann],
    )
    .unwrap();
    let refused = install(&home, &running, &alone).await;
    assert_eq!(
        (refused.status, refused.code()),
        (422, "root_refused"),
        "{refused:?}"
    );
    let both = third.sign(Some(&root), &[&ann, &ben]).unwrap();
    assert_eq!(install(&home, &running, &both).await.json["version"], 3);
    accept(
        &published(&running).await,
        pinned,
        Some(after.high_water()),
        now,
    )
    .unwrap();
    running.stop().await;
}

#[tokio::test]
async fn a_root_that_would_leave_nobody_to_sign_is_refused() {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    let before = published(&running).await;
    let (root, mut draft) = draft(&home);
    let elsewhere = SigningKey::from_seed(Purpose::Bundle, "dev".parse().unwrap(), [0x61; 32]);
    draft.bundle = Role::single(elsewhere.verifying_key());
    let next = root.next(draft, home.clock.now()).unwrap();
    let envelope = next.sign(Some(&root), &[&first_key(&home)]).unwrap();
    let refused = install(&home, &running, &envelope).await;
    assert_eq!((refused.status, refused.code()), (422, "root_refused"));
    let detail = refused.json["detail"].as_str().unwrap();
    assert_eq!(
        detail,
        "0 of the bundle keys of the root are here, and 1 must sign"
    );
    assert_eq!(published(&running).await, before);
    assert!(home.records_of("root_installed").is_empty());
    // With the file of its key there, it is taken.
    write_key_file(&home.path("keys/bundle-elsewhere.key"), &elsewhere).unwrap();
    assert_eq!(install(&home, &running, &envelope).await.status, 200);
    running.stop().await;
}

#[tokio::test]
async fn a_root_that_expired_is_replaced_while_the_authority_does_not_run() {
    let home = Home::new();
    home.clock
        .advance(Duration::from_secs(4 * 365 * 24 * 60 * 60));
    let envelope = next(&home, &[root_key(0x51)], 1);
    let clock: std::sync::Arc<dyn hallpass_vocabulary::Clock> = home.clock.clone();
    home.clock.advance(Duration::from_secs(400 * 24 * 60 * 60));
    Authority::open(&home.directory, clock.clone()).unwrap_err();
    let late = install_root(&home.directory, &envelope.to_json(), &clock).unwrap_err();
    assert!(
        matches!(late, RootRefused::Believe(_)),
        "it expired too: {late:?}"
    );

    home.clock.rewind(Duration::from_secs(100 * 24 * 60 * 60));
    let installed = install_root(&home.directory, &envelope.to_json(), &clock).unwrap();
    assert_eq!((installed.version, installed.changed), (2, true));
    let again = install_root(&home.directory, &envelope.to_json(), &clock).unwrap();
    assert!(!again.changed);
    assert_eq!(home.records_of("root_installed").len(), 1);
    let running = home.serve().await;
    let pinned = &home.report.trust_root;
    accept(&published(&running).await, pinned, None, home.clock.now()).unwrap();
    let busy = install_root(&home.directory, &envelope.to_json(), &clock).unwrap_err();
    assert!(
        matches!(busy, RootRefused::Journal(_)),
        "the journal is in use: {busy:?}"
    );
    running.stop().await;
}
