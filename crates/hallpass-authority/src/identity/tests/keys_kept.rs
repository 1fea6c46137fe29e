//! How keys are fetched, kept and given up.

use std::sync::Arc;
use std::time::Duration;

use hallpass_vocabulary::Timestamp;
use serde_json::json;

use super::issuer_server::{Answer, IssuerServer};
use super::keys::{TestKey, set};
use super::{claims, identity, key_file, now, settings, with};
use crate::identity::Identity;
use crate::identity::source::Location;
use crate::identity::subject::SubjectTokenError;

const UNAVAILABLE: SubjectTokenError = SubjectTokenError::Unavailable;

fn later(seconds: u64) -> Timestamp {
    now().after(Duration::from_secs(seconds))
}

/// A token that is good for days.
fn lasting(key: &TestKey) -> String {
    key.token(&with(
        claims(),
        "exp",
        json!(super::NOW + 10 * 24 * 60 * 60),
    ))
}

async fn served(keys: &[&TestKey]) -> (IssuerServer, Identity) {
    let server = IssuerServer::start(Answer::Body(set(keys))).await;
    let identity = identity(vec![settings(Location::Url(server.url("/jwks")))]);
    (server, identity)
}

async fn accepts(identity: &Identity, token: &str, at: Timestamp) -> Result<(), SubjectTokenError> {
    identity.verify_subject(token, at).await.map(|_| ())
}

