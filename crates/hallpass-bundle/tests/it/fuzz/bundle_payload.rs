//! Any bytes as a publication, as a heartbeat and as a bundle that the right key has signed: never a panic, and what is
//! believed denies what it says is stopped, revoked or cut off.

use std::sync::OnceLock;
use std::time::Duration;

use hallpass_bundle::{
    BUNDLE_PAYLOAD_TYPE, HEARTBEAT_PAYLOAD_TYPE, Restricted, Role, Root, RootDraft, Selector,
    Snapshot, Standing, accept, accept_heartbeat,
};
use hallpass_keys::dsse::Envelope;
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_vocabulary::{
    Actor, Audience, ClientId, Environment, Route, RunId, Subject, Tenant, Timestamp, TokenId,
    ToolName,
};

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);

/// The bundle of docs/bundle-format.md, in which the lists have one entry each.
const EXAMPLE: &str = include_str!("../../vectors/published.json");

/// An authority that signs whatever it is given.
struct Careless {
    root: Root,
    roots: Envelope,
    bundle: SigningKey,
    heartbeat: SigningKey,
}

fn careless() -> &'static Careless {
    static CARELESS: OnceLock<Careless> = OnceLock::new();
    CARELESS.get_or_init(|| {
        let environment = Environment::new("prod").expect("a good name");
        let key = |purpose, seed| SigningKey::from_seed(purpose, environment.clone(), [seed; 32]);
        let (signer, bundle, heartbeat) = (
            key(Purpose::Root, 200),
            key(Purpose::Bundle, 201),
            key(Purpose::Heartbeat, 202),
        );
        let draft = RootDraft {
            authority: "hallpass.example".parse().expect("a good name"),
            environment: environment.clone(),
            root: Role::single(signer.verifying_key()),
            bundle: Role::single(bundle.verifying_key()),
            heartbeat: Role::single(heartbeat.verifying_key()),
            expires: NOW.after(Duration::from_secs(86_400)),
        };
        let root = Root::first(draft, NOW).expect("a good root");
        let roots = root.sign(None, &[&signer]).expect("its own key");
        Careless {
            root,
            roots,
            bundle,
            heartbeat,
        }
    })
}

pub fn check(bytes: &[u8]) {
    let careless = careless();
    let pinned = careless.root.trust_root();
    let _ = accept(bytes, &pinned, None, NOW);
    let sign = |kind, payload, key| Envelope::sign(kind, payload, &[key]);
    let Ok(bundle) = sign(BUNDLE_PAYLOAD_TYPE, bytes.to_vec(), &careless.bundle) else {
        return;
    };
    let version = serde_json::from_slice::<serde_json::Value>(bytes)
        .ok()
        .and_then(|it| it["version"].as_u64())
        .unwrap_or(1);
    let heartbeat = serde_json::json!({
        "format": 1,
        "authority": "hallpass.example",
        "environment": "prod",
        "bundle_version": version,
        "bundle_digest": Digest::of(bytes).to_string(),
        "time": NOW.to_string(),
    });
    let heartbeat = heartbeat.to_string().into_bytes();
    let heartbeat = sign(HEARTBEAT_PAYLOAD_TYPE, heartbeat, &careless.heartbeat).expect("small");
    let published = serde_json::json!({
        "roots": [careless.roots],
        "bundle": bundle,
        "heartbeat": heartbeat,
    });
    let Ok(snapshot) = accept(published.to_string().as_bytes(), &pinned, None, NOW) else {
        return;
    };
    let _ = accept_heartbeat(&snapshot, bytes, NOW);
    assert!(snapshot.version() > 0 && snapshot.expires() > NOW);
    for stop in snapshot.stops() {
        let lasts = stop.until.is_none_or(|until| NOW < until);
        let of_it = denied(&snapshot, &stop.selector, None);
        assert!(!lasts || matches!(of_it, Some(Restricted::Stopped { .. })));
        for run in stop.runs.iter().filter_map(RunId::from_u128) {
            let derived = denied(&snapshot, &Selector::Run(run), None);
            assert!(!lasts || matches!(derived, Some(Restricted::Stopped { .. })));
        }
    }
    for revocation in snapshot.revocations() {
        for token in revocation.tokens.iter().filter_map(TokenId::from_u128) {
            assert!(denied(&snapshot, &Selector::Token(token), None).is_some());
        }
    }
    for cutoff in snapshot.cutoffs() {
        let before = Timestamp::from_unix_ms(cutoff.before.unix_ms().saturating_sub(1));
        let old = denied(&snapshot, &cutoff.selector, Some(before));
        assert!(before == cutoff.before || old.is_some());
    }
}

/// What becomes of a call that is part of this and of nothing else that is listed.
fn denied(
    snapshot: &Snapshot,
    selector: &Selector,
    issued: Option<Timestamp>,
) -> Option<Restricted> {
    let actor = Actor::new("agent:nobody").expect("a good name");
    let tenant = Tenant::new("nobody").expect("a good name");
    let subject = Subject::new("user:nobody").expect("a good name");
    let client = ClientId::new("nobody").expect("a good name");
    let route = Route::new("/nobody").expect("a good name");
    let environment = Environment::new("nobody").expect("a good name");
    let audience = Audience::new("nobody").expect("a good name");
    let tool = ToolName::new("no.body").expect("a good name");
    let mut call = Standing {
        token: TokenId::new(NOW, [0xf1; 10]),
        run: RunId::new(NOW, [0xf2; 10]),
        issued: issued.unwrap_or(NOW.after(Duration::from_secs(u64::from(u32::MAX)))),
        tenant: &tenant,
        subject: &subject,
        actors: std::slice::from_ref(&actor),
        client: &client,
        route: &route,
        environment: &environment,
        audience: &audience,
        tool: &tool,
    };
    match selector {
        Selector::Everything => {}
        Selector::Actor(it) => call.actors = std::slice::from_ref(it),
        Selector::Audience(it) => call.audience = it,
        Selector::Client(it) => call.client = it,
        Selector::Environment(it) => call.environment = it,
        Selector::Route(it) => call.route = it,
        Selector::Run(it) => call.run = *it,
        Selector::Subject(it) => call.subject = it,
        Selector::Tenant(it) => call.tenant = it,
        Selector::Token(it) => call.token = *it,
        Selector::Tool(it) => call.tool = it,
    }
    snapshot.restriction(&call, NOW)
}

/// The published example: the whole, its bundle and its heartbeat.
pub fn seeds() -> Vec<Vec<u8>> {
    let published: serde_json::Value = serde_json::from_str(EXAMPLE).expect("the example is JSON");
    let envelope = |name: &str| -> Envelope {
        serde_json::from_value(published[name].clone()).expect("the example has it")
    };
    vec![
        envelope("bundle").unverified_payload().to_vec(),
        envelope("heartbeat").unverified_payload().to_vec(),
        EXAMPLE.as_bytes().to_vec(),
    ]
}
