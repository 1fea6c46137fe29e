//! Calls after a stop, and journals held against what was witnessed of them.

use hallpass_evidence::{FindingKind, Reconciled, Reconciliation};
use hallpass_journal::merkle::{Tree, leaf_hash};
use hallpass_journal::{
    CheckpointFault, CheckpointRefused, CheckpointWitnessed, CutOff, Event, KeyChanged, KeyMoved,
    KeyStanding, StopLifted, StopPlaced, Text, TokenRevoked, VerifierEnrolled, VerifierRetired,
};
use hallpass_vocabulary::{Impact, StopId};

use crate::paper::{Paper, allowed, at, decided, finished, mint, minted, run, token};
use crate::reconcile::read;

const AUTHORITY: &str = "hallpass/dev/authority/1";
const TICKETS: &str = "hallpass/dev/tickets/0011223344556677";

fn reconciled(authority: &Paper, service: &Paper) -> Reconciled {
    let mut all = Reconciliation::new();
    all.authority(AUTHORITY, vec![read(authority.records())])
        .unwrap();
    all.service(TICKETS, vec![read(service.records())]).unwrap();
    all.conclude()
}

fn kinds(authority: &Paper, service: &Paper) -> Vec<(FindingKind, u64)> {
    let found = reconciled(authority, service).findings;
    found
        .iter()
        .map(|(kind, tally)| (*kind, tally.count))
        .collect()
}

fn placed(selector: &str) -> Event {
    Event::StopPlaced(Box::new(StopPlaced {
        stop: StopId::new(at(0), [4; 10]),
        selector: Text::new(selector),
        until: None,
        cut_off: None,
        reason: Text::new("a test"),
        by: "op:dana".parse().unwrap(),
    }))
}

fn lifted() -> Event {
    Event::StopLifted(StopLifted {
        stop: StopId::new(at(0), [4; 10]),
        by: vec!["op:dana".parse().unwrap()],
        cut_off: None,
    })
}

/// An authority that does this at the hundredth second.
fn authority(event: Event) -> Paper {
    let mut child = minted(2);
    child.parent = Some(run(1));
    let paper = Paper::new(AUTHORITY, 1)
        .with(mint(minted(1)))
        .with(mint(child));
    paper.at(100).with(event)
}

/// A service that allows a call at this time.
fn called(seconds: i64, number: u8, impact: Impact) -> Paper {
    let mut call = allowed(1, number);
    call.impact = Some(impact);
    let paper = Paper::new(TICKETS, 2).at(seconds);
    paper.with(decided(call)).with(finished(1, None))
}

#[test]
fn a_stop_that_came_late_is_known_and_one_that_did_not_come_is_a_fault() {
    let stopped = authority(placed("tenant:acme"));
    let found = |seconds, impact| kinds(&stopped, &called(seconds, 1, impact));
    assert_eq!(found(130, Impact::Destructive), []);
    let late = [(FindingKind::UsedBeforeStopArrived, 1)];
    let too_late = [(FindingKind::UsedAfterStop, 1)];
    assert_eq!(found(190, Impact::Destructive), late);
    assert_eq!(found(191, Impact::Destructive), too_late);
    assert_eq!(found(191, Impact::Write), late);
    assert_eq!(found(431, Impact::Write), too_late);
    assert_eq!(found(431, Impact::Read), late);
}

#[test]
fn a_stop_covers_what_it_is_about_and_what_was_started_by_it() {
    let covers = |selector: &str, number| {
        !kinds(
            &authority(placed(selector)),
            &called(300, number, Impact::Read),
        )
        .is_empty()
    };
    for selector in [
        "everything",
        "actor:agent:bot",
        "audience:tickets",
        "client:desk",
        "environment:dev",
        "route:/support/send",
        "subject:user:alice",
        "tenant:acme",
        "tool:tickets.get",
    ] {
        assert!(covers(selector, 1), "{selector}");
    }
    assert!(covers(&format!("token:{}", token(1)), 1));
    assert!(covers(&format!("run:{}", run(1)), 1));
    assert!(covers(&format!("run:{}", run(1)), 2));
    assert!(!covers(&format!("run:{}", run(2)), 1));
    for selector in ["tenant:globex", "tool:ticket.update", "audience:mail"] {
        assert!(!covers(selector, 1), "{selector}");
    }
}

