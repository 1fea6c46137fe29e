//! Another policy takes the place of the one in force: whole, recorded before a bundle names it, or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hallpass_authority::{Authority, OpenError, ReloadError};
use hallpass_bundle::accept;
use hallpass_vocabulary::{Clock as _, OperatorId};
use serde_json::{Value, json};

use crate::faulty::{Disk, FaultyStorage};
use crate::fixture::{Home, Running, SOON, draft, with};

const FILE: &str = "policy/starter.toml";

/// The policy with something in it replaced.
pub fn rewrite(home: &Home, from: &str, to: &str) {
    let text = std::fs::read_to_string(home.path(FILE)).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(home.path(FILE), text.replace(from, to)).unwrap();
}

async fn bundle_policy(home: &Home, running: &Running) -> (u64, String) {
    let response = running
        .http
        .get(running.url("/v1/bundle?format=2"))
        .send()
        .await;
    let body = response.unwrap().bytes().await.unwrap();
    let snapshot = accept(&body, &home.report.trust_root, None, home.clock.now()).unwrap();
    (snapshot.version(), snapshot.policy().to_string())
}

async fn for_initech(running: &Running) -> u16 {
    running
        .mint(&with(draft(), "tenant", json!("initech")))
        .await
        .status
}

fn last_loaded(home: &Home) -> Value {
    home.records_of("policy_loaded").pop().unwrap()
}

#[tokio::test]
async fn a_reload_puts_the_new_policy_in_force_in_mints_in_the_bundle_and_on_record() {
    let home = Home::new();
    let running = home.serve().await;
    assert_eq!(for_initech(&running).await, 403);
    let before = bundle_policy(&home, &running).await;
    rewrite(&home, "\"globex\"", "\"globex\", \"initech\"");
    let by: OperatorId = "op:dana".parse().unwrap();
    let done = running.reloader.reload(Some(by)).await.unwrap();
    assert!(done.changed);
    assert_eq!(for_initech(&running).await, 201);
    let after = bundle_policy(&home, &running).await;
    assert!(after.0 > before.0);
    assert_eq!(after.0, done.bundle_version);
    assert_eq!(after.1, done.policy.to_string());
    // One for each of the routes.
    assert_eq!(done.widenings.len(), 4, "{done:?}");
    assert_eq!(done.narrowings, 0);
    let loaded = last_loaded(&home);
    assert_eq!(loaded["by"], "op:dana");
    assert_eq!(loaded["changed"], true);
    assert_eq!(
        loaded["widenings"][0],
        "route `/ops/triage`: it is for further tenants: `initech`"
    );
    assert_eq!(loaded["widenings"].as_array().unwrap().len(), 4);
    let minted = home.records_of("minted").pop().unwrap();
    assert_eq!(minted["policy"], loaded["digest"]);
    running.stop().await;
}

#[tokio::test]
async fn the_same_policy_again_is_no_change() {
    let home = Home::new();
    let running = home.serve().await;
    let before = bundle_policy(&home, &running).await;
    let done = running.reloader.reload(None).await.unwrap();
    assert!(!done.changed && done.widenings.is_empty());
    assert_eq!(bundle_policy(&home, &running).await, before);
    assert_eq!(last_loaded(&home)["changed"], false);
    running.stop().await;
}

