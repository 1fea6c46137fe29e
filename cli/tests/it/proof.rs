//! Proofs of one decision: written from a journal, checked without it.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use hallpass_journal::{Durability, Event, Journal, JournalName, Settings};
use hallpass_testkit::FixedClock;

use crate::command::Desk;
use crate::journal::{Written, allowed, decision, written};
use crate::world::{at, environment};

/// The proof of a decision in the file `proof.json` of the desk, and the journal's key.
fn proof_of(journal: &Written, number: u8) -> (String, String) {
    let id = decision(number).to_string();
    let answer = journal
        .desk
        .run(&["journal", "prove", &id, "--journal", "journal"])
        .expect(0);
    assert_eq!(answer.stderr, "");
    journal.desk.write("proof.json", &answer.stdout);
    (answer.stdout, journal.vkey())
}

#[test]
fn a_proof_is_checked_without_its_journal_and_told_in_words() {
    let journal = written();
    let mut shown = String::new();
    for number in [1, 2, 3, 6] {
        let (_, vkey) = proof_of(&journal, number);
        let away = journal.desk.path().join("away");
        fs::rename(journal.desk.path().join("journal"), &away).unwrap();
        let check = ["journal", "check", "proof.json", "--key", &vkey];
        let answer = journal.desk.run(&check).expect(0);
        fs::rename(&away, journal.desk.path().join("journal")).unwrap();
        let (_, key) = vkey.split_once('+').unwrap();
        let text = journal.shown(&[answer]);
        shown.push_str(&text.replace(&format!("ORIGIN+{key}"), "VKEY"));
    }
    insta::assert_snapshot!(shown);
    let (_, vkey) = proof_of(&journal, 2);
    let check = ["journal", "check", "proof.json", "--key", &vkey, "--json"];
    let json = journal.desk.run(&check).expect(0).json();
    assert_eq!(
        (&json["proven"], &json["signed"]),
        (&true.into(), &12.into())
    );
    assert_eq!(json["record"]["tool"], "tickets.get");
    assert_eq!(json["after"][1]["result"], "error");
}

#[test]
fn what_proves_nothing_is_exit_1_and_says_why() {
    let (journal, other) = (written(), written());
    let (proof, vkey) = proof_of(&journal, 3);
    let (theirs, other_vkey) = proof_of(&other, 3);
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let changed = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut changed = json(&proof);
        change(&mut changed);
        changed.to_string()
    };
    let line = json(&proof)["records"][0]["line"]
        .as_str()
        .unwrap()
        .to_owned();
    let checkpoint = json(&theirs)["checkpoint"].clone();
    let cases = [
        ("a word changed", proof.replacen("deny", "allow", 1), &vkey),
        (
            "another index",
            changed(&|proof| proof["records"][0]["index"] = 5.into()),
            &vkey,
        ),
        (
            "another place",
            changed(&|proof| {
                proof["records"][0]["line"] = line.replacen(":6,", ":5,", 1).into();
                proof["records"][0]["index"] = 5.into();
            }),
            &vkey,
        ),
        (
            "a hash too few",
            changed(&|proof| {
                drop(proof["records"][0]["path"].as_array_mut().unwrap().pop());
            }),
            &vkey,
        ),
        (
            "another journal's checkpoint",
            changed(&|proof| proof["checkpoint"] = checkpoint.clone()),
            &vkey,
        ),
        (
            "another journal's checkpoint and key",
            changed(&|proof| proof["checkpoint"] = checkpoint.clone()),
            &other_vkey,
        ),
        ("another key", proof.clone(), &other_vkey),
        ("something else", "{\"v\":1}".to_owned(), &vkey),
    ];
    let mut shown = String::new();
    for (name, text, key) in cases {
        journal.desk.write("changed.json", text);
        let check = ["journal", "check", "changed.json", "--key", key];
        let answer = journal.desk.run(&check).expect(1);
        shown.push_str(&format!("# {name}\n{}", answer.stdout));
        let json = journal
            .desk
            .run(&[&check[..], &["--json"]].concat())
            .expect(1)
            .json();
        assert_eq!(json["proven"], false);
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn no_key_no_journal_and_no_decision_are_exit_2() {
    let journal = written();
    let _proof = proof_of(&journal, 1);
    let desk = &journal.desk;
    let (one, none) = (decision(1).to_string(), decision(99).to_string());
    let prove = |id: &str, dir: &str| desk.run(&["journal", "prove", id, "--journal", dir]);
    let mut answers = vec![
        desk.run(&["journal", "check", "proof.json"]).expect(2),
        desk.run(&["journal", "check", "absent.json"]).expect(2),
        prove(&none, "journal").expect(2),
        prove(&one, "absent").expect(2),
    ];
    // An altered journal proves nothing.
    let path = desk.path().join("journal/00000000000000000000.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"allow\"", "\"deny\"", 1)).unwrap();
    answers.push(prove(&one, "journal").expect(2));
    insta::assert_snapshot!(journal.shown(&answers));
}

#[test]
fn what_is_not_signed_yet_is_not_proven_and_says_when() {
    let journal = written();
    let dir = journal.desk.path().join("journal");
    let path = dir.join("00000000000000000000.jsonl");
    // What a crash leaves between a write and the next checkpoint: one more whole record.
    let text = fs::read_to_string(&path).unwrap();
    let decided = text.lines().nth(1).unwrap();
    let (id, next) = (decision(1).to_string(), decision(7).to_string());
    let above = decided
        .replacen("\"index\":1,", "\"index\":12,", 1)
        .replace(&id, &next);
    fs::write(&path, format!("{text}{above}\n")).unwrap();
    let prove = ["journal", "prove", &next, "--journal", "journal"];
    let answer = journal.desk.run(&prove).expect(2);
    insta::assert_snapshot!(answer.stderr, @r"
    error: record 12 is not signed yet: 12 records are
    hint: a running service signs within a second; after a crash its next start does: then run this again
    ");
}

#[test]
fn a_decision_is_proven_as_soon_as_its_running_service_has_signed_it() {
    let desk = Desk::new();
    let settings = Settings::new(
        environment("dev"),
        JournalName::new("tickets").unwrap(),
        Arc::new(FixedClock::at(at(0))),
    );
    let journal = Journal::open(&desk.path().join("journal"), settings).unwrap();
    let event = Event::Decided(Box::new(allowed(1, "kb.search")));
    let _recorded = journal
        .append(&event, Durability::Durable)
        .wait(Duration::from_secs(20))
        .unwrap();
    let id = decision(1).to_string();
    let proof = desk
        .run(&["journal", "prove", &id, "--journal", "journal"])
        .expect(0)
        .json();
    assert_eq!(proof["records"][0]["index"], 1);
}
