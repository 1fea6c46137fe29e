//! Checking and reading journals; and a small journal to do it with.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hallpass_journal::{
    Abandoned, CallResult, Decided, Durability, Event, Finished, Journal, JournalName, RowWithheld,
    Settings, Text,
};
use hallpass_testkit::FixedClock;
use hallpass_vocabulary::{DecisionId, DenialCode, Impact, RequestId, RunId, TokenId};

use crate::command::{Answer, Desk, transcripts};
use crate::world::{at, environment};

/// A journal of six decisions in the directory `journal` of a desk.
pub struct Written {
    pub desk: Desk,
    origin: String,
    key: String,
}

pub fn decision(number: u8) -> DecisionId {
    DecisionId::new(at(i64::from(number)), [number; 10])
}

pub fn allowed(number: u8, tool: &str) -> Decided {
    let request = RequestId::new(at(i64::from(number)), [number; 10]);
    let mut decided = Decided::allow(
        decision(number),
        request,
        environment("dev"),
        "tickets".parse().unwrap(),
    );
    decided.tenant = Some("acme".parse().unwrap());
    decided.run = Some(RunId::new(at(0), [2; 10]));
    decided.token = Some(TokenId::new(at(0), [1; 10]));
    decided.subject = Some("user:alice".parse().unwrap());
    decided.actors = vec!["agent:support-bot".parse().unwrap()];
    decided.route = Some("/support/draft".parse().unwrap());
    decided.tool = Some(tool.parse().unwrap());
    decided.impact = Some(Impact::Read);
    decided.bundle = Some(1_795_253_400_000);
    decided
}

fn denied(number: u8, tool: &str, code: DenialCode, detail: &str) -> Decided {
    let mut decided = allowed(number, tool);
    decided.verdict = hallpass_journal::Verdict::Deny;
    decided.code = Some(code);
    decided.detail = Some(Text::new(detail));
    decided
}

fn finished(number: u8, result: CallResult, class: Option<&str>) -> Event {
    Event::Finished(Finished {
        decision: decision(number),
        result,
        result_digest: None,
        duration_ms: 12,
        error_class: class.map(Text::new),
        spend_usd_micros: None,
        run: None,
        spent: None,
    })
}

fn forged(number: u8) -> Decided {
    let request = RequestId::new(at(i64::from(number)), [number; 10]);
    let code = DenialCode::SignatureInvalid;
    let mut decided = Decided::deny(
        decision(number),
        request,
        environment("dev"),
        "tickets".parse().unwrap(),
        code,
    );
    decided.detail = Some(Text::new(
        "the signature of block 0 does not verify\u{1b}[2J",
    ));
    decided.tool = Some("kb.search".parse().unwrap());
    decided
}

/// Writes the journal at fixed times and closes it, so that every record is signed.
pub fn written() -> Written {
    let desk = Desk::new();
    let dir = desk.path().join("journal");
    let clock = FixedClock::at(at(0));
    let settings = Settings::new(
        environment("dev"),
        JournalName::new("tickets").unwrap(),
        Arc::new(clock.clone()),
    );
    let journal = Journal::open(
        &dir,
        settings.software("hallpass/test").boot(Some("a boot")),
    )
    .unwrap();
    let decided = |decided| Event::Decided(Box::new(decided));
    let withheld = Event::RowWithheld(RowWithheld {
        decision: decision(2),
        detail: Text::new("the row belongs to tenant `globex`"),
    });
    for event in [
        decided(allowed(1, "kb.search")),
        finished(1, CallResult::Ok, None),
        decided(allowed(2, "tickets.get")),
        withheld,
        finished(2, CallResult::Error, Some("not_found")),
        decided(denied(
            3,
            "ticket.close",
            DenialCode::ToolNotGranted,
            "`ticket.close` is not among the token's tools",
        )),
        decided(forged(4)),
        decided(allowed(5, "kb.search")),
        Event::Abandoned(Abandoned {
            decision: decision(5),
        }),
        decided(allowed(6, "kb.search")),
    ] {
        clock.advance(Duration::from_secs(1));
        let _recorded = journal
            .append(&event, Durability::Durable)
            .wait(Duration::from_secs(20))
            .unwrap();
    }
    journal.close().unwrap();
    Written {
        desk,
        origin: journal.origin().to_owned(),
        key: journal.verifier().key().id().to_string(),
    }
}

