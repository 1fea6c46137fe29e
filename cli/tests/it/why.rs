//! Decisions in words.

use hallpass_args::{Arguments, ToolCall};
use hallpass_token::{Caveat, NextSecret, UnverifiedToken};
use hallpass_vocabulary::RequestId;

use crate::command::transcripts;
use crate::journal::{decision, written};
use crate::rehearsal::verifier;
use crate::world::{World, at, minted_with, spec, token};

#[test]
fn each_ending_has_its_words_and_its_next_step() {
    let journal = written();
    let answers: Vec<_> = (1..=7)
        .map(|number| {
            journal
                .desk
                .run(&["why", &decision(number).to_string(), "--journal", "journal"])
        })
        .collect();
    let exits: Vec<i32> = answers.iter().map(|answer| answer.exit).collect();
    assert_eq!(exits, [0, 0, 0, 0, 0, 0, 2]);
    insta::assert_snapshot!(journal.shown(&answers));
}

#[test]
fn the_json_has_the_records_themselves() {
    let mut journal = written();
    journal.desk.set("HALLPASS_JOURNAL", "journal");
    let json = journal
        .desk
        .run(&["why", &decision(2).to_string(), "--json"])
        .expect(0)
        .json();
    assert_eq!(json["verdict"], "allow");
    assert_eq!(json["record"]["tool"], "tickets.get");
    assert_eq!(json["after"][0]["kind"], "row_withheld");
    assert_eq!(json["after"][1]["result"], "error");
    let denied = journal
        .desk
        .run(&["why", &decision(3).to_string(), "--json"])
        .expect(0)
        .json();
    assert_eq!(denied["code"], "tool_not_granted");
    assert!(denied["next"].as_str().unwrap().starts_with("Use a route"));
}

/// What a terminal acts on, and what hides or turns text around.
const HOSTILE: &str = "\u{1b}[2J\u{9b}2J\u{202e}\u{2066}\u{200f}\r\n\0";

#[test]
fn a_caveat_that_failed_is_named_and_nothing_in_it_reaches_the_terminal() {
    let world = World::new();
    let desk = world.desk();
    let narrowed = |token: &str, caveat: Caveat| {
        let next = NextSecret::from_random([30; 32]);
        let token = UnverifiedToken::parse(token).unwrap();
        token
            .attenuate(&[caveat], next)
            .unwrap()
            .expose()
            .to_owned()
    };
    let long = "x".repeat(250);
    let pointer = format!("/{HOSTILE}");
    let cases = [
        (
            minted_with(spec(), 1, &["/limit<=10"]),
            r#"{"limit":11}"#.to_owned(),
        ),
        (
            narrowed(&token(), "/limit<=10".parse().unwrap()),
            "{}".to_owned(),
        ),
        (
            narrowed(&token(), Caveat::arg(&pointer).equals(HOSTILE).unwrap()),
            "{}".to_owned(),
        ),
        (
            narrowed(&token(), Caveat::only_arguments([long.as_str()]).unwrap()),
            serde_json::json!({ format!("{HOSTILE}{long}"): "secret" }).to_string(),
        ),
    ];
    let mut answers = Vec::new();
    {
        let verifier = verifier(&world, &desk.path().join("journal"), "tickets");
        for (token, arguments) in &cases {
            let call = ToolCall {
                audience: "tickets".parse().unwrap(),
                tool: "kb.search".parse().unwrap(),
                args: Arguments::parse(arguments.as_bytes()).unwrap(),
                request_id: RequestId::new(at(1), [0; 10]),
                idempotency_key: None,
                trace: None,
                attempt: None,
            };
            let refusal = verifier.authorize(Some(token), call).wait().unwrap_err();
            answers.push(refusal.decision());
        }
    }
    let answers: Vec<_> = answers
        .iter()
        .map(|decision| {
            let id = decision.to_string();
            let answer = desk.run(&["why", &id, "--journal", "journal"]).expect(0);
            let json = desk
                .run(&["why", &id, "--journal", "journal", "--json"])
                .expect(0);
            for text in [&answer.stdout, &json.stdout] {
                let hostile =
                    |c: char| c.is_control() || (HOSTILE.contains(c) && !c.is_ascii_graphic());
                assert!(!text.chars().any(|c| c != '\n' && hostile(c)), "{text:?}");
                assert!(!text.contains("secret"));
            }
            (answer, id)
        })
        .collect();
    let mut shown = String::new();
    for (answer, id) in answers {
        shown.push_str(&transcripts(&[answer]).replace(&id, "DECISION"));
    }
    insta::assert_snapshot!(shown);
}
