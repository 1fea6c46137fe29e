//! Journals of an authority and of a real verifier, laid beside each other; and what a thief of the key leaves in them.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallpass_args::{Arguments, ToolCall};
use hallpass_journal::{Durability, Event, Journal, JournalName, Minted, Settings};
use hallpass_keys::Purpose;
use hallpass_testkit::FixedClock;
use hallpass_token::GrantSpec;
use hallpass_verifier::Outcome;
use hallpass_vocabulary::{RequestId, TokenId};

use crate::command::{Answer, Desk};
use crate::rehearsal::verifier;
use crate::world::{World, at, environment, key, minted, spec};

const BOUND: Duration = Duration::from_secs(20);

/// What an authority records of a token with this grant.
fn record_of(spec: &GrantSpec) -> Minted {
    Minted {
        token: spec.token,
        run: spec.run,
        client: spec.client.clone(),
        tenant: spec.tenant.clone(),
        env: spec.environment.clone(),
        subject: spec.subject.clone(),
        assurance: spec.assurance,
        actor: spec.actor.clone(),
        route: spec.route.clone(),
        audiences: spec.audiences.iter().cloned().collect(),
        tools: spec.tools.iter().cloned().collect(),
        needs_approval: spec.needs_approval.iter().cloned().collect(),
        roles: spec.roles.iter().cloned().collect(),
        proof: spec.proof,
        issued: spec.issued,
        expires: spec.expires,
        policy: spec.policy,
        key: key(Purpose::Run, "dev", 1).verifying_key().id(),
        idempotency_key: None,
        request_digest: None,
        token_digest: None,
        credential: None,
        caveats: Vec::new(),
        budgets: None,
        holder: None,
        parent: None,
        run_ends: None,
        subject_until: None,
        labels: Default::default(),
    }
}

/// The authority's journal, with what it minted.
fn authority(dir: &Path, minted: &[GrantSpec]) {
    let clock = Arc::new(FixedClock::at(at(0)));
    let settings = Settings::new(
        environment("dev"),
        JournalName::new("authority").unwrap(),
        clock,
    );
    let journal = Journal::open(dir, settings).unwrap();
    for spec in minted {
        let event = Event::Minted(Box::new(record_of(spec)));
        let appended = journal.append(&event, Durability::Durable);
        let _recorded = appended.wait(BOUND).unwrap();
    }
    journal.close().unwrap();
}

/// A token whose id nobody has on record, signed with the authority's own key.
fn forged() -> GrantSpec {
    let mut spec = spec();
    spec.token = TokenId::new(at(1), [66; 10]);
    spec.subject = "user:mallory".parse().unwrap();
    spec
}

/// A service that is called with these tokens; each call ends.
fn called(world: &World, dir: &Path, grants: &[GrantSpec]) {
    let verifier = verifier(world, dir, "tickets");
    for (number, grant) in (0_u8..).zip(grants) {
        let call = ToolCall {
            audience: "tickets".parse().unwrap(),
            tool: "kb.search".parse().unwrap(),
            args: Arguments::parse(b"{}").unwrap(),
            request_id: RequestId::new(at(1), [number; 10]),
            idempotency_key: None,
            trace: None,
            attempt: None,
        };
        let token = minted(grant.clone(), 1);
        let permit = verifier.authorize(Some(&token), call).wait().unwrap();
        permit
            .finish(Outcome::succeeded(b"{}"))
            .wait(BOUND)
            .unwrap();
    }
}

pub struct Laid {
    pub desk: Desk,
}

impl Laid {
    /// An authority that minted one token, and a service that was called with it and with these.
    pub fn with(further: &[GrantSpec]) -> Self {
        let world = World::new();
        let desk = Desk::new();
        authority(&desk.path().join("authority"), &[spec()]);
        let grants: Vec<GrantSpec> = [spec()].iter().chain(further).cloned().collect();
        called(&world, &desk.path().join("tickets"), &grants);
        Self { desk }
    }

    fn reconcile(&self, further: &[&str]) -> Answer {
        let args = [
            &[
                "reconcile",
                "--authority",
                "authority",
                "--verifier",
                "tickets",
            ],
            further,
        ]
        .concat();
        self.desk.run(&args)
    }

    fn copy(&self, from: &str, to: &str) {
        let to = self.desk.path().join(to);
        fs::create_dir(&to).unwrap();
        for entry in fs::read_dir(self.desk.path().join(from)).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }

    pub fn segment(&self, journal: &str) -> std::path::PathBuf {
        let dir = self.desk.path().join(journal);
        dir.join("00000000000000000000.jsonl")
    }
}

fn kinds(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let findings = json["findings"].as_array().unwrap();
    let kinds = findings
        .iter()
        .map(|it| it["kind"].as_str().unwrap().to_owned());
    kinds.collect()
}

#[test]
fn journals_in_order_are_exit_0() {
    let laid = Laid::with(&[]);
    let answer = laid.reconcile(&[]).expect(0);
    assert!(
        answer
            .stdout
            .contains("in order: 0 alarms, 0 faults, 0 notices; 1 call, 1 allowed, of 1 token in"),
        "{}",
        answer.stdout
    );
    let json = laid.reconcile(&["--json"]).expect(0).json();
    assert_eq!(json["in_order"], true);
    assert_eq!(json["journals"][1]["state"], "verified");
}

