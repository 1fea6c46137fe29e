//! `kill -9` of the authority under load: every token it answered with is on record, its run renews, the journal verifies.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hallpass_client::{BaseUrl, Behalf, ClientSecret, TokenClient, TokenRequest};
use hallpass_journal::Event;
use hallpass_journal::read::records;
use hallpass_journal::verify::verify;
use hallpass_testkit::{ChildProcess, eventually};
use hallpass_vocabulary::{RunId, TokenId};
use tokio::task::JoinSet;

use crate::command::Desk;

const BOUND: Duration = Duration::from_secs(30);
const ROUNDS: usize = 4;
const CALLERS: usize = 8;
/// Answers in a round before the kill; with so many callers the others are anywhere between request and answer.
const ANSWERS_BEFORE_KILL: usize = 150;
/// Runs of each round that are renewed after the restart. The last ones: their rows had the least time to be written.
const RENEWED: usize = 24;

/// An authority on disk, and the client that knows its secret.
struct Office {
    desk: Desk,
    secret: String,
}

impl Office {
    fn new() -> Self {
        let desk = Desk::new();
        let made = desk
            .run(&["init", "authority", "--no-passphrase", "--json"])
            .expect(0)
            .json();
        let secret = made["client_secret"].as_str().unwrap().to_owned();
        Self { desk, secret }
    }

    fn serve(&self) -> (ChildProcess, TokenClient) {
        let serve = ["serve", "--dir", "authority", "--listen", "127.0.0.1:0"];
        let mut child = ChildProcess::spawn(&mut self.desk.command(&serve));
        let url = BaseUrl::new(&child.wait_for_line("listening on ", BOUND)).unwrap();
        let secret = ClientSecret::new(&self.secret).unwrap();
        let client = "demo-orchestrator".parse().unwrap();
        (child, TokenClient::new(url, client, secret).unwrap())
    }
}

fn request(run_id: Option<RunId>) -> TokenRequest {
    TokenRequest {
        run_id,
        ..TokenRequest::new(
            "/support/draft".parse().unwrap(),
            "acme".parse().unwrap(),
            Behalf::Asserted("user:alice".parse().unwrap()),
            "agent:support-bot".parse().unwrap(),
        )
    }
}

/// Mints until the authority is gone; answers with what arrived, in order.
async fn mint_on(client: Arc<TokenClient>, count: Arc<AtomicUsize>) -> Vec<(TokenId, RunId)> {
    let mut arrived: Vec<(TokenId, RunId)> = Vec::new();
    loop {
        // Every third renews the run before it.
        let run = arrived
            .last()
            .map(|(_, run)| *run)
            .filter(|_| arrived.len() % 3 == 2);
        let Ok(token) = client.request(&request(run)).await else {
            return arrived;
        };
        assert!(run.is_none_or(|run| run == token.run_id));
        arrived.push((token.token_id, token.run_id));
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// Every token of the journal with its run.
fn minted(journal: &Path) -> BTreeMap<TokenId, RunId> {
    let mut minted = BTreeMap::new();
    for record in records(journal).unwrap() {
        if let Event::Minted(record) = record.unwrap().event().unwrap() {
            assert_eq!(
                minted.insert(record.token, record.run),
                None,
                "minted twice"
            );
        }
    }
    minted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_answered_is_lost_to_a_kill() {
    let office = Office::new();
    let journal = office.desk.path().join("authority/journal");
    let mut answered: Vec<(TokenId, RunId)> = Vec::new();
    for round in 1..=ROUNDS {
        let (mut child, client) = office.serve();
        let (client, count) = (Arc::new(client), Arc::new(AtomicUsize::new(0)));
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            callers.spawn(mint_on(Arc::clone(&client), Arc::clone(&count)));
        }
        tokio::task::spawn_blocking(move || {
            eventually(BOUND, "enough answers", || {
                count.load(Ordering::SeqCst) >= ANSWERS_BEFORE_KILL
            });
            child.kill();
        })
        .await
        .unwrap();
        while let Some(arrived) = callers.join_next().await {
            answered.extend(arrived.unwrap());
        }
        assert!(answered.len() >= round * ANSWERS_BEFORE_KILL);

        // As the killed process left it, and after the next start has cut off a torn tail.
        verify(&journal, None).unwrap();
        check(&journal, &answered);
        let (after, client) = office.serve();
        for (_, run) in answered.iter().rev().take(RENEWED) {
            let renewed = client.request(&request(Some(*run))).await;
            assert_eq!(renewed.unwrap().run_id, *run, "round {round}");
        }
        verify(&journal, None).unwrap();
        check(&journal, &answered);
        drop(after);
    }
}

fn check(journal: &Path, answered: &[(TokenId, RunId)]) {
    let minted = minted(journal);
    for (token, run) in answered {
        assert_eq!(
            minted.get(token),
            Some(run),
            "`{token}` was answered and is not on record"
        );
    }
}
