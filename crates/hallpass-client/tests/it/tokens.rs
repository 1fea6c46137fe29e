use std::error::Error as _;

use hallpass_client::{
    BaseUrl, Behalf, ClientSecret, SubjectToken, TOKEN_ANSWER_BYTES_MAX, TokenClient, TokenError,
    TokenRequest, TransportError,
};
use hallpass_vocabulary::{ClientId, RunId, Timestamp, TokenId};
use serde_json::{Value, json};

use crate::server::{self, Server};

pub const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);

pub fn client(base: &BaseUrl) -> TokenClient {
    let secret = ClientSecret::new("hps_0123456789").unwrap();
    TokenClient::new(base.clone(), ClientId::new("orchestrator").unwrap(), secret).unwrap()
}

pub fn request() -> TokenRequest {
    TokenRequest::new(
        "/support/draft".parse().unwrap(),
        "acme".parse().unwrap(),
        Behalf::Asserted("user:alice".parse().unwrap()),
        "agent:support-bot".parse().unwrap(),
    )
}

fn answer() -> Value {
    json!({
        "token": "hp1.abc",
        "token_id": TokenId::new(NOW, [1; 10]),
        "run_id": RunId::new(NOW, [2; 10]),
        "expires_at": "2026-11-18T11:21:40Z",
        "route": "/support/draft",
        "tenant": "acme",
        "audiences": ["tickets"],
        "tools": ["kb.search", "tickets.get"],
        "needs_approval": [],
        "from_a_later_version": true,
    })
}

#[tokio::test]
async fn asks_as_the_client_and_reads_the_grant() {
    let server = Server::start(201, answer().to_string()).await;
    let token = client(&server.base).request(&request()).await.unwrap();
    assert_eq!(token.token.expose(), "hp1.abc");
    assert_eq!(token.token_id, TokenId::new(NOW, [1; 10]));
    assert_eq!(token.run_id, RunId::new(NOW, [2; 10]));
    assert_eq!(token.expires_at.to_string(), "2026-11-18T11:21:40.000Z");
    assert_eq!(token.tools.len(), 2);
    assert_eq!(token.audiences[0].as_str(), "tickets");
    assert!(!format!("{token:?}").contains("abc"));

    let seen = server.seen().remove(0);
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("POST", "/v1/tokens")
    );
    // RFC 7617: base64 of `orchestrator:hps_0123456789`.
    assert_eq!(
        seen.headers["authorization"],
        "Basic b3JjaGVzdHJhdG9yOmhwc18wMTIzNDU2Nzg5"
    );
    assert_eq!(seen.headers["content-type"], "application/json");
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(
        body,
        json!({
            "route": "/support/draft",
            "tenant": "acme",
            "subject": "user:alice",
            "actor": "agent:support-bot",
        })
    );
}

#[tokio::test]
async fn says_what_is_narrower_only_when_it_is() {
    let server = Server::start(201, answer().to_string()).await;
    let run = RunId::new(NOW, [2; 10]);
    let request = TokenRequest {
        run_id: Some(run),
        ttl_seconds: Some(60),
        tools: Some(vec!["kb.search".parse().unwrap()]),
        ..request()
    };
    client(&server.base).request(&request).await.unwrap();
    let body: Value = serde_json::from_slice(&server.seen()[0].body).unwrap();
    assert_eq!(body["run_id"], run.to_string());
    assert_eq!(body["ttl_seconds"], 60);
    assert_eq!(body["tools"], json!(["kb.search"]));
}

#[tokio::test]
async fn a_refusal_comes_with_its_code() {
    let problem = json!({
        "type": "urn:hallpass:authority:tenant_not_allowed",
        "title": "The route is not for this tenant",
        "status": 403,
        "code": "tenant_not_allowed",
        "detail": "route `/support/draft` is not for `acme`",
        "instance": "req_1",
    });
    let server = Server::start(403, problem.to_string()).await;
    let error = client(&server.base).request(&request()).await.unwrap_err();
    let TokenError::Refused(problem) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (403, "tenant_not_allowed")
    );
    assert_eq!(problem.instance.as_deref(), Some("req_1"));
    assert!(
        error
            .to_string()
            .contains("tenant_not_allowed (403): route `/support/draft`")
    );
}

