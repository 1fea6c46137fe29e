//! The program is told to stop: what is under way ends, what would begin is told so, and nothing holds it for long.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hallpass_client::{BaseUrl, ToolClient};
use hallpass_journal::verify::verify;
use hallpass_testkit::{ChildProcess, eventually};
use rusqlite::Connection;
use serde_json::Value;

use crate::live::{Live, SOON, ask};
use crate::world::records;

const READ: (&str, &str) = ("tickets.get", r#"{"id":"T-1001"}"#);

/// Holds the service's database, so that every handler waits: SQLite gives up after five seconds.
struct Held(Connection);

impl Held {
    fn new(state: &Path) -> Self {
        let connection = Connection::open(state.with_extension("db")).unwrap();
        connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
        Self(connection)
    }

    fn release(self) {
        self.0.execute_batch("ROLLBACK").unwrap();
    }
}

fn tell_to_stop(child: &ChildProcess) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(sent.unwrap().success());
}

/// Waits until a call is allowed and on record, and gives its decision.
async fn under_way(journal: &Path) -> String {
    let journal = journal.to_owned();
    let waiting = tokio::task::spawn_blocking(move || {
        let mut found = None;
        eventually(SOON, "a call under way", || {
            found = decisions(&journal).pop();
            found.is_some()
        });
        found.unwrap()
    });
    waiting.await.unwrap()
}

fn decisions(journal: &Path) -> Vec<String> {
    of_kind(&records(journal), "decided")
        .iter()
        .map(|record| record["decision"].as_str().unwrap().to_owned())
        .collect()
}

fn of_kind(records: &[Value], kind: &str) -> Vec<Value> {
    let of_kind = records.iter().filter(|record| record["kind"] == kind);
    of_kind.cloned().collect()
}

/// Asks until the service says that it drains. A call that came before the signal waits like the others, and is given up.
async fn told_draining(
    tools: &ToolClient,
    url: &BaseUrl,
    token: &hallpass_client::TokenResponse,
) -> String {
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < SOON, "nobody is told `draining`");
        let asked = tokio::time::timeout(Duration::from_millis(300), ask(tools, url, token, READ));
        if let Ok(Some(answer)) = asked.await
            && answer.status == 503
        {
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(body["code"], "draining");
            return answer.decision.unwrap().to_string();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_under_way_ends_and_is_recorded_and_new_ones_are_told() {
    let live = Live::start().await;
    let token = Arc::new(live.mint("/ops/triage", "agent:triage-1").await);
    let state = live.state("tickets");
    let (child, url) = live.program_with(&state, &["--drain-seconds", "20"]);
    let held = Held::new(&state);
    let slow = tokio::spawn({
        let (token, url) = (Arc::clone(&token), url.clone());
        async move { ask(&ToolClient::new().unwrap(), &url, &token, READ).await }
    });
    let journal = state.join("journal");
    let decision = under_way(&journal).await;
    tell_to_stop(&child);
    let draining = told_draining(&ToolClient::new().unwrap(), &url, &token).await;
    held.release();
    let answer = slow.await.unwrap().unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.decision.unwrap().to_string(), decision);
    let ended = tokio::task::spawn_blocking(move || child.finish(SOON));
    let ended = ended.await.unwrap();
    assert!(ended.status.success(), "{}", ended.stderr);
    verify(&journal, None).unwrap();
    let records = records(&journal);
    assert_eq!(records.last().unwrap()["kind"], "closed");
    let finished = of_kind(&records, "finished");
    assert!(finished.iter().any(|record| record["decision"] == decision));
    let denied = of_kind(&records, "decided");
    let denied = denied.iter().find(|record| record["decision"] == draining);
    assert_eq!(denied.unwrap()["code"], "draining");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_hangs_holds_it_no_longer_than_its_bound() {
    let live = Live::start().await;
    let token = live.mint("/ops/triage", "agent:triage-1").await;
    let state = live.state("tickets");
    let (child, url) = live.program_with(&state, &["--drain-seconds", "1"]);
    let held = Held::new(&state);
    let hung = tokio::spawn(async move {
        let tools = ToolClient::new().unwrap();
        ask(&tools, &url, &token, READ).await
    });
    let journal = state.join("journal");
    let decision = under_way(&journal).await;
    let started = Instant::now();
    tell_to_stop(&child);
    let ended = tokio::task::spawn_blocking(move || child.finish(SOON));
    let ended = ended.await.unwrap();
    let took = started.elapsed();
    held.release();
    assert!(ended.status.success(), "{}", ended.stderr);
    let bound = Duration::from_secs(1);
    assert!(took >= bound && took < bound * 4, "{took:?}");
    assert!(hung.await.unwrap().is_none(), "it is cut off unanswered");
    verify(&journal, None).unwrap();
    let records = records(&journal);
    assert_eq!(records.last().unwrap()["kind"], "closed");
    let abandoned = of_kind(&records, "abandoned");
    assert!(
        abandoned
            .iter()
            .any(|record| record["decision"] == decision)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_does_nothing_stops_at_once() {
    let live = Live::start().await;
    let state = live.state("tickets");
    let (child, _) = live.program_with(&state, &["--drain-seconds", "600"]);
    tell_to_stop(&child);
    let ended = tokio::task::spawn_blocking(move || child.finish(SOON));
    assert!(ended.await.unwrap().status.success());
    let records = records(&state.join("journal"));
    assert_eq!(records.last().unwrap()["kind"], "closed");
}
