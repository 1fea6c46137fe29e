//! Requests that are no tool call: one way to read each, or none.

use std::time::Duration;

use crate::http::{Call, call};
use crate::world::{World, decided, token};

fn good() -> Call {
    call("kb.search").token(&token())
}

fn malformed() -> Vec<(&'static str, Call)> {
    let body = |body: &[u8]| good().body(body.to_vec());
    let header = |name, value: &str| good().header(name, value);
    vec![
        ("two tokens", good().token(&token())),
        ("a good token and a bad one", good().token("hp1.x")),
        (
            "another scheme",
            call("kb.search").header("authorization", "Basic Zm9vOmJhcg=="),
        ),
        (
            "a scheme without a token",
            call("kb.search").header("authorization", "Bearer "),
        ),
        (
            "a scheme alone",
            call("kb.search").header("authorization", "Bearer"),
        ),
        (
            "an empty authorization",
            call("kb.search").header("authorization", ""),
        ),
        ("no content type", good().without("content-type")),
        (
            "text",
            good()
                .without("content-type")
                .header("content-type", "text/plain"),
        ),
        (
            "a form",
            good()
                .without("content-type")
                .header("content-type", "application/x-www-form-urlencoded"),
        ),
        (
            "a JSON dialect",
            good()
                .without("content-type")
                .header("content-type", "application/json5"),
        ),
        (
            "two content types",
            header("content-type", "application/json"),
        ),
        (
            "two idempotency keys",
            header("idempotency-key", "a").header("idempotency-key", "a"),
        ),
        ("an empty idempotency key", header("idempotency-key", "")),
        (
            "an idempotency key of 129",
            header("idempotency-key", &"k".repeat(129)),
        ),
        ("two traces", {
            let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            header("traceparent", trace).header("traceparent", trace)
        }),
        ("a trace that is none", header("traceparent", "00-xyz")),
        (
            "a trace of zeros",
            header("traceparent", &format!("00-{:032}-{:016}-01", 0, 0)),
        ),
        (
            "two attempts",
            header("hallpass-attempt", "1").header("hallpass-attempt", "2"),
        ),
        ("attempt zero", header("hallpass-attempt", "0")),
        ("an attempt with a sign", header("hallpass-attempt", "+1")),
        (
            "an attempt that is no number",
            header("hallpass-attempt", "one"),
        ),
        ("an attempt below zero", header("hallpass-attempt", "-1")),
        ("two proofs", header("dpop", "a").header("dpop", "b")),
        ("GET", good().method("GET")),
        ("PUT", good().method("PUT")),
        ("DELETE", good().method("DELETE")),
        ("a method of one's own", good().method("BREW")),
        ("a query", good().path("/tools/kb.search?query=refund")),
        ("an empty query", good().path("/tools/kb.search?")),
        ("an escaped letter", good().path("/tools/%6bb.search")),
        ("an escaped dot", good().path("/tools/kb%2Esearch")),
        ("a name in capitals", good().path("/tools/KB.Search")),
        ("a name without a verb", good().path("/tools/kb")),
        ("a name with a space", good().path("/tools/kb.search%20")),
        ("a name with a slash", good().path("/tools/..%2fkb.search")),
        ("a name of dots", good().path("/tools/%2e%2e")),
        ("a name with NUL", good().path("/tools/kb.search%00")),
        ("a name in Cyrillic", good().path("/tools/k%D0%B2.search")),
        ("a name that is no UTF-8", good().path("/tools/%ff%fe")),
        (
            "a name in full width",
            good().path("/tools/%EF%BD%8B%EF%BD%82.search"),
        ),
        ("no body", body(b"")),
        ("an array", body(b"[]")),
        ("a string", body(b"\"refund\"")),
        ("null", body(b"null")),
        ("a name twice", body(br#"{"query":"a","query":"b"}"#)),
        (
            "a name twice by escape",
            body(br#"{"query":"a","\u0071uery":"b"}"#),
        ),
        (
            "a name twice deep down",
            body(br#"{"a":[{"b":{"c":1,"c":2}}]}"#),
        ),
        ("2^53", body(b"{\"limit\":9007199254740992}")),
        ("-2^53", body(b"{\"limit\":-9007199254740992}")),
        ("1e400", body(b"{\"limit\":1e400}")),
        ("NaN", body(b"{\"limit\":NaN}")),
        ("a comment", body(b"{} // refund")),
        ("two objects", body(b"{}{}")),
        ("a comma too many", body(b"{\"query\":\"a\",}")),
        ("half an object", body(b"{\"query\":")),
        ("a lone surrogate", body(br#"{"query":"\ud800"}"#)),
        ("no UTF-8", body(b"{\"query\":\"\xff\"}")),
        ("a byte order mark", body(b"\xef\xbb\xbf{}")),
    ]
}

#[tokio::test]
async fn what_two_readers_could_read_differently_is_refused() {
    let world = World::new();
    let mut decisions = Vec::new();
    for (name, call) in malformed() {
        // More than fifty refusals a second would be counted instead of recorded.
        world.clock.advance(Duration::from_millis(100));
        let answer = world.send(call).await;
        answer.assert_denied(name, 400, "request_malformed");
        decisions.push((name, answer.decision()));
    }
    let records = world.records();
    for (name, decision) in decisions {
        let record = decided(&records, &decision);
        assert_eq!(record["code"], "request_malformed", "{name}");
        assert!(
            record["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty()),
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_can_be_read_in_one_way_only_is_allowed() {
    let world = World::new();
    let content_type = |value: &str| good().without("content-type").header("content-type", value);
    for (name, call) in [
        ("as it is", good()),
        ("a charset", content_type("application/json; charset=utf-8")),
        ("capitals", content_type("Application/JSON")),
        ("a scheme in small letters", {
            call("kb.search").header("authorization", &format!("bearer {}", token()))
        }),
        (
            "white space",
            good().body(b" \r\n\t{ \"query\" : \"refund\" } \n".to_vec()),
        ),
        (
            "2^53-1",
            good().body(br#"{"query":"refund","n":9007199254740991}"#.to_vec()),
        ),
        (
            "method override headers",
            good().header("x-http-method-override", "DELETE"),
        ),
        (
            "another path by header",
            good().header("x-original-url", "/tools/ticket.close"),
        ),
        (
            "another host by header",
            good().header("x-forwarded-host", "evil.example"),
        ),
    ] {
        let answer = world.send(call).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        assert!(answer.body.contains("KB-1"), "{name}: {}", answer.body);
    }
}

#[tokio::test]
async fn the_headers_of_a_call_are_on_record() {
    let world = World::new();
    let answer = world
        .send(
            good()
                .header("idempotency-key", "8e03978e-40d5-43dd-bc93-6894a57f9324")
                .header(
                    "traceparent",
                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                )
                .header("hallpass-attempt", "3"),
        )
        .await;
    assert_eq!(answer.status, 200);
    let records = world.records();
    let record = decided(&records, &answer.decision());
    assert_eq!(
        record["idempotency_key"],
        "8e03978e-40d5-43dd-bc93-6894a57f9324"
    );
    assert_eq!(record["trace"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(record["attempt"], 3);
}

#[tokio::test]
async fn what_is_no_tool_path_is_not_there_and_no_decision() {
    let world = World::new();
    for path in [
        "/",
        "/tools",
        "/tools/",
        "/tools/kb.search/",
        "/tools/kb.search/x",
        "/metrics",
        "/TOOLS/kb.search",
    ] {
        let answer = world.send(good().path(path)).await;
        assert_eq!(
            (answer.status, answer.header("hallpass-decision")),
            (404, None),
            "{path}"
        );
    }
    assert_eq!(
        world
            .records()
            .iter()
            .filter(|record| record["kind"] == "decided")
            .count(),
        0
    );
}