#[tokio::test]
async fn what_is_not_understood_is_no_token() {
    let server = Server::start(201, "").await;
    let missing = |name: &str| {
        let mut answer = answer();
        answer.as_object_mut().unwrap().remove(name);
        answer.to_string()
    };
    let mut spaced = answer();
    spaced["token"] = json!("hp1.a b");
    for (status, body) in [
        (201, String::new()),
        (201, "[]".to_owned()),
        (201, missing("token")),
        (201, missing("expires_at")),
        (201, missing("needs_approval")),
        (201, spaced.to_string()),
        (200, answer().to_string()),
        (500, "<html>".to_owned()),
        (502, String::new()),
    ] {
        server.answers(status, &[], body);
        let error = client(&server.base).request(&request()).await.unwrap_err();
        assert!(
            matches!(error, TokenError::Unreadable { status: s } if s == status),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_redirect_does_not_take_the_secret_along() {
    let (server, elsewhere) = (
        Server::start(201, "").await,
        Server::start(201, answer().to_string()).await,
    );
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/v1/tokens", elsewhere.base);
        server.answers(status, &[("location", &location)], "");
        let error = client(&server.base).request(&request()).await.unwrap_err();
        assert!(matches!(error, TokenError::Unreadable { status: s } if s == status));
    }
    assert_eq!((server.seen().len(), elsewhere.seen().len()), (5, 0));
}

#[tokio::test]
async fn an_authority_that_is_not_there_is_a_transport_error() {
    let base = server::nobody().await;
    let error = client(&base).request(&request()).await.unwrap_err();
    let TokenError::Transport(cause @ TransportError::Http(_)) = &error else {
        panic!("{error:?}");
    };
    assert!(cause.source().is_some());
    assert!(!format!("{error:?}").contains("hps_"));
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let error = client(&server::endless().await)
        .request(&request())
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        TokenError::Transport(TransportError::TooLarge {
            max: TOKEN_ANSWER_BYTES_MAX
        })
    ));
}

#[tokio::test]
async fn a_request_has_a_name_of_its_own_and_keeps_it_when_it_is_sent_again() {
    let server = Server::start(201, answer().to_string()).await;
    let key = |seen: &server::Seen| seen.headers["idempotency-key"].to_str().unwrap().to_owned();
    client(&server.base).request(&request()).await.unwrap();
    client(&server.base).request(&request()).await.unwrap();
    let seen = server.seen();
    assert_ne!(key(&seen[0]), key(&seen[1]));
    assert_eq!(key(&seen[0]).len(), 32);
    for (status, code) in [
        (503, "overloaded"),
        (503, "journal_unavailable"),
        (409, "idempotency_in_flight"),
    ] {
        let problem = json!({"status": status, "code": code, "title": "No."});
        let server = Server::start(status, problem.to_string()).await;
        let error = client(&server.base).request(&request()).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        let seen = server.seen();
        assert_eq!(seen.len(), 3, "{code}");
        assert!(seen.iter().all(|it| key(it) == key(&seen[0])));
    }
}

#[tokio::test]
async fn a_refusal_is_not_sent_again() {
    for (status, code) in [
        (400, "request_malformed"),
        (401, "client_unauthorized"),
        (403, "tenant_not_allowed"),
        (409, "idempotency_conflict"),
        (409, "idempotency_spent"),
        (429, "rate_limited"),
    ] {
        let problem = json!({"status": status, "code": code, "title": "No."});
        let server = Server::start(status, problem.to_string()).await;
        client(&server.base).request(&request()).await.unwrap_err();
        assert_eq!(server.seen().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_asked_for_again_under_the_same_name() {
    let (base, asked) = server::cut_off_once(answer().to_string()).await;
    let token = client(&base).request(&request()).await.unwrap();
    assert_eq!(token.token.expose(), "hp1.abc");
    let asked = asked.lock().unwrap();
    let key = |head: &String| {
        let line = head
            .lines()
            .find(|line| line.starts_with("idempotency-key"));
        line.unwrap().to_owned()
    };
    assert_eq!(asked.len(), 2);
    assert_eq!(key(&asked[0]), key(&asked[1]));
}

#[tokio::test]
async fn a_name_of_the_callers_own_is_sent_as_it_is() {
    let server = Server::start(201, answer().to_string()).await;
    let key = "order-7".parse().unwrap();
    let client = client(&server.base);
    client.request_as(&request(), &key).await.unwrap();
    assert_eq!(server.seen()[0].headers["idempotency-key"], "order-7");
}

#[tokio::test]
async fn a_request_for_no_tool_at_all_is_not_sent() {
    let server = Server::start(201, answer().to_string()).await;
    let nothing = TokenRequest {
        tools: Some(Vec::new()),
        ..request()
    };
    let error = client(&server.base).request(&nothing).await.unwrap_err();
    assert!(matches!(error, TokenError::ToolsEmpty));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn everything_that_can_be_asked_for_is_sent() {
    let server = Server::start(201, answer().to_string()).await;
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let parent = RunId::new(NOW, [3; 10]);
    let asked = TokenRequest {
        behalf: Behalf::Token(SubjectToken::new("a.b.c").unwrap()),
        actor: None,
        parent_run_id: Some(parent),
        holder_key: Some(key.parse().unwrap()),
        labels: [("team".to_owned(), "blue".to_owned())].into(),
        ..request()
    };
    assert!(!format!("{asked:?}").contains("a.b.c"));
    client(&server.base).request(&asked).await.unwrap();
    let body: Value = serde_json::from_slice(&server.seen()[0].body).unwrap();
    assert_eq!(
        body,
        json!({
            "route": "/support/draft",
            "tenant": "acme",
            "subject_token": "a.b.c",
            "parent_run_id": parent,
            "holder_key": key,
            "labels": {"team": "blue"},
        })
    );
}

#[test]
fn debug_hides_the_secret() {
    let base = BaseUrl::new("http://127.0.0.1:1").unwrap();
    let text = format!("{:?}", client(&base));
    assert!(
        text.contains("orchestrator") && !text.contains("hps_"),
        "{text}"
    );
}