#[tokio::test]
async fn a_bad_policy_changes_nothing_and_is_on_record() {
    let home = Home::new();
    let running = home.serve().await;
    let before = bundle_policy(&home, &running).await;
    let loaded = home.records_of("policy_loaded").len();
    let good = std::fs::read_to_string(home.path(FILE)).unwrap();
    rewrite(&home, "\"globex\"", "\"globex\", \"initech\"");
    rewrite(&home, "ttl_seconds = 300", "ttl_secondss = 300");
    for by in [None, Some("op:dana".parse().unwrap())] {
        let refused = running.reloader.reload(by).await.unwrap_err();
        assert!(matches!(refused, ReloadError::Refused(_)), "{refused:?}");
    }
    // Half of a policy is none: the other half of what was written is not in force either.
    assert_eq!(for_initech(&running).await, 403);
    assert_eq!(running.mint(&draft()).await.status, 201);
    assert_eq!(bundle_policy(&home, &running).await, before);
    std::fs::rename(home.path("policy"), home.path("elsewhere")).unwrap();
    let refused = running.reloader.reload(None).await.unwrap_err();
    assert!(matches!(refused, ReloadError::Directory(_)), "{refused:?}");
    assert_eq!(running.mint(&draft()).await.status, 201);
    assert_eq!(home.records_of("policy_loaded").len(), loaded);
    let refused = home.records_of("policy_refused");
    assert_eq!(refused.len(), 3);
    let detail = refused[1]["detail"].as_str().unwrap();
    assert!(detail.starts_with("starter.toml:"), "{detail}");
    assert!(detail.contains("ttl_secondss"), "{detail}");
    assert_eq!(refused[1]["by"], "op:dana");
    assert_eq!(refused[0].get("by"), None);
    // It recovers by itself.
    std::fs::rename(home.path("elsewhere"), home.path("policy")).unwrap();
    std::fs::write(home.path(FILE), good).unwrap();
    assert!(!running.reloader.reload(None).await.unwrap().changed);
    running.stop().await;
}

#[tokio::test]
async fn a_policy_that_cannot_be_recorded_does_not_come_into_force() {
    let home = Home::new();
    home.serve().await.stop().await;
    let disk = Arc::new(Disk::default());
    let running = home
        .serve_on(Arc::new(FaultyStorage(Arc::clone(&disk))))
        .await;
    let before = bundle_policy(&home, &running).await;
    rewrite(&home, "\"globex\"", "\"globex\", \"initech\"");
    disk.fill(true);
    let refused = running.reloader.reload(None).await.unwrap_err();
    assert!(matches!(refused, ReloadError::Record(_)), "{refused:?}");
    disk.fill(false);
    assert_eq!(bundle_policy(&home, &running).await, before);
    // The journal finds out by itself that there is room again.
    let end = std::time::Instant::now() + SOON;
    let done = loop {
        match running.reloader.reload(None).await {
            Ok(done) => break done,
            Err(error) => assert!(std::time::Instant::now() < end, "{error:?}"),
        }
    };
    assert!(done.changed);
    assert_eq!(for_initech(&running).await, 201);
    running.stop().await;
}

/// Recorded, and then nothing more: the bundle that names the policy cannot be written.
#[tokio::test]
async fn what_was_recorded_and_not_published_is_recorded_again_at_the_next_start() {
    let home = Home::new();
    let running = home.serve().await;
    let before = bundle_policy(&home, &running).await;
    rewrite(&home, "\"globex\"", "\"globex\", \"initech\"");
    let obstacle = home.path("bundle/last.json.new");
    std::fs::create_dir(&obstacle).unwrap();
    let refused = running.reloader.reload(None).await.unwrap_err();
    assert!(matches!(refused, ReloadError::Publish(_)), "{refused:?}");
    assert_eq!(for_initech(&running).await, 403);
    assert_eq!(bundle_policy(&home, &running).await, before);
    let first = last_loaded(&home);
    assert_eq!(first["widenings"].as_array().unwrap().len(), 4);
    running.stop().await;
    std::fs::remove_dir(&obstacle).unwrap();
    let running = home.serve().await;
    let second = last_loaded(&home);
    assert_eq!(second["changed"], true);
    assert_eq!(second["widenings"], first["widenings"]);
    assert_eq!(for_initech(&running).await, 201);
    assert_eq!(
        bundle_policy(&home, &running).await.1,
        second["digest"].as_str().unwrap()
    );
    running.stop().await;
}

#[tokio::test]
async fn a_policy_that_changed_while_the_authority_was_down_is_compared_with_the_one_before() {
    let home = Home::new();
    home.serve().await.stop().await;
    // The first policy of all widens nothing.
    assert_eq!(last_loaded(&home).get("widenings"), None);
    rewrite(&home, "\"globex\"", "\"globex\", \"initech\"");
    home.serve().await.stop().await;
    assert_eq!(last_loaded(&home)["widenings"].as_array().unwrap().len(), 4);
    // One copy is kept, that of the policy in force.
    let copies = home.path("bundle/policies");
    let kept: Vec<_> = std::fs::read_dir(&copies).unwrap().collect();
    assert_eq!(kept.len(), 1);
    std::fs::remove_dir_all(&copies).unwrap();
    rewrite(&home, "\"initech\"", "\"hooli\"");
    home.serve().await.stop().await;
    let widenings = last_loaded(&home)["widenings"].clone();
    assert_eq!(
        widenings,
        json!([
            "the policy before is not known here any more: everything this one allows counts as new"
        ])
    );
}

