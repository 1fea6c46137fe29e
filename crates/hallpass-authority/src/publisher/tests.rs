use std::sync::atomic::{AtomicI64, Ordering};

use hallpass_bundle::{
    ApprovalKey, BundleError, HighWater, KeyState, Restrictions, Role, Root, RootDraft, Snapshot,
    Stop, TrustRoot, accept,
};
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_vocabulary::{Catalogue, Environment, StopId};

use super::*;
use crate::keys::ring::token_key;

#[cfg(feature = "postgres")]
mod replicas;

const NOW: i64 = 1_800_000_000_000;
const SECOND: i64 = 1_000;
const DAY: i64 = 24 * 60 * 60 * SECOND;

/// A clock that is set.
#[derive(Debug)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

/// A directory, a clock, and keys that are the same every time.
struct Bed {
    directory: tempfile::TempDir,
    clock: Arc<SetClock>,
}

/// A verifier whose clock is right, and what it has believed.
struct Verifier {
    trust_root: TrustRoot,
    seen: Option<HighWater>,
}

fn dev() -> Environment {
    "dev".parse().unwrap()
}

fn key(purpose: Purpose, seed: u8) -> SigningKey {
    SigningKey::from_seed(purpose, dev(), [seed; 32])
}

fn root() -> (Root, Envelope) {
    let role = |purpose, seed| Role::single(key(purpose, seed).verifying_key());
    let made = Timestamp::from_unix_ms(NOW - 365 * DAY);
    let draft = RootDraft {
        authority: "hallpass.test".parse().unwrap(),
        environment: dev(),
        root: role(Purpose::Root, 1),
        bundle: role(Purpose::Bundle, 2),
        heartbeat: role(Purpose::Heartbeat, 3),
        expires: Timestamp::from_unix_ms(NOW + 3 * 365 * DAY),
    };
    let root = Root::first(draft, made).unwrap();
    let envelope = root.sign(None, &[&key(Purpose::Root, 1)]).unwrap();
    (root, envelope)
}

fn press() -> Press {
    let (root, envelope) = root();
    let signers = Signers {
        bundle: vec![Arc::new(key(Purpose::Bundle, 2))],
        heartbeat: vec![Arc::new(key(Purpose::Heartbeat, 3))],
    };
    Press::new(vec![envelope], root, signers)
}

fn content(last: Option<&Content>) -> Content {
    Content {
        token_keys: vec![token_key(
            key(Purpose::Run, 4).verifying_key(),
            dev(),
            KeyState::Active,
        )],
        approval_keys: vec![ApprovalKey {
            key: key(Purpose::Approval, 5).verifying_key(),
            state: KeyState::Active,
        }],
        catalogue: Catalogue::default(),
        policy: Digest::of(b"policy"),
        restrictions: last.map_or_else(Restrictions::default, |last| last.restrictions.clone()),
        operators: Vec::new(),
        verifiers: Vec::new(),
    }
}

fn stop(content: &mut Content) {
    content.restrictions.stops.push(Stop {
        id: StopId::new(Timestamp::from_unix_ms(NOW), [7; 10]),
        selector: "tenant:acme".parse().unwrap(),
        issued: Timestamp::from_unix_ms(NOW),
        until: None,
        runs: Default::default(),
    });
}

impl Bed {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            clock: Arc::new(SetClock(AtomicI64::new(NOW))),
        }
    }

    fn set(&self, ms: i64) {
        self.clock.0.store(ms, Ordering::SeqCst);
    }

    fn start(&self) -> Publisher {
        let press = press();
        let clock = Arc::clone(&self.clock);
        Publisher::start(press, content, self.directory.path(), None, clock).unwrap()
    }
}

impl Verifier {
    fn new() -> Self {
        Self {
            trust_root: root().0.trust_root(),
            seen: None,
        }
    }