impl Written {
    pub fn dir(&self) -> PathBuf {
        self.desk.path().join("journal")
    }

    /// The transcripts, without what is random in a journal.
    pub fn shown(&self, answers: &[Answer]) -> String {
        transcripts(answers)
            .replace(&self.origin, "ORIGIN")
            .replace(&self.key, "KEY")
    }

    pub fn vkey(&self) -> String {
        fs::read_to_string(self.dir().join("journal.vkey"))
            .unwrap()
            .trim()
            .to_owned()
    }
}

fn segment(dir: &Path) -> PathBuf {
    dir.join("00000000000000000000.jsonl")
}

#[test]
fn an_intact_journal_is_exit_0() {
    let journal = written();
    let vkey = journal.vkey();
    let answers = [
        journal
            .desk
            .run(&["journal", "verify", "journal"])
            .expect(0),
        journal
            .desk
            .run(&["journal", "verify", "journal", "--json"])
            .expect(0),
        journal.desk.run(&["journal", "verify", "absent"]).expect(2),
    ];
    insta::assert_snapshot!(journal.shown(&answers));
    let keyed = journal
        .desk
        .run(&["journal", "verify", "journal", "--key", &vkey])
        .expect(0);
    assert!(keyed.stdout.ends_with("as given\n"), "{}", keyed.stdout);
}

