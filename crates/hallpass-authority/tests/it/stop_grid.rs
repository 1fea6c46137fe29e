//! Every kind of stop by every way to a token: before, while it is in force, and after it was lifted.

use serde_json::{Value, json};

use crate::fixture::{Answer, Home, Running, with};
use crate::issuer::{claims, home, token};
use crate::signing::enrol;
use crate::stopping::restricted;

/// The tool that tokens of the grid are used for.
const TOOL: &str = "tickets.get";

fn body() -> Value {
    json!({"route": "/desk", "tenant": "acme", "subject": "user:alice", "actor": "agent:bot", "tools": [TOOL]})
}

/// What the stops are about: a run, and a child of it through another agent, under another route.
struct Grid {
    home: Home,
    running: Running,
    parent: Value,
    child: Value,
    key: String,
}

impl Grid {
    async fn start() -> Self {
        let home = home();
        enrol(&home);
        let running = home.serve().await;
        let key = "the-same".to_owned();
        let parent = running.tokens().header("idempotency-key", &key);
        let parent = running.send(parent.json(&body())).await;
        assert_eq!(parent.status, 201, "{parent:?}");
        let child = json!({
            "route": "/wide", "tenant": "acme", "subject": "user:alice", "actor": "agent:helper",
            "parent_run_id": parent.json["run_id"], "tools": [TOOL],
        });
        let child = running.mint(&child).await;
        assert_eq!(child.status, 201, "{child:?}");
        Self {
            home,
            running,
            parent: parent.json,
            child: child.json,
            key,
        }
    }

    async fn exchanged(&self, run: Option<&str>) -> Answer {
        let jwt = token(&claims(&self.home, "alice"));
        let mut form = format!(
            "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={jwt}\
             &subject_token_type=urn:ietf:params:oauth:token-type:jwt&route=/desk&tenant=acme&actor=agent:bot&scope={TOOL}"
        );
        if let Some(run) = run {
            form.push_str(&format!("&run_id={run}"));
        }
        let (client, secret) = &self.running.basic;
        let request = self
            .running
            .http
            .post(self.running.url("/oauth/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .basic_auth(client, Some(secret))
            .body(form);
        self.running.send(request).await
    }

    /// What each way to a token answers, and what a verifier makes of the tokens there are.
    async fn row(&self) -> Vec<(&'static str, String)> {
        let run = |answer: &Value| answer["run_id"].as_str().unwrap().to_owned();
        let (parent, child) = (run(&self.parent), run(&self.child));
        let mint = async |body: Value| shown(&self.running.mint(&body).await);
        let of_child = with(
            with(body(), "route", json!("/wide")),
            "actor",
            json!("agent:helper"),
        );
        let again = self.running.tokens().header("idempotency-key", &self.key);
        let now = hallpass_vocabulary::Clock::now(&*self.home.clock);
        let snapshot = self.running.snapshot(&self.home).await;
        let verifier = |token: &Value| {
            let denied = restricted(&snapshot, token, TOOL, now);
            denied.unwrap_or("allowed").to_owned()
        };
        vec![
            ("mint", mint(body()).await),
            ("renewal", mint(with(body(), "run_id", json!(parent))).await),
            (
                "child of it",
                mint(with(of_child.clone(), "parent_run_id", json!(parent))).await,
            ),
            (
                "renewal of a child",
                mint(with(of_child, "run_id", json!(child))).await,
            ),
            (
                "same key",
                shown(&self.running.send(again.json(&body())).await),
            ),
            ("exchange", shown(&self.exchanged(None).await)),
            (
                "renewal by exchange",
                shown(&self.exchanged(Some(&parent)).await),
            ),
            ("its token", verifier(&self.parent)),
            ("token of its child", verifier(&self.child)),
        ]
    }
}

fn shown(answer: &Answer) -> String {
    match answer.code() {
        "none" => answer.status.to_string(),
        code => format!("{} {code}", answer.status),
    }
}

#[tokio::test]
async fn every_kind_by_every_way() {
    let mut page = String::new();
    let mut refused = 0;
    for kind in [
        "actor:agent:bot",
        "audience:tickets",
        "client:demo-orchestrator",
        "environment:dev",
        "everything",
        "route:/desk",
        "run",
        "subject:user:alice",
        "tenant:acme",
        "token",
        "tool:tickets.get",
        "tenant:globex",
    ] {
        let grid = Grid::start().await;
        let before = grid.row().await;
        for (way, came_of_it) in &before {
            let good = came_of_it.starts_with("20") || came_of_it == "allowed";
            assert!(good, "{kind}: {way}: {came_of_it}");
        }
        let selector = match kind {
            "run" => format!("run:{}", grid.parent["run_id"].as_str().unwrap()),
            "token" => format!("token:{}", grid.parent["token_id"].as_str().unwrap()),
            other => other.to_owned(),
        };
        let stop = grid.running.stopped(&grid.home, &selector).await;
        let stopped = grid.row().await;
        // A second later, what is minted now was not issued before it.
        grid.home.clock.advance(std::time::Duration::from_secs(1));
        grid.running.resumed(&grid.home, &stop).await;
        let after = grid.row().await;
        page.push_str(&format!("{kind}\n"));
        for ((way, stopped), (_, after)) in stopped.iter().zip(after) {
            page.push_str(&format!("  {way:19} {stopped:13} then {after}\n"));
            refused += usize::from(stopped == "403 stopped" || stopped == "400 stopped");
        }
        grid.running.stop().await;
    }
    insta::assert_snapshot!(page);
    assert!(refused > 60, "{refused}");
}
