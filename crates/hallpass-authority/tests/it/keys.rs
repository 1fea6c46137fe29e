//! Keys take each other's place while tokens are minted, and no verifier refuses one of them.

use std::path::PathBuf;
use std::time::Duration;

use hallpass_bundle::{KeyState, Snapshot, accept};
use hallpass_token::UnverifiedToken;
use hallpass_vocabulary::Clock as _;
use serde_json::{Value, json};

use crate::fixture::{Answer, Home, Running, SOON, draft};
use crate::signing::{Call, enrol};
use crate::verifier::TestVerifier;

/// How long a key is published before it signs.
const PREPARED: Duration = Duration::from_secs(960);
/// How long a key stays published after another took its place.
const RETIRING: Duration = Duration::from_secs(960);

struct World {
    home: Home,
    running: Running,
}

impl World {
    async fn start() -> Self {
        let home = Home::new();
        enrol(&home);
        let running = home.serve().await;
        home.clock.advance(Duration::from_secs(2 * 60 * 60));
        Self { home, running }
    }

    /// Stops it and starts it again.
    async fn again(self) -> Self {
        self.running.stop().await;
        let running = self.home.serve().await;
        Self {
            home: self.home,
            running,
        }
    }

    async fn admin(&self, path: &str, body: Value) -> Answer {
        let call = Call::new("POST", path).body(&body.to_string());
        self.running.as_operator(&self.home, "admin", &call).await
    }

    async fn rotate(&self, purpose: &str) -> Answer {
        self.admin("/v1/keys/rotate", json!({"purpose": purpose}))
            .await
    }

    async fn phase(&self, purpose: &str) -> String {
        let answer = self.rotate(purpose).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json["phase"].as_str().unwrap().to_owned()
    }

    async fn keys(&self) -> Vec<Value> {
        let call = Call::new("GET", "/v1/keys");
        let answer = self.running.as_operator(&self.home, "auditor", &call).await;
        answer.json["keys"].as_array().unwrap().clone()
    }

