//! Tools at paths of their own: path, query and body are one call, and nothing is given twice.

use crate::http::{Call, call};
use crate::world::{World, decided, token};

/// A request to the path of a ticket, without a body.
fn ticket(method: &'static str, path: &str) -> Call {
    call("tickets.get")
        .token(&token())
        .without("content-type")
        .method(method)
        .path(path)
        .body("")
}

fn update(path: &str, body: &str) -> Call {
    ticket("PATCH", path)
        .header("content-type", "application/json")
        .body(body)
}

#[tokio::test]
async fn path_query_and_body_are_one_call() {
    let world = World::new();
    let read = world.send(ticket("GET", "/tickets/T-1001")).await;
    assert_eq!((read.status, &read.json()["id"]), (200, &"T-1001".into()));
    let changed = world
        .send(update(
            "/tickets/T-1001?note=by%20query",
            r#"{"status":"pending"}"#,
        ))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(
        (&changed.json()["status"], &changed.json()["note"]),
        (&"pending".into(), &"by query".into())
    );
    // The same call in the native form has the same arguments, to the digest.
    let native = world
        .send(
            call("ticket.update")
                .token(&token())
                .body(r#"{"note":"by query","id":"T-1001","status":"pending"}"#),
        )
        .await;
    let records = world.records();
    let digest = |decision: &str| {
        let record = decided(&records, decision);
        (record["tool"].clone(), record["args_digest"].clone())
    };
    assert_eq!(digest(&changed.decision()), digest(&native.decision()));
    assert_eq!(decided(&records, &read.decision())["tool"], "tickets.get");
}

#[tokio::test]
async fn what_is_given_twice_or_unreadable_is_refused() {
    let world = World::new();
    for (name, call) in [
        (
            "an id in the query too",
            ticket("GET", "/tickets/T-1001?id=T-1002"),
        ),
        (
            "an id in the body too",
            update("/tickets/T-1001", r#"{"id":"T-1001","status":"open"}"#),
        ),
        (
            "a status in query and body",
            update("/tickets/T-1001?status=open", r#"{"status":"open"}"#),
        ),
        (
            "twice in the query",
            ticket("GET", "/tickets/T-1001?a=1&a=1"),
        ),
        (
            "twice by another spelling",
            ticket("GET", "/tickets/T-1001?a=1&%61=2"),
        ),
        ("a path that is no UTF-8", ticket("GET", "/tickets/%ff")),
        (
            "a query that is no UTF-8",
            ticket("GET", "/tickets/T-1001?a=%ff"),
        ),
        (
            "a name that is no UTF-8",
            ticket("GET", "/tickets/T-1001?%ff=a"),
        ),
        (
            "a method nobody mapped",
            ticket("DELETE", "/tickets/T-1001"),
        ),
        (
            "a body that is no JSON",
            update("/tickets/T-1001", "status=open"),
        ),
        (
            "a body of another type",
            ticket("PATCH", "/tickets/T-1001").body(r#"{"status":"open"}"#),
        ),
        (
            "two tokens",
            ticket("GET", "/tickets/T-1001").token(&token()),
        ),
    ] {
        world.clock.advance(std::time::Duration::from_millis(100));
        let answer = world.send(call).await;
        answer.assert_denied(name, 400, "request_malformed");
    }
    // An answer to HEAD has no body, and this one is no GET.
    let head = world.send(ticket("HEAD", "/tickets/T-1001")).await;
    assert_eq!((head.status, head.body.as_str()), (400, ""));
    let records = world.records();
    assert_eq!(
        decided(&records, &head.decision())["code"],
        "request_malformed"
    );
}

#[tokio::test]
async fn the_decision_is_the_same_as_at_the_native_path() {
    let world = World::new();
    let foreign = world.send(ticket("GET", "/tickets/T-2001")).await;
    foreign.assert_denied("globex's ticket", 404, "not_found");
    let absent = world.send(ticket("GET", "/tickets/T-9999")).await;
    absent.assert_denied("no ticket", 404, "not_found");
    let nobody = world
        .send(ticket("GET", "/tickets/T-1001").without("authorization"))
        .await;
    nobody.assert_denied("no token", 401, "token_missing");
    // An encoded slash is part of the id, not of the path.
    let slash = world
        .send(ticket("GET", "/tickets/T-1001%2F..%2FT-2001"))
        .await;
    slash.assert_denied("an encoded slash", 404, "not_found");
    let override_ = world
        .send(ticket("GET", "/tickets/T-1001").header("x-http-method-override", "PATCH"))
        .await;
    assert_eq!(
        (override_.status, &override_.json()["status"]),
        (200, &"open".into())
    );
}