    fn hear(&mut self, publisher: &Publisher, now: i64) -> Result<Snapshot, BundleError> {
        let bytes = bytes(publisher, Format::Two);
        let now = Timestamp::from_unix_ms(now);
        let snapshot = accept(&bytes, &self.trust_root, self.seen.as_ref(), now)?;
        self.seen = Some(snapshot.high_water().clone());
        Ok(snapshot)
    }
}

fn bytes(publisher: &Publisher, format: Format) -> Vec<u8> {
    publisher.shown().publication(format).pieces.concat()
}

/// What the bundle of a publication says, whoever signed it.
fn said(publication: &[u8], document: &str) -> serde_json::Value {
    use base64::Engine as _;
    let published: serde_json::Value = serde_json::from_slice(publication).unwrap();
    let payload = published[document]["payload"].as_str().unwrap();
    let payload = base64::engine::general_purpose::STANDARD
        .decode(payload)
        .unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[test]
fn what_is_restricted_is_never_said_without_its_restrictions() {
    let bed = Bed::new();
    let publisher = bed.start();
    let before = said(&bytes(&publisher, Format::One), "bundle");
    let newer = said(&bytes(&publisher, Format::Two), "bundle");
    assert_eq!(
        (before["format"].as_u64(), newer["format"].as_u64()),
        (Some(1), Some(2))
    );
    assert_eq!(before["version"].as_u64().unwrap() + 1, newer["version"]);

    publisher.republish(stop).unwrap();
    for moment in [0, 2_000, 4_000] {
        bed.set(NOW + moment);
        publisher.beat().unwrap();
        for format in [Format::One, Format::Two] {
            let publication = bytes(&publisher, format);
            let bundle = said(&publication, "bundle");
            assert_eq!(bundle["format"], 2);
            assert_eq!(bundle["stops"][0]["value"], "acme");
            let heartbeat = said(&publication, "heartbeat");
            assert_eq!(heartbeat["bundle_version"], bundle["version"]);
        }
    }
    // Nothing of it is on disk either, to be shown later.
    assert!(publisher.shown().edition.format_1.is_none());
    let kept = std::fs::read_to_string(bed.directory.path().join("last.json")).unwrap();
    assert!(!kept.contains("format_1"), "{kept}");

    publisher
        .republish(|content| content.restrictions = Restrictions::default())
        .unwrap();
    let lifted = said(&bytes(&publisher, Format::One), "bundle");
    assert_eq!(lifted["format"], 1);
    assert!(lifted["version"].as_u64() > newer["version"].as_u64());
}

#[test]
fn a_change_leaves_the_rest_as_it_was_and_outlives_the_process() {
    let bed = Bed::new();
    let publisher = bed.start();
    publisher.republish(stop).unwrap();
    let policy = Digest::of(b"another policy");
    let shown = publisher
        .republish(|content| content.policy = policy)
        .unwrap();
    assert_eq!(shown.edition.content.restrictions.stops.len(), 1);
    drop(publisher);
    let again = bed.start();
    assert_eq!(again.shown().edition.content.restrictions.stops.len(), 1);
    assert_eq!(said(&bytes(&again, Format::One), "bundle")["format"], 2);
}

#[test]
fn numbers_count_by_one_while_it_runs_and_chain() {
    let bed = Bed::new();
    let publisher = bed.start();
    let first = publisher.shown();
    assert_eq!(first.id().version, u64::try_from(NOW).unwrap() + 1);
    bed.set(NOW + 365 * DAY);
    let shown = publisher.republish(stop).unwrap();
    assert_eq!(shown.id().version, first.id().version + 1);
    let previous = &said(&bytes(&publisher, Format::Two), "bundle")["previous"];
    assert_eq!(*previous, serde_json::json!(first.id().digest));
}

/// The verifier's clock is right all the time.
#[test]
fn a_clock_that_was_a_year_ahead_keeps_nobody_out_once_it_is_right() {
    for starts_ahead in [false, true] {
        let bed = Bed::new();
        let mut verifier = Verifier::new();
        let mut publisher = bed.start();
        verifier.hear(&publisher, NOW).unwrap();

        bed.set(NOW + 365 * DAY);
        if starts_ahead {
            drop(publisher);
            publisher = bed.start();
        }
        publisher.beat().unwrap();
        publisher.republish(stop).unwrap();
        assert!(verifier.hear(&publisher, NOW + SECOND).is_err());

        for restarts in [false, true] {
            bed.set(NOW + 60 * SECOND);
            if restarts {
                drop(publisher);
                publisher = bed.start();
            }
            publisher.beat().unwrap();
            let heard = verifier.hear(&publisher, NOW + 61 * SECOND);
            let heard = heard.unwrap_or_else(|error| panic!("{starts_ahead} {restarts}: {error}"));
            assert_eq!(heard.heartbeat().unix_ms(), NOW + 60 * SECOND);
            assert_eq!(
                publisher.shown().edition.content.restrictions.stops.len(),
                1
            );
        }
        // And numbers go on from there.
        let before = publisher.version();
        bed.set(NOW + 120 * SECOND);
        publisher.republish(|_| ()).unwrap();
        assert!(publisher.version() > before);
        verifier.hear(&publisher, NOW + 121 * SECOND).unwrap();
    }
}

#[test]
fn a_clock_that_was_days_behind_keeps_nobody_out_once_it_is_right() {
    for restarts in [false, true] {
        let bed = Bed::new();
        let mut verifier = Verifier::new();
        let publisher = bed.start();
        verifier.hear(&publisher, NOW).unwrap();
        drop(publisher);
        bed.set(NOW - 30 * DAY);
        let mut publisher = bed.start();
        publisher.republish(stop).unwrap();
        assert!(verifier.hear(&publisher, NOW + SECOND).is_err());
        bed.set(NOW + 60 * SECOND);
        if restarts {
            drop(publisher);
            publisher = bed.start();
        }
        publisher.beat().unwrap();
        let heard = verifier.hear(&publisher, NOW + 61 * SECOND);
        heard.unwrap_or_else(|error| panic!("{restarts}: {error}"));
        assert_eq!(
            publisher.shown().edition.content.restrictions.stops.len(),
            1
        );
    }
}

#[test]
fn a_copy_from_before_never_goes_back() {
    let bed = Bed::new();
    let mut verifier = Verifier::new();
    let publisher = bed.start();
    let file = bed.directory.path().join("last.json");
    let copy = std::fs::read(&file).unwrap();
    bed.set(NOW + 10 * SECOND);
    for _ in 0..20 {
        publisher.republish(|_| ()).unwrap();
    }
    verifier.hear(&publisher, NOW + 10 * SECOND).unwrap();
    drop(publisher);
    std::fs::write(&file, copy).unwrap();
    bed.set(NOW + 20 * SECOND);
    verifier.hear(&bed.start(), NOW + 20 * SECOND).unwrap();
}

#[test]
fn what_was_written_down_and_never_shown_is_never_shown_under_that_number() {
    let bed = Bed::new();
    let publisher = bed.start();
    let shown = publisher.shown();
    // As far as a process comes that is killed between writing and showing.
    let press = publisher.press.load();
    let change = |edition: &Edition| Ok(Some(edition.content_with(stop)));
    let made = publisher
        .ledger
        .go_on(&press, &press, &shown.edition, change, publisher.now());
    let burnt = made.unwrap().unwrap().edition;
    drop(publisher);
    let again = bed.start();
    assert!(again.version() > burnt.id().version);
    assert!(burnt.id().version > shown.id().version);
    // It was told to stop, and that is kept.
    assert_eq!(again.shown().edition.content.restrictions.stops.len(), 1);
}

#[test]
fn the_pieces_of_a_publication_are_the_whole_of_it() {
    let bed = Bed::new();
    let publisher = bed.start();
    for format in [Format::One, Format::Two] {
        let bytes = bytes(&publisher, format);
        let read: hallpass_bundle::Published = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read.to_json().unwrap(), bytes);
    }
}