#[test]
fn a_token_signed_with_the_stolen_key_is_the_alarm() {
    let laid = Laid::with(&[forged()]);
    let answer = laid.reconcile(&[]).expect(1);
    let said = &answer.stdout;
    assert!(said.contains("ALARM never_minted: 1\n"), "{said}");
    assert!(
        said.contains("`kb.search` for user:mallory of acme, allowed"),
        "{said}"
    );
    assert!(said.contains(&forged().token.to_string()), "{said}");
    assert!(said.contains("ALARM: 1 alarm, 0 faults"), "{said}");
    assert_eq!(
        kinds(&laid.reconcile(&["--json"]).expect(1)),
        ["never_minted"]
    );
}

#[test]
fn a_stolen_key_under_the_id_of_a_genuine_token_is_the_alarm_too() {
    let mut altered = spec();
    altered.subject = "user:mallory".parse().unwrap();
    let laid = Laid::with(&[altered]);
    assert_eq!(
        kinds(&laid.reconcile(&["--json"]).expect(1)),
        ["differs_from_mint"]
    );
}

#[test]
fn an_origin_that_is_continued_twice_is_a_fork() {
    let laid = Laid::with(&[]);
    laid.copy("tickets", "copy");
    let same = laid.reconcile(&["--verifier", "copy", "--json"]).expect(0);
    assert_eq!(same.json()["calls"], 1);
    called(&World::new(), &laid.desk.path().join("copy"), &[spec()]);
    called(
        &World::new(),
        &laid.desk.path().join("tickets"),
        &[spec(), spec()],
    );
    assert_eq!(
        kinds(&laid.reconcile(&["--verifier", "copy", "--json"]).expect(1)),
        ["forked"]
    );
    // Each by itself says nothing.
    laid.reconcile(&[]).expect(0);
}

#[test]
fn an_export_is_read_and_a_hole_in_it_is_found() {
    let laid = Laid::with(&[forged()]);
    for journal in ["authority", "tickets"] {
        let export = ["journal", "export", journal, "--format", "jsonl"];
        let lines = laid.desk.run(&export).expect(0).stdout;
        laid.desk.write(&format!("{journal}.jsonl"), lines);
    }
    let exports = |tickets: &str| {
        laid.desk.run(&[
            "reconcile",
            "--authority",
            "authority.jsonl",
            "--verifier",
            tickets,
            "--json",
        ])
    };
    let whole = exports("tickets.jsonl").expect(1);
    assert_eq!(kinds(&whole), ["never_minted"]);
    assert_eq!(whole.json()["journals"][0]["state"], "export");
    let lines = fs::read_to_string(laid.desk.path().join("tickets.jsonl")).unwrap();
    let holey: String = lines
        .split_inclusive('\n')
        .filter(|line| !line.contains("mallory"))
        .collect();
    assert_ne!(lines, holey);
    laid.desk.write("holey.jsonl", holey);
    assert_eq!(kinds(&exports("holey.jsonl").expect(1)), ["hole"]);
    let twice = format!("{lines}{lines}");
    laid.desk.write("twice.jsonl", twice);
    let refused = exports("twice.jsonl").expect(2);
    assert!(
        refused.stderr.contains("a file of its own"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_journal_that_was_altered_is_a_fault_and_is_still_looked_at() {
    let laid = Laid::with(&[forged()]);
    let path = laid.segment("tickets");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("user:alice", "user:carol")).unwrap();
    let answer = laid.reconcile(&["--json"]).expect(1);
    // The call of the genuine token now says that somebody else made it.
    assert_eq!(
        kinds(&answer),
        ["differs_from_mint", "never_minted", "not_as_signed"]
    );
}

#[test]
fn a_key_kept_elsewhere_is_held_against_what_was_given() {
    let laid = Laid::with(&[]);
    let vkey = |journal: &str| {
        let path = laid.desk.path().join(journal).join("journal.vkey");
        fs::read_to_string(path).unwrap().trim().to_owned()
    };
    laid.reconcile(&["--key", &vkey("tickets"), "--key", &vkey("authority")])
        .expect(0);
    // The same name, another key.
    let name = vkey("tickets").split('+').next().unwrap().to_owned();
    let other = key(Purpose::Journal, "dev", 200).verifying_key();
    let other = hallpass_keys::note::NoteVerifier::new(
        hallpass_keys::note::KeyName::new(&name).unwrap(),
        other,
    );
    let answer = laid
        .reconcile(&["--key", &other.to_string(), "--json"])
        .expect(1);
    assert_eq!(kinds(&answer), ["not_as_signed"]);
}

#[test]
fn what_is_no_journal_is_exit_2() {
    let laid = Laid::with(&[]);
    laid.desk.write("empty.jsonl", "");
    laid.desk.write("other.jsonl", "{\"a\":1}\n");
    fs::create_dir(laid.desk.path().join("nothing")).unwrap();
    for given in [
        "absent",
        "empty.jsonl",
        "other.jsonl",
        "nothing",
        "authority",
    ] {
        let answer = laid.reconcile(&["--verifier", given]).expect(2);
        assert!(answer.stderr.starts_with("error: "), "{}", answer.stderr);
        assert_eq!(answer.stdout, "");
    }
}
