//! `kill -9` of the service under load: every decision it answered with is in its journal, and the journal verifies.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hallpass_client::ToolClient;
use hallpass_journal::verify::verify;
use hallpass_testkit::eventually;
use tokio::task::JoinSet;

use crate::live::{Live, SOON, ask};
use crate::world::records;

const ROUNDS: usize = 4;
const CALLERS: usize = 8;
/// Answers in a round before the kill; with so many callers the others are anywhere between request and answer.
const ANSWERS_BEFORE_KILL: usize = 250;

const READ: (&str, &str) = ("tickets.get", r#"{"id":"T-1001"}"#);
const WRITE: (&str, &str) = ("ticket.update", r#"{"id":"T-1001","status":"pending"}"#);
/// Allowed by the token, and refused in the handler: another tenant's row.
const FOREIGN: (&str, &str) = ("tickets.get", r#"{"id":"T-2001"}"#);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_answered_is_lost_to_a_kill() {
    let live = Live::start().await;
    let token = Arc::new(live.mint("/ops/triage", "agent:triage-1").await);
    let state = live.state("tickets");
    let mut answered: HashMap<String, (u16, &'static str)> = HashMap::new();
    for round in 1..=ROUNDS {
        let (mut child, url) = live.program(&state);
        let count = Arc::new(AtomicUsize::new(0));
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (token, url, count) = (Arc::clone(&token), url.clone(), Arc::clone(&count));
            callers.spawn(async move {
                let tools = ToolClient::new().unwrap();
                let mut answers = Vec::new();
                for number in caller.. {
                    let call = [READ, WRITE, FOREIGN][number % 3];
                    // No answer: the service is gone.
                    let Some(answer) = ask(&tools, &url, &token, call).await else {
                        break;
                    };
                    answers.push((answer.decision.unwrap().to_string(), answer.status, call.0));
                    count.fetch_add(1, Ordering::SeqCst);
                }
                answers
            });
        }
        let reached = Arc::clone(&count);
        tokio::task::spawn_blocking(move || {
            eventually(SOON, "enough answers", || {
                reached.load(Ordering::SeqCst) >= ANSWERS_BEFORE_KILL
            });
            child.kill();
        })
        .await
        .unwrap();
        while let Some(answers) = callers.join_next().await {
            for (decision, status, tool) in answers.unwrap() {
                assert!([200, 404].contains(&status), "{decision}: {status}");
                answered.insert(decision, (status, tool));
            }
        }
        assert!(answered.len() >= round * ANSWERS_BEFORE_KILL);
        assert!(answered.values().any(|of| *of == (200, WRITE.0)));

        // As the killed process left it, and after the next start has cut off a torn tail.
        let journal = state.join("journal");
        verify(&journal, None).unwrap();
        check(&journal, &answered);
        let (after, url) = live.program(&state);
        let again = ask(&ToolClient::new().unwrap(), &url, &token, READ)
            .await
            .unwrap();
        assert_eq!(again.status, 200, "it serves again, round {round}");
        let ticket: serde_json::Value = serde_json::from_slice(&again.body).unwrap();
        assert_eq!(ticket["status"], "pending", "what was written is there");
        verify(&journal, None).unwrap();
        check(&journal, &answered);
        drop(after);
    }
}

/// Every answered decision is an allowed one of the right tool, and stands in the journal once.
fn check(journal: &std::path::Path, answered: &HashMap<String, (u16, &'static str)>) {
    let mut found = 0;
    for record in records(journal) {
        if record["kind"] != "decided" {
            continue;
        }
        if let Some((_, tool)) = answered.get(record["decision"].as_str().unwrap()) {
            assert_eq!(
                (record["verdict"].as_str(), record["tool"].as_str()),
                (Some("allow"), Some(*tool))
            );
            found += 1;
        }
    }
    assert_eq!(
        found,
        answered.len(),
        "decisions answered and not on record"
    );
}