#[test]
fn what_was_lifted_stops_nothing_and_what_was_cut_off_stays_so() {
    let lifted = authority(placed("everything")).at(150).with(lifted());
    assert_eq!(kinds(&lifted, &called(300, 1, Impact::Read)), []);
    let cut = |before| {
        authority(Event::CutOff(CutOff {
            selector: Text::new("tenant:acme"),
            before: at(before),
            reason: Text::new("a test"),
        }))
    };
    let late = [(FindingKind::UsedBeforeStopArrived, 1)];
    assert_eq!(kinds(&cut(1), &called(300, 1, Impact::Read)), late);
    // Issued at that time, which is not before it.
    assert_eq!(kinds(&cut(0), &called(300, 1, Impact::Read)), []);
    let revoked = authority(Event::TokenRevoked(Box::new(TokenRevoked {
        token: token(1),
        expires: at(600),
        reason: None,
        by: "op:dana".parse().unwrap(),
    })));
    assert_eq!(kinds(&revoked, &called(300, 1, Impact::Read)), late);
    assert_eq!(kinds(&revoked, &called(300, 2, Impact::Read)), []);
}

#[test]
fn a_tainted_key_stops_what_it_signed() {
    let changed = |standing, seed| {
        let environment = "dev".parse().unwrap();
        let key = hallpass_keys::SigningKey::from_seed(
            hallpass_keys::Purpose::Run,
            environment,
            [seed; 32],
        );
        authority(Event::KeyChanged(KeyChanged {
            keys: vec![KeyMoved {
                key: key.verifying_key().id(),
                public_key: key.verifying_key(),
                purpose: hallpass_keys::Purpose::Run,
                standing,
            }],
            reason: None,
            by: None,
        }))
    };
    let found = |authority| kinds(&authority, &called(431, 1, Impact::Write));
    let too_late = [(FindingKind::UsedAfterStop, 1)];
    assert_eq!(found(changed(KeyStanding::Tainted, 1)), too_late);
    assert_eq!(found(changed(KeyStanding::Retiring, 1)), []);
    assert_eq!(found(changed(KeyStanding::Tainted, 2)), []);
}

/// An authority that witnessed so many records of a journal.
fn witness(service: &Paper, size: usize) -> Paper {
    let mut tree = Tree::new();
    for line in &service.lines[..size] {
        tree.push(leaf_hash(line.as_bytes()));
    }
    authority(Event::CheckpointWitnessed(CheckpointWitnessed {
        origin: Text::new("0011223344556677"),
        size: size as u64,
        root: hallpass_keys::Digest::from_bytes(tree.root()),
    }))
}

#[test]
fn a_journal_is_held_against_what_was_witnessed_of_it() {
    let service = called(200, 1, Impact::Read);
    assert_eq!(kinds(&witness(&service, 2), &service), []);
    let mut rewritten = called(200, 1, Impact::Read);
    rewritten.lines[1] = rewritten.lines[1].replace("user:alice", "user:bob");
    let found = kinds(&witness(&service, 2), &rewritten);
    assert!(
        found.contains(&(FindingKind::DiffersFromWitness, 1)),
        "{found:?}"
    );
    let longer = called(200, 1, Impact::Read).with(Event::Closed {});
    let cut = kinds(&witness(&longer, 4), &service);
    assert_eq!(cut, [(FindingKind::ShorterThanWitnessed, 1)]);
}

#[test]
fn verifiers_whose_journals_are_not_here_are_named() {
    let enrolled = |origin: &str| {
        let key = hallpass_keys::SigningKey::from_seed(
            hallpass_keys::Purpose::Journal,
            "dev".parse().unwrap(),
            [3; 32],
        );
        let name = format!("hallpass/dev/tickets/{origin}");
        Event::VerifierEnrolled(Box::new(VerifierEnrolled {
            origin: Text::new(origin),
            audience: "tickets".parse().unwrap(),
            key: key.verifying_key(),
            journal: Text::new(&format!("{name}+01234567+AQID")),
            code: None,
            predecessor: None,
            workload: None,
        }))
    };
    let retired = Event::VerifierRetired(VerifierRetired {
        origin: Text::new("ffffffffffffffff"),
        by: "op:dana".parse().unwrap(),
        reason: None,
    });
    let authority = authority(enrolled("0011223344556677"))
        .with(enrolled("8899aabbccddeeff"))
        .with(enrolled("ffffffffffffffff"))
        .with(retired);
    let found = reconciled(&authority, &called(300, 1, Impact::Read)).findings;
    let missing = &found[&FindingKind::JournalMissing];
    assert_eq!((found.len(), missing.count), (1, 1));
    assert_eq!(
        missing.listed[0].origin,
        "hallpass/dev/tickets/8899aabbccddeeff"
    );
}

#[test]
fn what_the_witness_refused_is_said_again() {
    let digest = hallpass_keys::Digest::of(b"root");
    let refused = authority(Event::CheckpointRefused(CheckpointRefused {
        origin: Text::new("0011223344556677"),
        audience: "tickets".parse().unwrap(),
        fault: CheckpointFault::Forked,
        size: 3,
        root: digest,
        witnessed_size: 2,
        witnessed_root: digest,
    }));
    let found = kinds(&refused, &called(200, 1, Impact::Read));
    assert_eq!(found, [(FindingKind::WitnessRefused, 1)]);
}