#[tokio::test]
async fn keys_are_fetched_once_and_an_unknown_one_asks_again_every_half_minute_at_most() {
    let (old, new) = (TestKey::ed("old", 1), TestKey::ed("new", 2));
    let (server, identity) = served(&[&old]).await;
    for _ in 0..20 {
        assert_eq!(accepts(&identity, &lasting(&old), now()).await, Ok(()));
    }
    assert_eq!(server.asked(), 1);
    // The issuer has a new key; so does somebody who invents them.
    server.answers(Answer::Body(set(&[&old, &new])));
    for n in 0..20 {
        let invented = TestKey::ed(&format!("invented-{n}"), 3);
        assert!(
            accepts(&identity, &lasting(&invented), later(29))
                .await
                .is_err()
        );
    }
    assert_eq!(server.asked(), 1);
    assert_eq!(accepts(&identity, &lasting(&new), later(30)).await, Ok(()));
    assert_eq!(server.asked(), 2);
    for n in 0..20 {
        let invented = TestKey::ed(&format!("invented-{n}"), 3);
        assert!(
            accepts(&identity, &lasting(&invented), later(40))
                .await
                .is_err()
        );
    }
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn keys_outlive_their_issuer_by_a_day_and_come_back_with_it() {
    let key = TestKey::ed("a", 1);
    let (server, identity) = served(&[&key]).await;
    assert_eq!(accepts(&identity, &lasting(&key), now()).await, Ok(()));
    server.answers(Answer::Status(503));
    let day = 24 * 60 * 60;
    for at in [60, 3_600, day] {
        assert_eq!(
            accepts(&identity, &lasting(&key), later(at)).await,
            Ok(()),
            "{at}"
        );
    }
    assert_eq!(
        accepts(&identity, &lasting(&key), later(day + 60)).await,
        Err(UNAVAILABLE)
    );
    server.answers(Answer::Body(set(&[&key])));
    assert_eq!(
        accepts(&identity, &lasting(&key), later(day + 120)).await,
        Ok(())
    );
}

#[tokio::test]
async fn a_key_that_is_taken_off_the_set_is_given_up() {
    let (kept, gone) = (TestKey::ed("kept", 1), TestKey::ed("gone", 2));
    let (server, identity) = served(&[&kept, &gone]).await;
    assert_eq!(accepts(&identity, &lasting(&gone), now()).await, Ok(()));
    server.answers(Answer::Body(set(&[&kept])));
    // Nobody waits for this fetch: it runs beside the use of the keys there are.
    assert_eq!(
        accepts(&identity, &lasting(&gone), later(301)).await,
        Ok(())
    );
    let given_up = async {
        while accepts(&identity, &lasting(&gone), later(302))
            .await
            .is_ok()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), given_up)
        .await
        .unwrap();
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn whoever_has_a_known_key_waits_for_nobody() {
    let key = TestKey::ed("a", 1);
    let (server, identity) = served(&[&key]).await;
    assert_eq!(accepts(&identity, &lasting(&key), now()).await, Ok(()));
    server.answers(Answer::Wait);
    let identity = Arc::new(identity);
    let (asking, unknown) = (Arc::clone(&identity), lasting(&TestKey::ed("unknown", 2)));
    let waiting = tokio::spawn(async move { accepts(&asking, &unknown, later(60)).await });
    server.somebody_waits().await;
    for _ in 0..100 {
        assert_eq!(accepts(&identity, &lasting(&key), later(60)).await, Ok(()));
    }
    assert!(
        !waiting.is_finished(),
        "the fetch hangs, and nobody else does"
    );
    // It ends by itself, in bounded time.
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert!(waited.unwrap().unwrap().is_err());
}

#[tokio::test]
async fn an_answer_that_is_no_set_is_none() {
    let key = TestKey::ed("a", 1);
    let elsewhere = IssuerServer::start(Answer::Body(set(&[&key]))).await;
    let redirect = elsewhere.url("/jwks").replace("127.0.0.1", "localhost");
    for answer in [
        Answer::Body("<html>".to_owned()),
        Answer::Body("{\"keys\":{}}".to_owned()),
        Answer::Endless,
        Answer::Redirect(redirect),
        Answer::Redirect(elsewhere.url("/jwks")),
        Answer::Redirect("/jwks".to_owned()),
        Answer::Status(404),
        Answer::Status(500),
    ] {
        let server = IssuerServer::start(answer).await;
        let identity = identity(vec![settings(Location::Url(server.url("/jwks")))]);
        assert_eq!(
            accepts(&identity, &lasting(&key), now()).await,
            Err(UNAVAILABLE)
        );
    }
    assert_eq!(elsewhere.asked(), 0, "redirects stay on their host");
}

#[tokio::test]
async fn discovery_is_believed_for_its_own_issuer_only() {
    let key = TestKey::ed("a", 1);
    let server = IssuerServer::start(Answer::Body(set(&[&key]))).await;
    let issuer = server.url("");
    let jwks = server.url("/keys");
    for (document, accepted) in [
        (json!({"issuer": issuer, "jwks_uri": jwks}), true),
        (
            json!({"issuer": "https://evil.example", "jwks_uri": jwks}),
            false,
        ),
        (
            json!({"issuer": format!("{issuer}/"), "jwks_uri": jwks}),
            false,
        ),
        (
            json!({"issuer": issuer, "jwks_uri": "http://idp.example/keys"}),
            false,
        ),
        (
            json!({"issuer": issuer, "jwks_uri": "file:///etc/passwd"}),
            false,
        ),
        (json!({"issuer": issuer}), false),
        (json!([]), false),
    ] {
        server.discovery(document.to_string());
        let mut settings = settings(Location::Discovery);
        settings.issuer.clone_from(&issuer);
        let identity = identity(vec![settings]);
        let token = key.token(&with(claims(), "iss", json!(issuer)));
        assert_eq!(
            accepts(&identity, &token, now()).await.is_ok(),
            accepted,
            "{document}"
        );
    }
}

#[tokio::test]
async fn a_file_is_read_again_for_a_key_it_did_not_have() {
    let (old, new) = (TestKey::ed("old", 1), TestKey::ed("new", 2));
    let (_directory, path) = key_file(&[&old]);
    let identity = identity(vec![settings(Location::File(path.clone()))]);
    assert_eq!(accepts(&identity, &lasting(&old), now()).await, Ok(()));
    std::fs::write(&path, set(&[&new])).unwrap();
    assert_eq!(accepts(&identity, &lasting(&new), later(30)).await, Ok(()));
    assert!(accepts(&identity, &lasting(&old), later(30)).await.is_err());
    std::fs::remove_file(&path).unwrap();
    assert_eq!(
        accepts(&identity, &lasting(&new), later(3_600)).await,
        Ok(())
    );
}

#[test]
fn keys_come_by_https_or_from_this_machine() {
    use crate::identity::source::Source;
    for (url, fits) in [
        ("https://idp.example/jwks", true),
        ("http://127.0.0.1:1/jwks", true),
        ("http://[::1]:1/jwks", true),
        ("http://localhost/jwks", true),
        ("http://idp.example/jwks", false),
        ("http://127.0.0.1.example/jwks", false),
        ("ftp://127.0.0.1/jwks", false),
        ("/jwks", false),
        ("", false),
    ] {
        let source = Source::new("https://idp.example", Location::Url(url.to_owned()), None);
        assert_eq!(source.is_ok(), fits, "{url}");
    }
    let missing = Some("/nowhere/ca.pem".into());
    assert!(Source::new("https://idp.example", Location::Discovery, missing).is_err());
}
