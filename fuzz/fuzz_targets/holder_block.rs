//! Any bytes as an attenuation block, correctly signed by a holder: never a panic, and what is admitted means the same
//! to the engine as to us and allows nothing that was denied before.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use biscuit_auth::format::schema;
use ed25519_dalek::Signer as _;
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_token::engine::{Engine, EngineVerdict};
use hallpass_token::{
    AdmittedToken, CallFacts, Clearance, Grant, GrantSpec, NextSecret, UnverifiedToken, mint,
};
use hallpass_vocabulary::{ProofRule, RunId, SubjectAssurance, Timestamp, TokenId};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;

const ISSUED: i64 = 1_795_253_400;
const SECRET: [u8; 32] = [2; 32];

struct Fixture {
    root: SigningKey,
    token: schema::Biscuit,
    admitted: AdmittedToken,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let issued = Timestamp::from_unix_seconds(ISSUED);
    let grant = Grant::new(GrantSpec {
        token: TokenId::new(issued, [1; 10]),
        run: RunId::new(issued, [2; 10]),
        tenant: "acme".parse().unwrap(),
        environment: "dev".parse().unwrap(),
        subject: "user:alice".parse().unwrap(),
        assurance: SubjectAssurance::Asserted,
        actor: "agent:support-bot".parse().unwrap(),
        client: "helpdesk".parse().unwrap(),
        route: "/support/send".parse().unwrap(),
        roles: BTreeSet::new(),
        audiences: BTreeSet::from(["kb".parse().unwrap(), "tickets".parse().unwrap()]),
        tools: BTreeSet::from(["kb.search".parse().unwrap(), "tickets.get".parse().unwrap()]),
        needs_approval: BTreeSet::from(["ticket.close".parse().unwrap()]),
        budgets: BTreeMap::new(),
        holder: None,
        proof: ProofRule::Waived,
        policy: Digest::of(b"policy"),
        issued,
        expires: issued.after(Duration::from_secs(900)),
        break_glass: None,
    })
    .unwrap();
    let root = SigningKey::from_seed(Purpose::Run, "dev".parse().unwrap(), [1; 32]);
    let text = mint(&grant, &[], &root, &[], NextSecret::from_random(SECRET)).unwrap();
    let verified = UnverifiedToken::parse(text.expose())
        .unwrap()
        .verify(&root.verifying_key())
        .unwrap();
    let bytes = URL_SAFE_NO_PAD
        .decode(text.expose().strip_prefix("hp1.").unwrap())
        .unwrap();
    let token = schema::Biscuit::decode(bytes.as_slice()).unwrap();
    Fixture {
        root,
        token,
        admitted: verified.admit().unwrap(),
    }
});

fuzz_target!(|payload: &[u8]| {
    let text = appended(payload);
    let Ok(parsed) = UnverifiedToken::parse(&text) else {
        return; // Too large.
    };
    let verified = parsed
        .verify(&FIXTURE.root.verifying_key())
        .expect("it is correctly signed");
    let Ok(admitted) = verified.admit() else {
        return;
    };
    let engine = Engine::load(&verified).expect("what is admitted is a Biscuit");
    for tool in ["kb.search", "tickets.get", "ticket.close", "mail.send"] {
        for audience in ["kb", "tickets"] {
            for seconds in [0, 899, 900] {
                let call = CallFacts {
                    now: Timestamp::from_unix_seconds(ISSUED + seconds),
                    audience: &audience.parse().unwrap(),
                    environment: &"dev".parse().unwrap(),
                    tool: &tool.parse().unwrap(),
                    arguments: &Arguments::parse(b"{}").unwrap(),
                };
                let allows = |token: &AdmittedToken| token.decide(&call) == Ok(Clearance::Allow);
                assert!(
                    !allows(&admitted) || allows(&FIXTURE.admitted),
                    "it was widened"
                );
                let expected = if allows(&admitted) {
                    EngineVerdict::Allow
                } else {
                    EngineVerdict::Deny
                };
                assert_eq!(engine.decide(&call), expected);
            }
        }
    }
});

fn appended(payload: &[u8]) -> String {
    let mut token = FIXTURE.token.clone();
    let key = ed25519_dalek::SigningKey::from_bytes(&[3; 32]);
    let next = key.verifying_key().to_bytes().to_vec();
    let signed = [payload, &0i32.to_le_bytes(), &next].concat();
    token.blocks.push(schema::SignedBlock {
        block: payload.to_vec(),
        next_key: schema::PublicKey {
            algorithm: 0,
            key: next,
        },
        signature: ed25519_dalek::SigningKey::from_bytes(&SECRET)
            .sign(&signed)
            .to_bytes()
            .to_vec(),
        external_signature: None,
        version: None,
    });
    token.proof.content = Some(schema::proof::Content::NextSecret(key.to_bytes().to_vec()));
    format!("hp1.{}", URL_SAFE_NO_PAD.encode(token.encode_to_vec()))
}