#[tokio::test]
async fn a_record_of_very_many_widenings_says_how_many_more() {
    let home = Home::new();
    let running = home.serve().await;
    let route = |n: usize| {
        format!(
            "[routes.\"/many/r{n}\"]\nsummary = \"x\"\nclients = [\"demo-orchestrator\"]\ntenants = [\"acme\"]\nactors = \"agent:*\"\nallow = [\"kb.search\"]\nttl_seconds = 300\nproof = \"waived\"\n"
        )
    };
    let many: String = (0..200).map(route).collect();
    std::fs::write(home.path("policy/many.toml"), many).unwrap();
    let done = running.reloader.reload(None).await.unwrap();
    assert_eq!(done.widenings.len(), 200);
    let loaded = last_loaded(&home);
    let told = loaded["widenings"].as_array().unwrap();
    assert_eq!(told.len(), 24);
    assert_eq!(told[23], "and 177 more");
    running.stop().await;
}

/// Each token names the policy it was decided by, and that policy grants what it says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mints_under_way_are_decided_by_one_policy_or_the_other_and_never_by_both() {
    const RELOADS: usize = 12;
    let home = Home::new();
    let running = Arc::new(home.serve().await);
    let stop = Arc::new(AtomicBool::new(false));
    let minting: Vec<_> = ["globex", "initech"]
        .into_iter()
        .cycle()
        .take(6)
        .map(|tenant| {
            let (running, stop) = (Arc::clone(&running), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut answers = [0_usize; 2];
                while !stop.load(Ordering::SeqCst) {
                    let answer = running.mint(&with(draft(), "tenant", json!(tenant))).await;
                    match answer.status {
                        201 => answers[0] += 1,
                        403 if answer.code() == "tenant_not_allowed" => answers[1] += 1,
                        _ => panic!("{answer:?}"),
                    }
                }
                answers
            })
        })
        .collect();
    let mut of_tenant = std::collections::BTreeMap::new();
    of_tenant.insert("globex", last_loaded(&home)["digest"].clone());
    for n in 0..RELOADS {
        let (from, to) = match n % 2 {
            0 => ("globex", "initech"),
            _ => ("initech", "globex"),
        };
        rewrite(&home, &format!("\"{from}\""), &format!("\"{to}\""));
        let done = running.reloader.reload(None).await.unwrap();
        let digest = json!(done.policy.to_string());
        assert_eq!(*of_tenant.entry(to).or_insert(digest.clone()), digest);
        // In force from here on: what is asked now is decided by it.
        let asked = |tenant: &str| with(draft(), "tenant", json!(tenant));
        assert_eq!(running.mint(&asked(to)).await.status, 201);
        assert_eq!(running.mint(&asked(from)).await.status, 403);
    }
    stop.store(true, Ordering::SeqCst);
    let mut answered = [0, 0];
    for task in minting {
        let answers = task.await.unwrap();
        answered = [answered[0] + answers[0], answered[1] + answers[1]];
    }
    assert!(answered[0] > 0 && answered[1] > 0, "{answered:?}");
    Arc::into_inner(running).unwrap().stop().await;
    let minted = home.records_of("minted");
    assert_eq!(minted.len(), answered[0] + RELOADS);
    for record in minted {
        let tenant = record["tenant"].as_str().unwrap();
        assert_eq!(record["policy"], of_tenant[tenant], "{record}");
    }
}

#[tokio::test]
async fn a_start_that_is_refused_for_its_policy_leaves_no_record() {
    let home = Home::new();
    home.serve().await.stop().await;
    let refused = |text: &str| {
        std::fs::write(home.path(FILE), text).unwrap();
        Authority::open(&home.directory, home.clock.clone()).unwrap_err()
    };
    assert!(matches!(refused("nonsense"), OpenError::Policy { .. }));
    assert_eq!(home.records_of("policy_loaded").len(), 1);
}
