//! Arguments in records: shown, looked for, and sensitive ones until their keys are erased.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use hallpass_journal::{Decided, Durability, Event, Journal, JournalName, Settings};
use hallpass_testkit::FixedClock;
use hallpass_vocabulary::Pointer;
use serde_json::{Value, json};

use crate::command::{Desk, transcripts};
use crate::journal::{allowed, decision};
use crate::world::{at, environment};

fn pointer(text: &str) -> Pointer {
    text.parse().unwrap()
}

/// Shows these arguments in a record, and keeps the digest of one.
fn with(mut decided: Decided, journal: &Journal, args: &[(&str, Value)], iban: &str) -> Event {
    for (name, value) in args {
        decided.record_arg(&pointer(name), value);
    }
    let iban = serde_json::to_vec(iban).unwrap();
    let key = journal.sensitive_key();
    decided.record_sensitive_arg(&key, &pointer("/iban"), &iban);
    Event::Decided(Box::new(decided))
}

/// A journal with a segment for each record, a day apart, in the directory `journal`.
fn written() -> Desk {
    let desk = Desk::new();
    let clock = FixedClock::at(at(0));
    let name = JournalName::new("tickets").unwrap();
    let settings = Settings::new(environment("dev"), name, Arc::new(clock.clone()));
    let settings = settings.software("hallpass/test").boot(Some("a boot"));
    let journal = Journal::open(&desk.path().join("journal"), settings.segment_bytes(1)).unwrap();
    let hostile = json!({"a": "\u{9b}2J\u{202e}=1+1"});
    for (number, args, iban) in [
        (
            1,
            vec![("/ticket", json!("T-1")), ("/page/size", json!(10))],
            "DE02",
        ),
        (
            2,
            vec![("/ticket", json!("T-2")), ("/text", hostile)],
            "DE03",
        ),
        (
            3,
            vec![
                ("/ticket", json!("T-1")),
                ("/large", json!("x".repeat(2000))),
            ],
            "DE02",
        ),
    ] {
        clock.advance(Duration::from_secs(86_400));
        let event = with(allowed(number, "ticket.close"), &journal, &args, iban);
        let append = journal.append(&event, Durability::Durable);
        let _recorded = append.wait(Duration::from_secs(20)).unwrap();
    }
    journal.close().unwrap();
    desk
}

/// The decisions a query finds.
fn found(desk: &Desk, args: &[&str]) -> (Vec<String>, String) {
    let command = [&["journal", "query", "journal", "--json"][..], args].concat();
    let answer = desk.run(&command).expect(0);
    let ids = answer.stdout.lines().map(|line| {
        let record: Value = serde_json::from_str(line).unwrap();
        record["decision"].as_str().unwrap().to_owned()
    });
    (ids.collect(), answer.stderr)
}

fn decisions(numbers: &[u8]) -> Vec<String> {
    numbers.iter().map(|n| decision(*n).to_string()).collect()
}

#[test]
fn records_are_found_by_arguments_shown_and_sensitive() {
    let desk = written();
    fs::write(desk.path().join("iban.txt"), "DE02\n").unwrap();
    for (args, numbers) in [
        (&["--arg", "/ticket=T-1"][..], &[1, 3][..]),
        (&["--arg", "/ticket=\"T-1\""], &[1, 3]),
        (&["--arg", "/page/size=10"], &[1]),
        (&["--arg", "/page/size=1e1"], &[1]),
        (&["--arg", "/page/size=11"], &[]),
        (&["--arg", "/ticket=T-1", "--arg", "/page/size=10"], &[1]),
        (&["--arg", "/ticket=T-2", "--arg", "/page/size=10"], &[]),
        (&["--arg", "/iban=DE02"], &[1, 3]),
        (&["--arg", "/iban=@iban.txt"], &[1, 3]),
        (&["--arg", "/iban=DE03", "--arg", "/ticket=T-2"], &[2]),
        (&["--arg", "/iban=DE03", "--arg", "/ticket=T-1"], &[]),
        (&["--arg", "/IBAN=DE02"], &[]),
        (&["--arg", "/large=x"], &[]),
    ] {
        let (ids, notes) = found(&desk, args);
        assert_eq!(ids, decisions(numbers), "{args:?}");
        assert!(!notes.contains("not compared"), "{notes}");
    }
    for wrong in ["ticket=T-1", "/ticket", "/a~2=1"] {
        let answer = desk
            .run(&["journal", "query", "journal", "--arg", wrong])
            .expect(2);
        assert!(answer.stderr.contains("pointer"), "{}", answer.stderr);
    }
    let csv = |arg: &str| {
        let export = [
            "journal", "export", "journal", "--format", "csv", "--arg", arg,
        ];
        desk.run(&export).expect(0).stdout.lines().count() - 1
    };
    assert_eq!(
        (csv("/iban=DE02"), csv("/ticket=T-2"), csv("/ticket=T-9")),
        (2, 1, 0)
    );
}

