//! Any bytes as an attenuation block, correctly signed by a holder: never a panic; what is admitted means the same to the
//! engine as to us and allows nothing that was denied before; and what only the extended profile admits is answered
//! within the bound.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use biscuit_auth::format::schema;
use ed25519_dalek::Signer as _;
use hallpass_args::Arguments;
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_token::engine::{Engine, EngineVerdict};
use hallpass_token::{
    AdmittedToken, CallFacts, Clearance, Grant, GrantSpec, NextSecret, Profile, UnverifiedToken,
    VerifiedToken, mint,
};
use hallpass_vocabulary::{ProofRule, RunId, SubjectAssurance, Timestamp, TokenId};
use prost::Message as _;

const ISSUED: i64 = 1_795_253_400;
const SECRET: [u8; 32] = [2; 32];

/// The promise is a few milliseconds; this is for a machine that does other things too, without optimisation.
const ENGINE_TIME: Duration = Duration::from_secs(1);

pub struct Fixture {
    pub root: SigningKey,
    pub text: String,
    token: schema::Biscuit,
    admitted: AdmittedToken,
}

pub static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
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
    let text = text.expose().to_owned();
    let verified = UnverifiedToken::parse(&text)
        .unwrap()
        .verify(&root.verifying_key())
        .unwrap();
    let bytes = URL_SAFE_NO_PAD
        .decode(text.strip_prefix("hp1.").unwrap())
        .unwrap();
    Fixture {
        root,
        token: schema::Biscuit::decode(bytes.as_slice()).unwrap(),
        admitted: verified.admit().unwrap(),
        text,
    }
});

/// Arguments on both sides of the caveats among the seeds.
static ARGUMENTS: LazyLock<Vec<Arguments>> = LazyLock::new(|| {
    [
        "{}",
        r#"{"x":5,"p":"/workspace/a","u":"https://api.example.com/","e":"a@example.com","t":["a","b"],"f":true}"#,
        r#"{"x":100,"p":"/workspace-evil","u":"http://10.0.0.1:8443/","e":"10.1.2.3","t":[1,2.5,3],"f":null}"#,
        r#"{"x":10.5,"p":"../a","u":"https://example.com.evil.test","e":"\u00e9","t":["/workspace/a","/etc"],"f":"null"}"#,
        r#"{"x":"fast","X":1,"p":{"q":1},"u":["https://a.example.com:443"],"e":["a@example.com"],"t":[],"f":[null]}"#,
        r#"{"x":-1,"t":["10.0.0.1","10.2.0.1"],"p":["a@example.com","b@example.org"],"u":9007199254740991}"#,
    ]
    .iter()
    .map(|text| Arguments::parse(text.as_bytes()).unwrap())
    .collect()
});

pub fn check(payload: &[u8]) {
    let text = appended(payload);
    let Ok(parsed) = UnverifiedToken::parse(&text) else {
        return; // Too large.
    };
    let verified = parsed.verify(&FIXTURE.root.verifying_key());
    let verified = verified.expect("it is correctly signed");
    match verified.admit() {
        Ok(admitted) => as_the_engine(&verified, &admitted),
        Err(_) => {
            if let Ok(admitted) = verified.admit_as(Profile::Extended) {
                within_the_bound(&admitted);
            }
        }
    }
}

/// A token of the standard profile: our verdict is the engine's, and nothing was widened.
pub fn as_the_engine(verified: &VerifiedToken, admitted: &AdmittedToken) {
    let engine = Engine::load(verified).expect("what is admitted is a Biscuit");
    let extended = verified.admit_as(Profile::Extended);
    let extended = extended.expect("it admits whatever the standard profile does");
    assert!(extended.is_standard());
    each_call(|call| {
        let typed = admitted.decide(call);
        let expected = match typed {
            Ok(Clearance::Allow) => EngineVerdict::Allow,
            _ => EngineVerdict::Deny,
        };
        assert_eq!(
            engine.decide(call),
            expected,
            "{typed:?} {:?} {call:?}",
            admitted.caveats()
        );
        assert_eq!(extended.decide(call), typed);
        not_widened(admitted, call);
        if let Err(denial) = typed {
            let told = admitted.explain(&denial, call);
            assert!(!told.chars().any(char::is_control), "{told}");
        }
    });
}

/// A token that only the extended profile admits.
fn within_the_bound(admitted: &AdmittedToken) {
    assert!(!admitted.is_standard());
    each_call(|call| {
        let started = Instant::now();
        let answer = admitted.check_in_engine(call, None);
        assert!(started.elapsed() < ENGINE_TIME, "{:?}", started.elapsed());
        not_widened(admitted, call);
        if let Err(denial) = answer {
            let told = admitted.explain(&denial, call);
            assert!(!told.chars().any(char::is_control), "{told}");
        }
    });
}