    /// The keys of a purpose at a standing.
    async fn standing(&self, purpose: &str, standing: &str) -> Vec<String> {
        let keys = self.keys().await;
        let is_it = |key: &&Value| key["purpose"] == purpose && key["standing"] == standing;
        let ids = keys.iter().filter(is_it);
        ids.map(|key| key["key"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What a verifier believes now.
    async fn snapshot(&self) -> Snapshot {
        // For a heartbeat of now.
        self.home.clock.advance(Duration::from_secs(2));
        let bundle = self.running.http.get(self.running.url("/v1/bundle"));
        let bytes = bundle.send().await.unwrap().bytes().await.unwrap();
        let (pinned, now) = (&self.home.report.trust_root, self.home.clock.now());
        accept(&bytes, pinned, None, now).unwrap()
    }

    async fn token(&self) -> String {
        let minted = self.running.mint(&draft()).await;
        assert_eq!(minted.status, 201, "{minted:?}");
        minted.json["token"].as_str().unwrap().to_owned()
    }

    fn key_files(&self, purpose: &str) -> Vec<PathBuf> {
        let names = std::fs::read_dir(self.home.path("keys")).unwrap();
        let mut files: Vec<PathBuf> = names.map(|it| it.unwrap().path()).collect();
        files.retain(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name == format!("{purpose}.key") || name.starts_with(&format!("{purpose}-"))
        });
        files
    }
}

/// Whether a verifier believes the signature of a token, and the state of the key.
fn believed(snapshot: &Snapshot, token: &str) -> Option<KeyState> {
    let token = UnverifiedToken::parse(token).unwrap();
    let key = snapshot.key(token.key_hint())?;
    token.verify(&key.key).unwrap();
    Some(key.state)
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(SOON, waiting).await;
    waited.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn a_rotation_has_its_phases_and_no_token_is_refused_in_any() {
    let world = World::start().await;
    let old = world.standing("run", "active").await;
    let before = world.token().await;
    let begun = world.rotate("run").await;
    assert_eq!(begun.json["phase"], "prepared", "{begun:?}");
    assert_eq!(begun.json["replaces"], json!(old[0]));
    let new = begun.json["key"].as_str().unwrap().to_owned();
    let snapshot = world.snapshot().await;
    assert_eq!(believed(&snapshot, &before), Some(KeyState::Active));
    assert_eq!(
        world.phase("run").await,
        "prepared",
        "asking does not hurry"
    );
    assert_eq!(world.standing("run", "active").await, old);

    world.home.clock.advance(PREPARED);
    assert_eq!(world.phase("run").await, "retiring");
    assert_eq!(
        world.standing("run", "active").await,
        std::slice::from_ref(&new)
    );
    assert_eq!(world.standing("run", "retiring").await, old);
    let after = world.token().await;
    // Whoever has the bundle of before the change believes the new key, and whoever has the one after it the old.
    assert_eq!(believed(&snapshot, &after), Some(KeyState::Prepared));
    let snapshot = world.snapshot().await;
    assert_eq!(believed(&snapshot, &after), Some(KeyState::Active));
    assert_eq!(believed(&snapshot, &before), Some(KeyState::Retiring));
    assert_eq!(world.key_files("run").len(), 2);

    world.home.clock.advance(RETIRING);
    until("the old key is dropped by itself", async || {
        world.standing("run", "retired").await == old
    })
    .await;
    assert_eq!(believed(&world.snapshot().await, &before), None);
    assert_eq!(
        believed(&world.snapshot().await, &after),
        Some(KeyState::Active)
    );
    until("its file is gone", async || {
        world.key_files("run").len() == 1
    })
    .await;
    let resumed = world
        .admin("/v1/keys/rotate", json!({"purpose": "run", "resume": true}))
        .await;
    assert_eq!(resumed.json["phase"], "done");
    assert_eq!(resumed.json["key"], json!(new));

    let changed = world.home.records_of("key_changed");
    let standings: Vec<String> = changed
        .iter()
        .map(|record| {
            let keys = record["keys"].as_array().unwrap().iter();
            let words: Vec<&str> = keys.map(|it| it["standing"].as_str().unwrap()).collect();
            words.join(" ")
        })
        .collect();
    assert_eq!(standings, ["prepared", "active retiring", "retired"]);
    let by: Vec<&Value> = changed.iter().map(|record| &record["by"]).collect();
    assert_eq!(by[..2], [&json!("op:admin"), &json!("op:admin")]);
    assert!(by[2].is_null(), "its time had come");
    world.running.stop().await;
}

#[tokio::test]
async fn a_rotation_goes_on_where_a_restart_found_it() {
    let mut world = World::start().await;
    // As if it was killed after it made the key, before anything else.
    let dev = "dev".parse().unwrap();
    let key = hallpass_keys::SigningKey::from_seed(hallpass_keys::Purpose::Run, dev, [0x5a; 32]);
    let file = world.home.path("keys/run-5a5a5a5a5a5a5a5a.key");
    hallpass_keys::key_file::write_key_file(&file, &key).unwrap();
    let key = key.id().to_string();
    world = world.again().await;
    assert!(
        world.standing("run", "prepared").await.is_empty(),
        "nobody said so"
    );
    let begun = world.rotate("run").await;
    assert_eq!(
        begun.json["key"],
        json!(key),
        "the key that is there is taken"
    );
    let began_at = begun.json["until"].clone();

    world = world.again().await;
    assert_eq!(
        world.standing("run", "prepared").await,
        std::slice::from_ref(&key)
    );
    let waiting = world.rotate("run").await;
    assert_eq!(
        waiting.json["until"], began_at,
        "the wait goes on, and does not begin anew"
    );
    world.home.clock.advance(PREPARED);
    let token = world.token().await;
    assert_eq!(world.phase("run").await, "retiring");

    world = world.again().await;
    assert_eq!(
        world.standing("run", "active").await,
        std::slice::from_ref(&key)
    );
    assert_eq!(
        believed(&world.snapshot().await, &token),
        Some(KeyState::Retiring)
    );
    let old = world.standing("run", "retiring").await;
    world.home.clock.advance(RETIRING);
    world = world.again().await;
    until("it is dropped after a restart", async || {
        world.standing("run", "retired").await == old
    })
    .await;
    world = world.again().await;
    assert_eq!(world.standing("run", "active").await, [key]);
    until("only the new file is left", async || {
        world.key_files("run") == [file.clone()]
    })
    .await;
    world.running.stop().await;
}

#[tokio::test]
async fn what_would_strand_verifiers_is_refused() {
    let world = World::start().await;
    let active = world.standing("run", "active").await.remove(0);
    let hurried = world
        .admin(
            "/v1/keys/rotate",
            json!({"purpose": "run", "wait_seconds": 959}),
        )
        .await;
    assert_eq!((hurried.status, hurried.code()), (409, "key_not_ready"));
    let dropped = world
        .admin(
            &format!("/v1/keys/{active}/retire"),
            json!({"confirmed": true}),
        )
        .await;
    assert_eq!((dropped.status, dropped.code()), (409, "key_in_use"));
    let unknown = world
        .admin(&format!("/v1/keys/{}/retire", "0".repeat(64)), json!({}))
        .await;
    assert_eq!((unknown.status, unknown.code()), (404, "key_unknown"));
    let bundle = world.standing("bundle", "active").await.remove(0);
    let by_root = world
        .admin(
            &format!("/v1/keys/{bundle}/taint"),
            json!({"reason": "lost"}),
        )
        .await;
    assert_eq!((by_root.status, by_root.code()), (409, "key_by_root"));
    assert_eq!(world.rotate("operator").await.code(), "body_malformed");

    // A second rotation is the first one.
    let first = world.rotate("run").await;
    let second = world.rotate("run").await;
    assert_eq!(first.json["key"], second.json["key"]);
    assert_eq!(world.standing("run", "prepared").await.len(), 1);
    // A key whose file went is not made active.
    world.home.clock.advance(PREPARED);
    let new = first.json["key"].as_str().unwrap();
    let file = world.home.path(&format!("keys/run-{}.key", &new[..16]));
    let aside = world.home.path("aside.key");
    std::fs::rename(&file, &aside).unwrap();
    let missing = world.rotate("run").await;
    assert_eq!((missing.status, missing.code()), (409, "key_not_ready"));
    assert_eq!(
        world.standing("run", "active").await,
        std::slice::from_ref(&active)
    );
    std::fs::rename(&aside, &file).unwrap();
    // One that has lost the file of the key it signs with goes on with what it has in memory.
    std::fs::remove_file(world.home.path("keys/run.key")).unwrap();
    let listed = world.keys().await;
    let lost = listed.iter().find(|key| key["key"] == json!(active));
    assert_eq!(lost.unwrap()["here"], false);
    world.token().await;
    assert_eq!(world.phase("run").await, "retiring");
    world.token().await;
    world.home.clock.advance(RETIRING);
    until("dropped", async || {
        world.standing("run", "retired").await == [active.clone()]
    })
    .await;
    let lately = world.rotate("run").await;
    assert_eq!(
        (lately.status, lately.code()),
        (409, "key_not_ready"),
        "{lately:?}"
    );
    let meant = json!({"purpose": "run", "force": true});
    assert_eq!(world.admin("/v1/keys/rotate", meant).await.status, 200);
    world.running.stop().await;
}

#[tokio::test]
async fn a_tainted_key_is_refused_at_once_and_another_one_signs() {
    let world = World::start().await;
    let stolen = world.standing("run", "active").await.remove(0);
    let token = world.token().await;
    let path = format!("/v1/keys/{stolen}/taint");
    let tainted = world
        .admin(&path, json!({"reason": "found in a backup"}))
        .await;
    assert_eq!(tainted.status, 200, "{tainted:?}");
    let next = tainted.json["active"].as_str().unwrap().to_owned();
    assert_ne!(next, stolen);
    let snapshot = world.snapshot().await;
    assert_eq!(believed(&snapshot, &token), Some(KeyState::Tainted));
    let fresh = world.token().await;
    assert_eq!(believed(&snapshot, &fresh), Some(KeyState::Active));
    let again = world.admin(&path, json!({"reason": "again"})).await;
    assert_eq!(again.status, 200, "it is so already");
    assert_eq!(world.home.records_of("key_changed").len(), 1);
    assert_eq!(
        world.home.records_of("key_changed")[0]["reason"],
        "found in a backup"
    );

    // It stays so when the store is lost, and the journal's old records with it.
    world.running.stop().await;
    let store = rusqlite::Connection::open(world.home.path("authority.db")).unwrap();
    store.execute_batch("DELETE FROM signing_keys").unwrap();
    drop(store);
    let running = world.home.serve().await;
    let world = World {
        home: world.home,
        running,
    };
    assert_eq!(
        world.standing("run", "tainted").await,
        std::slice::from_ref(&stolen)
    );
    assert_eq!(
        world.standing("run", "active").await,
        std::slice::from_ref(&next)
    );
    // A prepared key takes the place of the next that is stolen; the tainted one need not be named for ever.
    let meant = json!({"purpose": "run", "force": true});
    let prepared = world.admin("/v1/keys/rotate", meant).await.json["key"].clone();
    let path = format!("/v1/keys/{next}/taint");
    let tainted = world.admin(&path, json!({"reason": "again"})).await;
    assert_eq!(tainted.json["active"], prepared);
    let path = format!("/v1/keys/{stolen}/retire");
    assert_eq!(world.admin(&path, json!({})).await.json["tokens"], 0);
    assert_eq!(believed(&world.snapshot().await, &token), None);
    world.running.stop().await;
}

#[tokio::test]
async fn a_key_is_ended_early_only_by_who_knows_what_ends_with_it() {
    let world = World::start().await;
    world.rotate("run").await;
    world.home.clock.advance(PREPARED);
    for _ in 0..3 {
        world.token().await;
    }
    assert_eq!(world.phase("run").await, "retiring");
    world.token().await;
    let old = world.standing("run", "retiring").await.remove(0);
    let path = format!("/v1/keys/{old}/retire");
    let warned = world.admin(&path, json!({})).await;
    assert_eq!((warned.status, warned.code()), (409, "key_in_use"));
    assert_eq!(warned.json["detail"], "it ends 3 live tokens");
    let ended = world.admin(&path, json!({"confirmed": true})).await;
    assert_eq!(ended.json["tokens"], 3, "{ended:?}");
    assert_eq!(world.standing("run", "retired").await, [old]);
    world.running.stop().await;
}

#[tokio::test]
async fn the_same_token_comes_again_while_its_key_retires_and_a_clear_answer_after() {
    let world = World::start().await;
    let ask = async |key: &str| {
        let request = world.running.tokens().header("idempotency-key", key);
        world.running.send(request.json(&draft())).await
    };
    // The keys of approvals are part of a token's bytes.
    assert_eq!(world.phase("approval").await, "prepared");
    assert_eq!(world.phase("run").await, "prepared");
    world.home.clock.advance(PREPARED);
    let first = ask("one").await;
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(world.phase("run").await, "retiring");
    assert_eq!(world.phase("approval").await, "retiring");
    let again = ask("one").await;
    assert_eq!(again.json["token"], first.json["token"]);
    assert_eq!(ask("two").await.status, 201);
    let old = world.standing("run", "retiring").await.remove(0);
    let path = format!("/v1/keys/{old}/retire");
    world.admin(&path, json!({"confirmed": true})).await;
    let after = ask("one").await;
    assert_eq!((after.status, after.code()), (409, "idempotency_spent"));
    world.running.stop().await;
}

#[tokio::test]
async fn a_verifier_that_was_given_longer_is_waited_for() {
    let world = World::start().await;
    let (home, running) = (&world.home, &world.running);
    let mut verifier = TestVerifier::new(home, 1);
    verifier.enrol(home, running).await;
    let say = async |verifier: &mut TestVerifier, version: u64| {
        let mut call = verifier.report(None);
        let mut report: Value = serde_json::from_slice(&call.body).unwrap();
        report["bundle"] = json!({"version": version, "heartbeat": home.clock.now()});
        report["staleness"] = json!({"destructive": 60, "write": 300, "read": 7_200});
        call.body = report.to_string().into_bytes();
        let answer = verifier.send(home, running, &call).await;
        assert!(answer.status < 300, "{answer:?}");
    };
    say(&mut verifier, 7).await;
    let stops = home.clock.now().after(Duration::from_secs(7_200 + 30));
    assert_eq!(world.phase("run").await, "prepared");
    home.clock.advance(PREPARED);
    let waiting = world.rotate("run").await;
    assert_eq!(waiting.json["phase"], "prepared");
    assert_eq!(waiting.json["waits_for"], json!([verifier.origin()]));
    assert_eq!(waiting.json["until"], json!(stops));
    // It has the new key; or would have stopped by itself at last.
    let version = world.snapshot().await.version();
    say(&mut verifier, version + 1).await;
    assert_eq!(world.phase("run").await, "retiring");
    world.running.stop().await;
}