#[test]
fn tampering_is_exit_1_and_says_where() {
    type Tamper = fn(&Path);
    fn change(dir: &Path, change: impl Fn(String) -> String) {
        let text = fs::read_to_string(segment(dir)).unwrap();
        let changed = change(text.clone());
        assert_ne!(text, changed);
        fs::write(segment(dir), changed).unwrap();
    }
    let tampers: [(&str, Tamper); 7] = [
        ("a word changed", |dir| {
            change(dir, |text| text.replacen("\"deny\"", "\"allow\"", 1))
        }),
        ("a record removed", |dir| {
            change(dir, |text| {
                let lines: Vec<&str> = text.lines().collect();
                let kept: Vec<&str> = lines
                    .iter()
                    .enumerate()
                    .filter(|(n, _)| *n != 3)
                    .map(|(_, l)| *l)
                    .collect();
                kept.join("\n") + "\n"
            });
        }),
        ("the end cut off", |dir| {
            change(dir, |text| {
                let kept: Vec<&str> = text.lines().take(4).collect();
                kept.join("\n") + "\n"
            });
        }),
        ("no checkpoint", |dir| {
            fs::remove_file(dir.join("checkpoint")).unwrap()
        }),
        ("no segment", |dir| {
            fs::remove_file(segment(dir)).unwrap();
        }),
        ("a file named almost like a segment", |dir| {
            fs::write(dir.join("\u{1b}[2J.jsonl"), "").unwrap();
        }),
        ("another checkpoint", |dir| {
            let path = dir.join("checkpoint");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text.replacen("\n12\n", "\n11\n", 1)).unwrap();
        }),
    ];
    let mut shown = String::new();
    for (name, tamper) in tampers {
        let journal = written();
        tamper(&journal.dir());
        let answer = journal
            .desk
            .run(&["journal", "verify", "journal"])
            .expect(1);
        shown.push_str(&format!("# {name}\n{}\n", journal.shown(&[answer])));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn where_the_damage_is_stands_in_the_json() {
    let journal = written();
    let path = segment(&journal.dir());
    let lines = fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = lines
        .lines()
        .enumerate()
        .filter(|(n, _)| *n != 3)
        .map(|(_, line)| line)
        .collect();
    fs::write(&path, kept.join("\n") + "\n").unwrap();
    let json = journal
        .desk
        .run(&["journal", "verify", "journal", "--json"])
        .expect(1)
        .json();
    assert_eq!(json["intact"], false);
    assert_eq!(json["file"], "00000000000000000000.jsonl");
    assert_eq!(
        (json["line"].as_u64(), json["index"].as_u64()),
        (Some(4), Some(3))
    );
}

#[test]
fn a_journal_of_somebody_else_is_found_by_the_key_kept_elsewhere() {
    let (ours, theirs) = (written(), written());
    let vkey = ours.vkey();
    let answer = theirs
        .desk
        .run(&["journal", "verify", "journal", "--key", &vkey])
        .expect(1);
    assert!(
        answer
            .stdout
            .starts_with("TAMPERED: the journal is signed by key"),
        "{}",
        answer.stdout
    );
    let nonsense = theirs
        .desk
        .run(&["journal", "verify", "journal", "--key", "nonsense"])
        .expect(2);
    assert!(nonsense.stderr.contains("journal.vkey"));
}

#[test]
fn tail_and_query_show_records_in_rows() {
    let journal = written();
    let desk = &journal.desk;
    let answers = [
        desk.run(&["journal", "tail", "journal", "-n", "3"])
            .expect(0),
        desk.run(&["journal", "query", "journal"]).expect(0),
        desk.run(&["journal", "query", "journal", "--verdict", "deny"])
            .expect(0),
        desk.run(&[
            "journal",
            "query",
            "journal",
            "--tool",
            "kb.search",
            "--limit",
            "1",
        ])
        .expect(0),
        desk.run(&["journal", "query", "journal", "--code", "overloaded"])
            .expect(0),
        desk.run(&[
            "journal", "query", "journal", "--kind", "finished", "--json",
        ])
        .expect(0),
        desk.run(&[
            "journal",
            "query",
            "journal",
            "--since",
            "2026-11-21T09:30:06Z",
            "--until",
            "2026-11-21T09:30:08Z",
            "--tenant",
            "acme",
        ])
        .expect(0),
        desk.run(&["journal", "query", "journal", "--since", "yesterday"])
            .expect(2),
    ];
    insta::assert_snapshot!(journal.shown(&answers));
}

#[test]
fn tail_follows_what_is_written_later() {
    let desk = Desk::new();
    let dir = desk.path().join("journal");
    let clock = FixedClock::at(at(0));
    let settings = Settings::new(
        environment("dev"),
        JournalName::new("tickets").unwrap(),
        Arc::new(clock),
    );
    let journal = Journal::open(&dir, settings).unwrap();
    let mut child = hallpass_testkit::ChildProcess::spawn(
        &mut desk.command(&["journal", "tail", "journal", "-f", "--json"]),
    );
    child.wait_for_line("{\"v\":1,\"index\":0", Duration::from_secs(20));
    let event = Event::Decided(Box::new(allowed(1, "kb.search")));
    let _recorded = journal
        .append(&event, Durability::Durable)
        .wait(Duration::from_secs(20))
        .unwrap();
    let line = child.wait_for_line("{\"v\":1,\"index\":1", Duration::from_secs(20));
    assert!(line.contains(&decision(1).to_string()), "{line}");
}

#[test]
fn a_bad_line_ends_reading_and_says_how_to_look_closer() {
    let journal = written();
    let path = segment(&journal.dir());
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"index\":3,", "\"index\":33,", 1)).unwrap();
    let answer = journal.desk.run(&["journal", "query", "journal"]).expect(2);
    insta::assert_snapshot!(answer.stderr, @r"
    error: line 4 of `00000000000000000000.jsonl`: it has index 33
    hint: hallpass journal verify journal
    ");
}

#[test]
fn what_never_ends_is_not_read_as_a_checkpoint_a_state_or_a_value() {
    let journal = written();
    for args in [
        ["verify", "journal", "--from", "/dev/zero"],
        ["verify", "journal", "--resume", "/dev/zero"],
        ["query", "journal", "--arg", "/id=@/dev/zero"],
    ] {
        let answer = journal.desk.run(&[&["journal"][..], &args].concat());
        let said = answer.expect(2).stderr.clone();
        assert!(said.contains("/dev/zero"), "{args:?}: {said}");
    }
}