fn not_widened(admitted: &AdmittedToken, call: &CallFacts<'_>) {
    let allows = |token: &AdmittedToken| token.decide(call) == Ok(Clearance::Allow);
    assert!(
        !allows(admitted) || allows(&FIXTURE.admitted),
        "it was widened: {call:?}"
    );
}

fn each_call(mut look: impl FnMut(&CallFacts<'_>)) {
    let mut at = |tool: &str, audience: &str, seconds: i64, arguments: &Arguments| {
        look(&CallFacts {
            now: Timestamp::from_unix_seconds(ISSUED + seconds),
            audience: &audience.parse().unwrap(),
            environment: &"dev".parse().unwrap(),
            tool: &tool.parse().unwrap(),
            arguments,
        });
    };
    for arguments in ARGUMENTS.iter() {
        at("kb.search", "kb", 10, arguments);
    }
    for tool in ["tickets.get", "ticket.close", "mail.send"] {
        at(tool, "tickets", 0, &ARGUMENTS[1]);
    }
    for seconds in [59, 60, 899, 900] {
        at("kb.search", "tickets", seconds, &ARGUMENTS[2]);
    }
}

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

/// One of each caveat.
pub const CAVEATS: [&str; 36] = [
    "expires before 2026-11-21T09:31:00Z",
    "only services kb",
    "only tools kb.search, wiki.read",
    "at most 2 blocks",
    "no arguments",
    "only arguments x, \"p\", u, e, t, f",
    "/x<=10",
    "/x>=0.5",
    "/x in 1..100",
    "/x one of 5, 100",
    "/x not one of 5",
    "/x==fast",
    "/x==10.5",
    "/f==null",
    "/f==true",
    "/p/q==1",
    "/p under /workspace",
    "/p contains work",
    "/e length<=1",
    "/e starts with \"\\u00e9\"",
    "/e ends with .com",
    "/e email domain example.com",
    "/e within 10.0.0.0/8",
    "/u url scheme https, ftp",
    "/u url host api.example.com, [2001:db8::1]",
    "/u url domain example.com",
    "/u url port 443",
    "/t count in 1..2",
    "each /t one of a, b",
    "each /t <=3.0",
    "each /t within 10.0.0.0/9",
    "each /p email domain example.com",
    "for kb.search: /t/0 not one of a, c",
    "for mail.send, kb.search: each /u url port 443",
    "either /e==\"\\u00e9\" and /x==10.5 or /f==true and /t count<=2 and /x<=10",
    "for kb.search: either /p under /workspace or /u url port 443 and only arguments e, u or no arguments",
];

/// Checks that are no caveats.
const OTHERS: [&str; 5] = [
    r#"check if call:arg_int("/x", $n), $n > 5, $n !== 7 or call:arg_bool("/f", true)"#,
    r#"check all call:item_str("/t", $a), call:item_str("/t", $b), !($a === $b) || $a.length() < 2"#,
    r#"check if tenant("acme"), call:kind("/t", $k), {"array", "str"}.contains($k)"#,
    r#"check if call:arg_names($s), $s.contains({"x"})"#,
    r#"check if true"#,
];

pub fn seeds() -> Vec<Vec<u8>> {
    let base = UnverifiedToken::parse(&FIXTURE.text).unwrap();
    let narrowed = CAVEATS.iter().map(|words| {
        let next = NextSecret::from_random([4; 32]);
        let text = base.attenuate(&[words.parse().unwrap()], next).unwrap();
        let bytes = URL_SAFE_NO_PAD
            .decode(text.expose().strip_prefix("hp1.").unwrap())
            .unwrap();
        schema::Biscuit::decode(bytes.as_slice()).unwrap().blocks[0]
            .block
            .clone()
    });
    let root = FIXTURE.root.verifying_key();
    let algorithm = biscuit_auth::builder::Algorithm::Ed25519;
    let root = biscuit_auth::PublicKey::from_bytes(root.as_bytes(), algorithm).unwrap();
    let base = biscuit_auth::Biscuit::from(FIXTURE.token.encode_to_vec(), root).unwrap();
    let others = OTHERS.iter().map(|code| {
        let block = biscuit_auth::builder::BlockBuilder::new().code(code);
        let next = biscuit_auth::KeyPair::new();
        let token = base.append_with_keypair(&next, block.unwrap()).unwrap();
        let bytes = token.to_vec().unwrap();
        schema::Biscuit::decode(bytes.as_slice()).unwrap().blocks[0]
            .block
            .clone()
    });
    narrowed.chain(others).collect()
}
