//! Records for other programs.

use std::fs;

use crate::journal::{decision, written};

#[test]
fn lines_are_the_records_byte_for_byte() {
    let journal = written();
    let path = journal
        .desk
        .path()
        .join("journal/00000000000000000000.jsonl");
    let file = fs::read_to_string(&path).unwrap();
    let export = ["journal", "export", "journal", "--format", "jsonl"];
    assert_eq!(journal.desk.run(&export).expect(0).stdout, file);
    let denied = journal
        .desk
        .run(&[&export[..], &["--verdict", "deny", "--tenant", "acme"]].concat())
        .expect(0);
    let expected: String = file
        .split_inclusive('\n')
        .filter(|line| line.contains("\"deny\"") && line.contains("\"acme\""))
        .collect();
    assert_eq!(denied.stdout, expected);
    assert!(!expected.is_empty());
}

#[test]
fn decisions_are_rows_with_their_ends() {
    let journal = written();
    let export = ["journal", "export", "journal", "--format", "csv"];
    let answer = journal.desk.run(&export).expect(0);
    assert!(answer.stdout.ends_with("\r\n"));
    let narrow = |args: &[&str]| {
        let answer = journal.desk.run(&[&export[..], args].concat()).expect(0);
        let rows = answer.stdout.lines().skip(1);
        rows.map(|row| row.split(',').nth(2).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let of = |numbers: &[u8]| -> Vec<String> {
        numbers.iter().map(|n| decision(*n).to_string()).collect()
    };
    assert_eq!(narrow(&["--tool", "kb.search"]), of(&[1, 4, 5, 6]));
    assert_eq!(narrow(&["--verdict", "deny"]), of(&[3, 4]));
    // Chosen by when it was decided, whenever it ended.
    assert_eq!(narrow(&["--until", "2026-11-21T09:30:04Z"]), of(&[1, 2]));
    insta::assert_snapshot!(answer.stdout.replace('\r', ""));
}

#[test]
fn what_comes_from_outside_is_one_field_and_no_formula() {
    let journal = written();
    let path = journal
        .desk
        .path()
        .join("journal/00000000000000000000.jsonl");
    let file = fs::read_to_string(&path).unwrap();
    let detail = "\"`ticket.close` is not among the token's tools\"";
    let hostile = r#""=HYPERLINK(\"http://x\",1)\r\n2,3""#;
    assert!(file.contains(detail));
    fs::write(&path, file.replacen(detail, hostile, 1)).unwrap();
    let answer = journal
        .desk
        .run(&["journal", "export", "journal", "--format", "csv"])
        .expect(0);
    let field = r#","'=HYPERLINK(""http://x"",1)\u{d}\u{a}2,3","#;
    assert!(answer.stdout.contains(field), "{}", answer.stdout);
    assert_eq!(answer.stdout.lines().count(), 7);
}

#[test]
fn a_mistake_is_exit_2_and_what_was_read_before_a_bad_line_is_there() {
    let journal = written();
    let export = |args: &[&str]| {
        let command = [&["journal", "export", "journal"][..], args].concat();
        journal.desk.run(&command).expect(2)
    };
    let kind = export(&["--format", "csv", "--kind", "minted"]);
    assert!(kind.stderr.contains("hint: leave out --kind"));
    assert!(export(&[]).stderr.contains("--format"));
    let path = journal
        .desk
        .path()
        .join("journal/00000000000000000000.jsonl");
    let file = fs::read_to_string(&path).unwrap();
    fs::write(&path, file.replacen("\"index\":4,", "\"index\":44,", 1)).unwrap();
    assert_eq!(export(&["--format", "jsonl"]).stdout.lines().count(), 4);
    let rows = export(&["--format", "csv"]);
    assert_eq!(rows.stdout.lines().count(), 3, "{}", rows.stdout);
    assert!(rows.stderr.contains("it has index 44"));
}
