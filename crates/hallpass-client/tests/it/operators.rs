//! An operator's requests: signed for what they are, each once.

use std::collections::BTreeSet;
use std::sync::Arc;

use hallpass_client::{
    BaseUrl, OPERATOR_ANSWER_BYTES_MAX, OperatorClient, OperatorError, TransportError,
};
use hallpass_keys::http_signature::{ContentDigest, SignedParts, UnverifiedSignature};
use hallpass_keys::{Purpose, SigningKey};
use hallpass_vocabulary::{Clock, Environment, Timestamp};
use serde_json::json;

use crate::server::{self, Seen, Server};

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}

fn environment() -> Environment {
    Environment::new("prod").unwrap()
}

fn key(purpose: Purpose, environment: Environment) -> SigningKey {
    SigningKey::from_seed(purpose, environment, [5; 32])
}

fn client(base: &BaseUrl) -> OperatorClient {
    client_with(base, key(Purpose::Operator, environment()))
}

fn client_with(base: &BaseUrl, key: SigningKey) -> OperatorClient {
    let authority = "prod.hallpass".parse().unwrap();
    OperatorClient::new(base.clone(), authority, environment(), key, Arc::new(Still)).unwrap()
}

/// As an authority verifies it; answers the nonce.
fn verified(seen: &Seen) -> String {
    let header = |name: &str| {
        assert_eq!(seen.headers.get_all(name).iter().count(), 1, "{name}");
        seen.headers[name].to_str().unwrap()
    };
    let (path, query) = match seen.path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (seen.path.as_str(), None),
    };
    let parts = SignedParts {
        method: seen.method.as_str(),
        path,
        query,
        content_digest: header("content-digest"),
        authority: header("hallpass-authority"),
    };
    let signature =
        UnverifiedSignature::parse(header("signature-input"), header("signature")).unwrap();
    let key = key(Purpose::Operator, environment()).verifying_key();
    signature.verify(&key, &parts, NOW).unwrap();
    assert!(
        ContentDigest::parse(parts.content_digest)
            .unwrap()
            .matches(&seen.body)
    );
    assert_eq!(parts.authority, "prod.hallpass/prod");
    assert!(!seen.headers.contains_key("authorization"));
    signature.nonce().to_string()
}

#[tokio::test]
async fn every_request_is_signed_as_it_is_sent_and_no_two_alike() {
    let server = Server::start(200, json!({"clients": []}).to_string()).await;
    let client = client(&server.base);
    let bot = "bot".parse().unwrap();
    assert_eq!(client.clients().await.unwrap(), []);
    assert_eq!(client.clients().await.unwrap(), []);
    server.answers(200, &[], json!({"until": NOW}).to_string());
    assert_eq!(client.retire_secret(&bot, "sec_1", 60).await.unwrap(), NOW);
    client.set_enabled(&bot, false).await.unwrap();
    client.set_enabled(&bot, true).await.unwrap();
    server.answers(
        201,
        &[],
        json!({"client": "bot", "secret_id": "sec_1", "secret": "hps_x"}).to_string(),
    );
    let added = client.add_secret(&bot, Some(60)).await.unwrap();
    assert_eq!((added.secret.expose(), added.until), ("hps_x", None));
    assert!(!format!("{added:?}").contains("hps_x"));
    server.answers(
        200,
        &[],
        json!({"operators": [], "groups": [], "new": 1}).to_string(),
    );
    assert_eq!(client.operators().await.unwrap().operators, []);

    let seen = server.seen();
    let shown: Vec<String> = seen
        .iter()
        .map(|it| format!("{} {}", it.method, it.path))
        .collect();
    assert_eq!(
        shown,
        [
            "GET /v1/clients",
            "GET /v1/clients",
            "DELETE /v1/clients/bot/secrets/sec_1?after_seconds=60",
            "POST /v1/clients/bot/disable",
            "POST /v1/clients/bot/enable",
            "POST /v1/clients/bot/secrets",
            "GET /v1/operators",
        ]
    );
    let nonces: BTreeSet<String> = seen.iter().map(verified).collect();
    assert_eq!(nonces.len(), seen.len());
}

#[tokio::test]
async fn a_prefix_of_a_proxy_is_not_signed() {
    let server = Server::start(200, json!({"clients": []}).to_string()).await;
    let prefixed = BaseUrl::new(&format!("{}/hallpass", server.base)).unwrap();
    client(&prefixed).clients().await.unwrap();
    let mut seen = server.seen().remove(0);
    assert_eq!(seen.path, "/hallpass/v1/clients");
    seen.path = "/v1/clients".to_owned();
    verified(&seen);
}

#[tokio::test]
async fn a_key_of_another_environment_or_purpose_signs_nothing() {
    let server = Server::start(200, "{}").await;
    let dev = Environment::new("dev").unwrap();
    for key in [
        key(Purpose::Operator, dev),
        key(Purpose::Run, environment()),
    ] {
        let error = client_with(&server.base, key).clients().await.unwrap_err();
        assert!(matches!(error, OperatorError::Sign(_)), "{error:?}");
    }
    let error = client(&server.base)
        .send("GET", "/a b", None, b"")
        .await
        .unwrap_err();
    assert!(matches!(error, OperatorError::Sign(_)), "{error:?}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn every_other_answer_is_an_error_that_says_what_it_is() {
    let problem =
        json!({"code": "operator_forbidden", "title": "No.", "instance": "req_1"}).to_string();
    let server = Server::start(403, problem).await;
    let client = client(&server.base);
    match client.clients().await.unwrap_err() {
        OperatorError::Refused(problem) => assert_eq!(
            (problem.status, problem.code.as_str()),
            (403, "operator_forbidden")
        ),
        other => panic!("{other:?}"),
    }
    for (status, body) in [(500, "oops"), (200, "{}"), (200, "oops"), (302, "")] {
        server.answers(status, &[("location", "http://127.0.0.1:1/")], body);
        let error = client.clients().await.unwrap_err();
        assert!(
            matches!(error, OperatorError::Unreadable { status: got } if got == status),
            "{error:?}"
        );
    }
    server.answers(200, &[], vec![b' '; OPERATOR_ANSWER_BYTES_MAX + 1]);
    let error = client.clients().await.unwrap_err();
    assert!(
        matches!(
            error,
            OperatorError::Transport(TransportError::TooLarge { .. })
        ),
        "{error:?}"
    );
    let error = client_with(
        &server::nobody().await,
        key(Purpose::Operator, environment()),
    )
    .clients()
    .await;
    assert!(matches!(
        error.unwrap_err(),
        OperatorError::Transport(TransportError::Http(_))
    ));
}