#[test]
fn arguments_are_shown_where_a_record_is_and_act_on_no_terminal() {
    let desk = written();
    let export = [
        "journal",
        "export",
        "journal",
        "--format",
        "csv",
        "--until",
        "2026-11-24T00:00:00Z",
    ];
    let (two, three) = (decision(2).to_string(), decision(3).to_string());
    let answers = [
        desk.run(&["journal", "query", "journal", "--kind", "decided"])
            .expect(0),
        desk.run(&["why", &two, "--journal", "journal"]).expect(0),
        desk.run(&["why", &three, "--journal", "journal"]).expect(0),
    ];
    let shown = transcripts(&answers);
    let rows = desk.run(&export).expect(0).stdout;
    assert!(!(shown.clone() + &rows).contains(['\u{9b}', '\u{202e}']));
    // In quotes, so that a comma or a formula in a value stays in it.
    let field = r#","{""/text"":{""a"":""\u009b2J\u202e=1+1""},""/ticket"":""T-2""}","#;
    assert!(rows.contains(field), "{rows}");
    insta::assert_snapshot!(shown);
}

#[test]
fn erasing_leaves_the_records_and_takes_away_what_could_be_compared() {
    let desk = written();
    let nothing = desk.run(&[
        "journal",
        "erase",
        "journal",
        "--before",
        "2026-11-01T00:00:00Z",
    ]);
    assert!(nothing.expect(0).stdout.starts_with("nothing to erase"));
    let segment = desk.path().join("journal/00000000000000000001.jsonl");
    let line = fs::read_to_string(&segment).unwrap();
    // The first record of a segment may still use the key of the one before: here each is one.
    let before = "2026-11-22T12:00:00Z";
    let answer = desk
        .run(&["journal", "erase", "journal", "--before", before])
        .expect(0);
    insta::assert_snapshot!(transcripts(&[answer]));
    assert_eq!(fs::read_to_string(&segment).unwrap(), line);
    desk.run(&["journal", "verify", "journal"]).expect(0);
    let (ids, notes) = found(&desk, &["--arg", "/iban=DE02"]);
    assert_eq!(ids, decisions(&[3]));
    assert_eq!(
        notes,
        "2 records were not compared: the key of their sensitive arguments is erased or cannot be read\n"
    );
    // What is shown is still found.
    assert_eq!(
        found(&desk, &["--arg", "/ticket=T-1"]).0,
        decisions(&[1, 3])
    );
}

#[test]
fn a_journal_that_is_being_written_is_not_touched_by_another_program() {
    let desk = written();
    let name = JournalName::new("tickets").unwrap();
    let settings = Settings::new(environment("dev"), name, Arc::new(FixedClock::at(at(0))));
    let dir = desk.path().join("journal");
    let journal = Journal::open(&dir, settings).unwrap();
    let answer = desk
        .run(&["journal", "erase", "journal", "--before", "1d"])
        .expect(2);
    assert!(
        answer.stderr.contains("hint: stop the service"),
        "{}",
        answer.stderr
    );
    assert!(dir.join("00000000000000000000.key").exists());
    journal.close().unwrap();
    desk.run(&["journal", "erase", ".", "--before", "90d"])
        .expect(2);
}
