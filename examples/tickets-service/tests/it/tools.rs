//! The tools themselves, once a call is allowed: what they change, and how they fail.

use hallpass_testkit::temp_dir;
use tickets_service::Store;

use crate::http::call;
use crate::world::{World, decided, names, token, token_with};

#[tokio::test]
async fn an_update_changes_the_ticket_and_its_outcome_is_on_record() {
    let world = World::new();
    let update = r#"{"id":"T-1001","status":"pending","note":"waiting for the bank"}"#;
    let changed = world
        .send(call("ticket.update").token(&token()).body(update))
        .await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.header("content-type"), Some("application/json"));
    assert_eq!(changed.header("cache-control"), Some("no-store"));
    let read = world.send(call("tickets.get").token(&token())).await;
    assert_eq!(
        (&read.json()["status"], &read.json()["note"]),
        (&"pending".into(), &"waiting for the bank".into())
    );
    let records = world.records();
    let decision = changed.decision();
    assert_eq!(decided(&records, &decision)["verdict"], "allow");
    let kinds: Vec<_> = records
        .iter()
        .filter(|record| record["decision"] == decision)
        .map(|record| record["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["decided", "finished"]);
}

#[tokio::test]
async fn arguments_that_do_not_suit_are_the_callers_to_mend() {
    let world = World::new();
    for (tool, body, detail) in [
        ("kb.search", "{}", "`query` must be a text"),
        ("kb.search", r#"{"query":7}"#, "`query` must be a text"),
        (
            "kb.search",
            r#"{"query":"a","limit":"ten"}"#,
            "`limit` must be an integer",
        ),
        ("tickets.get", r#"{"id":null}"#, "`id` must be a text"),
        (
            "ticket.update",
            r#"{"id":"T-1001","status":"gone"}"#,
            "`status` must be `open` or `pending`",
        ),
    ] {
        let answer = world.send(call(tool).token(&token()).body(body)).await;
        let document = answer.json();
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(document["code"], "tool_input_invalid");
        assert_eq!(document["type"], "urn:hallpass:tool:tool_input_invalid");
        assert_eq!(document["instance"], answer.decision());
        assert_eq!(document["detail"], detail);
        assert_eq!(answer.header("www-authenticate"), None);
    }
    let long = format!(
        r#"{{"id":"T-1001","status":"open","note":"{}"}}"#,
        "é".repeat(2_001)
    );
    assert_eq!(
        world
            .send(call("ticket.update").token(&token()).body(long))
            .await
            .status,
        422
    );
}

#[tokio::test]
async fn a_tool_that_breaks_says_so_and_not_why() {
    let directory = temp_dir();
    let path = directory.path().join("tickets.db");
    let world = World::over(Store::open(&path).unwrap());
    let saboteur = rusqlite::Connection::open(&path).unwrap();
    saboteur.execute_batch("DROP TABLE articles").unwrap();
    let broken = world.send(call("kb.search").token(&token())).await;
    let document = broken.json();
    assert_eq!(
        (broken.status, &document["code"]),
        (500, &"tool_failed".into())
    );
    assert_eq!(document.get("detail"), None);
    assert!(!broken.body.contains("articles"), "{}", broken.body);
    let records = world.records();
    let finished = records
        .iter()
        .find(|record| record["kind"] == "finished" && record["decision"] == broken.decision())
        .unwrap();
    assert_eq!(
        (&finished["result"], &finished["error_class"]),
        (&"error".into(), &"failed".into())
    );
}

#[tokio::test]
async fn a_tool_of_the_catalogue_that_the_service_does_not_have_is_its_failure() {
    let world = World::new();
    let token = token_with(|grant| grant.tools = names(&["ticket.merge"]));
    let answer = world.send(call("ticket.merge").token(&token)).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (500, &"tool_failed".into())
    );
}

#[tokio::test]
async fn text_in_arguments_is_data_to_the_database() {
    let world = World::new();
    for id in [
        "T-1001' OR '1'='1",
        "%",
        "T-1001\u{0}",
        "'; DROP TABLE tickets; --",
    ] {
        let body = serde_json::json!({ "id": id }).to_string();
        let answer = world
            .send(call("tickets.get").token(&token()).body(body))
            .await;
        assert_eq!(answer.status, 404, "{id:?}");
    }
    assert_eq!(
        world.send(call("tickets.get").token(&token())).await.status,
        200
    );
}
