//! What a policy may say can be minted: the most tools, services and roles with names as long as a token has room for, and a
//! caveat on all of them.

use std::fmt::Write as _;

use serde_json::{Map, json};

use crate::fixture::Home;
use crate::routes::{HOLDER, set_policy};

fn tool(n: usize) -> String {
    format!("t.{n:t>44}")
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
    names.join(", ")
}

/// 64 tools at 16 services, 16 roles, and one caveat on every tool: its words are longer than all their names.
fn policy() -> String {
    let role = |n: usize| format!("r{n:r>63}");
    let mut text =
        "[clients.demo-orchestrator]\nsummary = \"s\"\nactors = \"agent:*\"\n".to_owned();
    for n in 0..64 {
        let (name, service) = (tool(n), format!("a{:a>63}", n % 16));
        writeln!(
            text,
            "[tools.\"{name}\"]\naudience = \"{service}\"\nimpact = \"read\"\nsummary = \"s\""
        )
        .unwrap();
    }
    for n in 0..16 {
        writeln!(text, "[roles.{}]\nsummary = \"s\"", role(n)).unwrap();
    }
    let tools = listed((0..64).map(tool));
    let roles = listed((0..16).map(role));
    writeln!(
        text,
        "[routes.\"/r\"]\nsummary = \"s\"\nclients = [\"demo-orchestrator\"]\ntenants = [\"*\"]\nactors = \"agent:*\"\n\
         allow = [{tools}]\nroles = [{roles}]\ncaveats = [\"/limit<=100\", \"/note one of low, high\"]\n\
         ttl_seconds = 300\nproof = \"always\"\nbudgets = {{ calls = 100, usd_micros = 100 }}"
    )
    .unwrap();
    text
}

#[tokio::test]
async fn the_largest_token_a_policy_allows_is_minted() {
    let home = Home::new();
    // The second caveat names all tools too, which is more words than a record has room for.
    set_policy(&home, &policy());
    let refused = hallpass_policy::Policy::parse(&[("p.toml", &*policy())].into()).unwrap_err();
    assert!(refused.to_string().contains("5120 bytes"), "{refused}");

    let fits = policy().replace("\"/limit<=100\", ", "");
    set_policy(&home, &fits);
    let running = home.serve().await;
    let mut labels = Map::new();
    for n in 0..7 {
        labels.insert(format!("l{n}"), json!("x".repeat(256)));
    }
    let body = json!({
        "route": "/r",
        "tenant": "t".repeat(64),
        "subject": format!("user:{}", "x".repeat(123)),
        "actor": format!("agent:{}", "x".repeat(122)),
        "holder_key": HOLDER,
        "labels": labels,
    });
    let request = running.tokens().header("idempotency-key", "\"".repeat(128));
    let minted = running.send(request.json(&body)).await;
    assert_eq!(minted.status, 201, "{minted:?}");
    assert_eq!(minted.json["tools"].as_array().unwrap().len(), 64);
    assert_eq!(minted.json["audiences"].as_array().unwrap().len(), 16);
    // And a child of it is larger by the name of its parent.
    let mut child = body;
    child["parent_run_id"] = minted.json["run_id"].clone();
    assert_eq!(running.mint(&child).await.status, 201);
    running.stop().await;
}

/// What binds a run from its first token and what its route has come to say are both in a renewal.
#[tokio::test]
async fn a_run_whose_caveats_no_longer_fit_is_told_to_start_anew() {
    let home = Home::new();
    let fits = policy().replace("\"/limit<=100\", ", "");
    set_policy(&home, &fits);
    let running = home.serve().await;
    let mut body = json!({
        "route": "/r",
        "tenant": "acme",
        "subject": "user:alice",
        "actor": "agent:bot",
        "holder_key": HOLDER,
    });
    let run = running.mint(&body).await.json["run_id"].clone();
    running.stop().await;

    set_policy(
        &home,
        &fits.replace("/note one of low, high", "/limit<=100"),
    );
    let running = home.serve().await;
    assert_eq!(running.mint(&body).await.status, 201);
    body["run_id"] = run;
    let refused = running.mint(&body).await;
    assert_eq!((refused.status, refused.code()), (403, "run_mismatch"));
    let told = refused.json["detail"].as_str().unwrap();
    assert!(told.contains("start a new run"), "{told}");
    running.stop().await;
}
