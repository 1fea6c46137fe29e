//! Decisions in words.

use crate::journal::{decision, written};

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
