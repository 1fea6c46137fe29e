//! Handlers that break, hang or keep what they were given: the journal says what is known of each call.

use std::sync::{Arc, Mutex};

use axum::Router;
use hallpass_axum::{Guarded, ToolFailure, Tools};
use hallpass_testkit::eventually;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::http::call;
use crate::live::SOON;
use crate::world::{World, records, token};

/// The kinds of the records about this decision, in order.
fn kinds(records: &[Value], decision: &Value) -> Vec<String> {
    records
        .iter()
        .filter(|record| record["decision"] == *decision)
        .map(|record| record["kind"].as_str().unwrap().to_owned())
        .collect()
}

/// The last decision to allow.
fn last_allowed(records: &[Value]) -> Value {
    let allowed = |record: &&Value| record["kind"] == "decided" && record["verdict"] == "allow";
    records.iter().rev().find(allowed).unwrap()["decision"].clone()
}

/// Serves on a port of its own and sends one request there.
async fn connect(router: Router, tool: &str) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /tools/{tool} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}",
        token()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn panics(_: Guarded) -> Result<Value, ToolFailure> {
    panic!("a handler of a test that panics")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_panics_leaves_an_abandoned_call_and_a_service_that_serves() {
    let world = World::serving(|verifier| {
        let tools = Tools::new(verifier)
            .tool("kb.search", panics)
            .tool("tickets.get", async |_| Ok(json!({})));
        tools.into_router().unwrap()
    });
    let mut stream = connect(world.router.clone(), "kb.search").await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await;
    // Whether the tool did anything is unknown, so nothing is said of it.
    assert_eq!((read.unwrap().unwrap(), answer.as_slice()), (0, &b""[..]));
    let after = world.send(call("tickets.get").token(&token())).await;
    assert_eq!(after.status, 200);
    let records = world.records();
    let first = records
        .iter()
        .find(|record| record["tool"] == "kb.search")
        .unwrap();
    assert_eq!(
        kinds(&records, &first["decision"]),
        ["decided", "abandoned"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_hangs_up_leaves_an_abandoned_call() {
    let entered = Arc::new(Notify::new());
    let (hung_up, sender) = (Arc::clone(&entered), Arc::new(Mutex::new(None)));
    let (dropped, gone) = tokio::sync::oneshot::channel::<()>();
    *sender.lock().unwrap() = Some(dropped);
    let world = World::serving(|verifier| {
        let waits = move |_call: Guarded| {
            let entered = Arc::clone(&entered);
            // Dropped with the handler.
            let held = sender.lock().unwrap().take();
            async move {
                entered.notify_one();
                std::future::pending::<()>().await;
                drop(held);
                Ok(json!({}))
            }
        };
        Tools::new(verifier)
            .tool("kb.search", waits)
            .into_router()
            .unwrap()
    });
    let stream = connect(world.router.clone(), "kb.search").await;
    tokio::time::timeout(SOON, hung_up.notified())
        .await
        .unwrap();
    drop(stream);
    let ended = tokio::time::timeout(SOON, gone).await;
    assert!(ended.unwrap().is_err(), "the handler ended");
    // The permit goes a moment after the handler.
    let journal = world.directory.path().join("journal");
    eventually(SOON, "the call to be abandoned", || {
        records(&journal)
            .iter()
            .any(|record| record["kind"] == "abandoned")
    });
    let records = world.records();
    assert_eq!(
        kinds(&records, &last_allowed(&records)),
        ["decided", "abandoned"]
    );
}

#[tokio::test]
async fn a_call_kept_alive_elsewhere_is_not_said_to_have_ended() {
    let kept: Arc<Mutex<Option<Guarded>>> = Arc::default();
    let keeper = Arc::clone(&kept);
    let world = World::serving(move |verifier| {
        let keeps = move |call: Guarded| {
            *keeper.lock().unwrap() = Some(call);
            async { Ok(json!({ "accepted": true })) }
        };
        Tools::new(verifier)
            .tool("kb.search", keeps)
            .into_router()
            .unwrap()
    });
    let answer = world.send(call("kb.search").token(&token())).await;
    assert_eq!(answer.status, 200);
    drop(kept.lock().unwrap().take());
    let records = world.records();
    let decision = Value::from(answer.decision());
    assert_eq!(kinds(&records, &decision), ["decided", "abandoned"]);
}

#[tokio::test]
async fn a_handler_never_sees_a_call_that_was_refused() {
    let ran: Arc<Mutex<u32>> = Arc::default();
    let counter = Arc::clone(&ran);
    let world = World::serving(move |verifier| {
        let counts = move |_| {
            *counter.lock().unwrap() += 1;
            async { Ok(json!({})) }
        };
        Tools::new(verifier)
            .tool("ticket.close", counts)
            .into_router()
            .unwrap()
    });
    let withheld = world.send(call("ticket.close").token(&token())).await;
    withheld.assert_denied("without approval", 403, "approval_required");
    let nobody = world.send(call("ticket.close")).await;
    nobody.assert_denied("without a token", 401, "token_missing");
    assert_eq!(*ran.lock().unwrap(), 0);
}
