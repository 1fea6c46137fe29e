//! The largest record of a mint that a policy and a request can bring about fits into a journal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hallpass_journal::{Durability, Event, Minted as MintedRecord, RECORD_BYTES_MAX, Spent, Text};
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_policy::{
    AUDIENCES_PER_ROUTE_MAX, CAVEAT_WORDS_BYTES_MAX, CAVEATS_MAX, ROLES_PER_ROUTE_MAX,
    TOOLS_PER_ROUTE_MAX, caveat_words_bytes,
};
use hallpass_token::Caveat;
use hallpass_token::limits::BUDGET_AMOUNT_MAX;
use hallpass_vocabulary::{NAME_BYTES_MAX, ProofRule, RunId, SubjectAssurance, Timestamp, TokenId};

use crate::request::labels::{LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LABELS_BYTES_MAX};

/// The longest name of most kinds.
const SHORT: usize = 64;

fn long(start: &str, bytes: usize) -> String {
    format!("{start:x<bytes$}")
}

/// Caveats of as many bytes as a policy may have.
fn caveats() -> Vec<Caveat> {
    let of = |one: usize, other: usize| -> Caveat {
        let words = format!("/note one of {}, {}", "x".repeat(one), "y".repeat(other));
        words.parse().unwrap()
    };
    let texts = CAVEAT_WORDS_BYTES_MAX / CAVEATS_MAX + 2 - caveat_words_bytes(&[of(1, 1)]);
    let caveats = vec![of(texts / 2, texts - texts / 2); CAVEATS_MAX];
    assert_eq!(caveat_words_bytes(&caveats), CAVEAT_WORDS_BYTES_MAX);
    caveats
}

fn labels() -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let bytes = |labels: &BTreeMap<_, _>| serde_json::to_string(labels).unwrap().len();
    for first in 'a'..='p' {
        let name = long(&first.to_string(), LABEL_NAME_BYTES_MAX);
        labels.insert(name.clone(), String::new());
        let Some(left) = LABELS_BYTES_MAX.checked_sub(bytes(&labels)) else {
            labels.remove(&name);
            break;
        };
        labels.insert(name, "x".repeat(left.min(LABEL_VALUE_BYTES_MAX)));
    }
    assert!(LABELS_BYTES_MAX - bytes(&labels) < LABEL_NAME_BYTES_MAX + "\"\":\"\",".len());
    labels
}

fn largest() -> MintedRecord {
    // The times with the most digits there are, and every optional member.
    let now = Timestamp::from_unix_ms(4_102_444_799_999);
    let key = |purpose, seed| SigningKey::from_seed(purpose, "dev".parse().unwrap(), [seed; 32]);
    let names = |count: usize, start: &str| -> Vec<String> {
        (0..count)
            .map(|n| long(&format!("{start}{n:02}"), SHORT))
            .collect()
    };
    let (run_key, holder) = (key(Purpose::Run, 1), key(Purpose::Run, 2));
    MintedRecord {
        token: TokenId::new(now, [0xff; 10]),
        run: RunId::new(now, [0xff; 10]),
        client: long("c", SHORT).parse().unwrap(),
        tenant: long("t", SHORT).parse().unwrap(),
        env: long("e", 32).parse().unwrap(),
        subject: long("user:", NAME_BYTES_MAX).parse().unwrap(),
        assurance: SubjectAssurance::Verified,
        actor: long("agent:", NAME_BYTES_MAX).parse().unwrap(),
        route: long("/r", NAME_BYTES_MAX).parse().unwrap(),
        audiences: names(AUDIENCES_PER_ROUTE_MAX, "a")
            .iter()
            .map(|name| name.parse().unwrap())
            .collect(),
        tools: names(TOOLS_PER_ROUTE_MAX / 2, "t.a")
            .iter()
            .map(|name| name.parse().unwrap())
            .collect(),
        needs_approval: names(TOOLS_PER_ROUTE_MAX / 2, "t.b")
            .iter()
            .map(|name| name.parse().unwrap())
            .collect(),
        roles: names(ROLES_PER_ROUTE_MAX, "r")
            .iter()
            .map(|name| name.parse().unwrap())
            .collect(),
        proof: ProofRule::Always,
        issued: now,
        expires: now,
        policy: Digest::of(b""),
        key: run_key.id(),
        // 128 characters, each of which JSON escapes.
        idempotency_key: Some(Text::new(&"\"".repeat(128))),
        request_digest: Some(Digest::of(b"")),
        token_digest: Some(Digest::of(b"")),
        credential: Some(Text::new(&long("i", SHORT))),
        caveats: caveats().iter().map(ToString::to_string).collect(),
        budgets: Some(Spent {
            calls: Some(BUDGET_AMOUNT_MAX),
            usd_micros: Some(BUDGET_AMOUNT_MAX),
        }),
        holder: Some(holder.verifying_key()),
        parent: Some(RunId::new(now, [0xff; 10])),
        run_ends: Some(now),
        subject_until: Some(now),
        labels: labels(),
    }
}

#[test]
fn the_largest_record_of_a_mint_fits_into_the_journal() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path().join("journal");
    let environment = "dev".parse().unwrap();
    let clock: Arc<dyn hallpass_vocabulary::Clock> = Arc::new(hallpass_vocabulary::SystemClock);
    let storage = Arc::new(hallpass_journal::OsStorage);
    let journal = crate::journal::open(&directory, &environment, &clock, storage, None).unwrap();
    let record = largest();
    let bytes = serde_json::to_string(&record).unwrap().len();
    let event = Event::Minted(Box::new(record));
    let appended = journal.append(&event, Durability::Durable);
    let recorded = appended.wait(Duration::from_secs(10));
    assert!(recorded.is_ok(), "{bytes} bytes: {recorded:?}");
    // And hardly more would: the bounds are no smaller than they must be.
    assert!(bytes > RECORD_BYTES_MAX * 9 / 10, "{bytes}");
}
