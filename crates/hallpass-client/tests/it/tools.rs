use hallpass_client::{BearerToken, ToolClient, ToolError, ToolRequest, TransportError};
use hallpass_vocabulary::{DecisionId, Timestamp, ToolName};
use serde_json::json;

use crate::server::{self, Server};

fn tool() -> ToolName {
    ToolName::new("kb.search").unwrap()
}

fn request<'a>(tool: &'a ToolName, token: Option<&'a BearerToken>) -> ToolRequest<'a> {
    ToolRequest {
        tool,
        arguments_json: r#"{"query": "refund"}"#,
        token,
        idempotency_key: None,
    }
}

fn decision() -> DecisionId {
    DecisionId::new(Timestamp::from_unix_ms(1_795_000_000_000), [3; 10])
}

#[tokio::test]
async fn calls_by_the_http_binding() {
    let server = Server::start(200, "").await;
    let decided = decision().to_string();
    server.answers(200, &[("hallpass-decision", &decided)], r#"{"hits":[]}"#);
    let (tool, token) = (tool(), BearerToken::new("hp1.abc").unwrap());
    let call = ToolRequest {
        idempotency_key: Some("key-1"),
        ..request(&tool, Some(&token))
    };
    let answer = ToolClient::new()
        .unwrap()
        .call(&server.base, call)
        .await
        .unwrap();
    assert!(answer.is_success() && answer.problem().is_none());
    assert_eq!(answer.decision, Some(decision()));
    assert_eq!(answer.body, br#"{"hits":[]}"#);

    let seen = server.seen().remove(0);
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("POST", "/tools/kb.search")
    );
    assert_eq!(seen.headers["authorization"], "Bearer hp1.abc");
    assert_eq!(seen.headers["content-type"], "application/json");
    assert_eq!(seen.headers["idempotency-key"], "key-1");
    // To the byte what was given: the service judges the form.
    assert_eq!(&seen.body[..], br#"{"query": "refund"}"#);
}

#[tokio::test]
async fn what_is_not_given_is_not_sent() {
    let server = Server::start(401, "").await;
    let tool = tool();
    ToolClient::new()
        .unwrap()
        .call(&server.base, request(&tool, None))
        .await
        .unwrap();
    let headers = server.seen().remove(0).headers;
    assert!(!headers.contains_key("authorization") && !headers.contains_key("idempotency-key"));
}

#[tokio::test]
async fn a_refusal_is_an_answer() {
    let problem = json!({"code": "wrong_tenant", "title": "No.", "next": "Ask elsewhere."});
    let server = Server::start(403, problem.to_string()).await;
    let (tool, token) = (tool(), BearerToken::new("hp1.abc").unwrap());
    let client = ToolClient::new().unwrap();
    let answer = client
        .call(&server.base, request(&tool, Some(&token)))
        .await
        .unwrap();
    assert!(!answer.is_success());
    let problem = answer.problem().unwrap();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (403, "wrong_tenant")
    );
    assert_eq!(problem.next.as_deref(), Some("Ask elsewhere."));
    assert_eq!(answer.decision, None);
    // A header that is no decision id is none.
    server.answers(403, &[("hallpass-decision", "dec_1")], "<html>");
    let answer = client
        .call(&server.base, request(&tool, Some(&token)))
        .await
        .unwrap();
    assert_eq!((answer.decision, answer.problem()), (None, None));
}

#[tokio::test]
async fn a_redirect_does_not_take_the_token_along() {
    let (server, elsewhere) = (Server::start(200, "").await, Server::start(200, "{}").await);
    let location = elsewhere.base.to_string();
    server.answers(307, &[("location", &location)], "");
    let (tool, token) = (tool(), BearerToken::new("hp1.abc").unwrap());
    let client = ToolClient::new().unwrap();
    let answer = client
        .call(&server.base, request(&tool, Some(&token)))
        .await
        .unwrap();
    assert_eq!((answer.status, elsewhere.seen().len()), (307, 0));
}

#[tokio::test]
async fn no_answer_is_an_error() {
    let (tool, client) = (tool(), ToolClient::new().unwrap());
    let error = client
        .call(&server::nobody().await, request(&tool, None))
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        ToolError::Transport(TransportError::Http(_))
    ));
    let error = client
        .call(&server::endless().await, request(&tool, None))
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        ToolError::Transport(TransportError::TooLarge { .. })
    ));
    for key in ["", "a b", "a\nb"] {
        let call = ToolRequest {
            idempotency_key: Some(key),
            ..request(&tool, None)
        };
        let error = client
            .call(&server::nobody().await, call)
            .await
            .unwrap_err();
        assert!(matches!(error, ToolError::IdempotencyKey));
    }
}
