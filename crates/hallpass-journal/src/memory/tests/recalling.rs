//! From records and from snapshots.

use super::*;
use crate::Abandoned;

#[test]
fn records_say_again_what_was_spent_once_or_twice() {
    let all = Claims {
        approval: approval("a").approval,
        proof: proof(1, "p").proof,
        key: key("k", 1).key,
        run: budget(1, None, None).run,
    };
    let again = memory();
    for _ in 0..2 {
        recall(&again, 1, at(1), &decided(1, &all, calls(1), at(1)));
        recall(
            &again,
            2,
            at(2),
            &decided(2, &budget(1, None, None), calls(2), at(2)),
        );
    }
    // In the other order, as two threads may write them.
    recall(
        &again,
        3,
        at(2),
        &decided(3, &budget(1, None, None), calls(4), at(2)),
    );
    recall(
        &again,
        4,
        at(2),
        &decided(4, &budget(1, None, None), calls(3), at(2)),
    );
    assert_eq!(again.spent(run(1)), calls(4));
    let state = |memory: &Memory| match memory.reserve(&key("k", 9), at(3)).unwrap_err() {
        NotReserved::KeyUsed(used) => used.state,
        other => panic!("{other}"),
    };
    assert_eq!(state(&again), KeyState::Running);
    recall(
        &again,
        5,
        at(3),
        &finished(
            1,
            1,
            Some(Spent {
                calls: Some(4),
                usd_micros: Some(7),
            }),
        ),
    );
    again.records_end();
    assert_eq!(state(&again), KeyState::Ok);
    assert_eq!(again.spent(run(1)).unwrap().usd_micros, Some(7));
    again.reserve(&approval("a"), at(3)).unwrap_err();
    again.reserve(&proof(1, "p"), at(3)).unwrap_err();
}

#[test]
fn of_what_had_not_ended_the_end_is_unknown() {
    for end in [
        None,
        Some(Event::Abandoned(Abandoned {
            decision: decision(1),
        })),
    ] {
        let memory = memory();
        recall(&memory, 1, at(1), &decided(1, &key("k", 1), None, at(1)));
        if let Some(end) = &end {
            recall(&memory, 2, at(1), end);
        }
        memory.records_end();
        let NotReserved::KeyUsed(used) = memory.reserve(&key("k", 2), at(2)).unwrap_err() else {
            panic!("another answer");
        };
        assert_eq!(used.state, KeyState::Unknown);
    }
}

#[test]
fn a_denied_call_and_a_key_that_was_only_noted_say_nothing() {
    let memory = memory();
    let mut event = decided(1, &approval("a"), calls(3), at(1));
    if let Event::Decided(record) = &mut event {
        record.verdict = crate::Verdict::Deny;
    }
    recall(&memory, 1, at(1), &event);
    let mut event = decided(2, &key("k", 2), None, at(1));
    if let Event::Decided(record) = &mut event {
        record.idempotency = None;
        // Text from outside that looks like a member is none.
        record.detail = Some(Text::new(r#""until":" and "spent":{"#));
    }
    recall(&memory, 2, at(1), &event);
    let nothing = Remembered {
        approvals: 0,
        proofs: 0,
        keys: 0,
        runs: 0,
    };
    assert_eq!(memory.remembered(), nothing);
}

#[test]
fn what_cannot_be_understood_was_not_made_after_what_it_used() {
    let memory = memory();
    let mut line = Vec::new();
    let event = decided(1, &approval("a"), None, at(1));
    let time = TimeText::of(at(50));
    Body::of(&event).unwrap().write_line(1, &time, &mut line);
    let line = String::from_utf8(line).unwrap().replace("\"a\"", "17");
    recall_line(&memory, line.trim_end().as_bytes());
    let what = Spendable::Approval;
    let predates = NotReserved::PredatesJournal { what };
    assert_eq!(
        memory.reserve(&approval("b"), at(60)).unwrap_err(),
        predates
    );
    let newer = Claims {
        approval: Some(single("b", 50, 300)),
        ..Claims::default()
    };
    assert!(memory.reserve(&newer, at(60)).is_ok());
}

#[test]
fn a_snapshot_holds_all_of_it_and_says_it_any_number_of_times() {
    let memory = memory();
    let all = Claims {
        approval: approval("a").approval,
        proof: proof(1, "p").proof,
        key: key("k", 1).key,
        run: budget(1, Some(5), None).run,
    };
    let held = memory.reserve(&all, at(1)).unwrap();
    memory.reserve(&key("l", 2), at(1)).unwrap().keep();
    memory.ended(decision(2), KeyState::Error);
    memory.charge(run(1), 9);
    let copy = Memory::default();
    snapshot(&memory, &copy);
    snapshot(&memory, &copy);
    // What was reserved then counts as spent, whatever became of it.
    drop(held);
    let mut lines = [Vec::new(), Vec::new()];
    let twice = Memory::default();
    snapshot(&copy, &twice);
    for (memory, lines) in [&copy, &twice].into_iter().zip(&mut lines) {
        memory.write_entries(lines);
    }
    let sorted = lines.map(|lines| {
        let text = String::from_utf8(lines).unwrap();
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    });
    assert_eq!(sorted[0], sorted[1]);
    insta::assert_snapshot!(sorted[0].join("\n"), @r#"
    {"approval":{"id":"a","until":"2026-11-18T11:11:40.000Z"}}
    {"created":"2026-11-18T11:06:40.000Z"}
    {"key":{"tenant":"acme","subject":"user:alice","key":"k","decision":"dec_01a1ee565e0071018101010101010101","tool":"ticket.close","args":"hmac-sha256:0101010101010101010101010101010101010101010101010101010101010101","state":"running","until":"2026-11-19T11:06:41.000Z"}}
    {"key":{"tenant":"acme","subject":"user:alice","key":"l","decision":"dec_01a1ee565e0072028202020202020202","tool":"ticket.close","args":"hmac-sha256:0101010101010101010101010101010101010101010101010101010101010101","state":"error","until":"2026-11-19T11:06:41.000Z"}}
    {"latest":"2026-11-18T11:06:41.000Z"}
    {"proof":{"token":"tok_01a1ee565e0071018101010101010101","id":"p","until":"2026-11-18T11:07:40.000Z"}}
    {"run":{"run":"run_01a1ee565e0071018101010101010101","calls":1,"usd_micros":9,"until":"2026-11-25T11:06:41.000Z"}}
    "#);
    assert_eq!(copy.lock().created, Some(START));
    copy.reserve(&approval("a"), at(3)).unwrap_err();
    copy.records_end();
    let state = |name| match copy.reserve(&key(name, 9), at(3)).unwrap_err() {
        NotReserved::KeyUsed(used) => used.state,
        other => panic!("{other}"),
    };
    assert_eq!(
        (state("k"), state("l")),
        (KeyState::Unknown, KeyState::Error)
    );
}

#[test]
fn what_is_no_entry_is_refused() {
    for line in [
        "",
        "{}",
        r#"{"approval":{"id":"a b","until":"2026-11-25T00:00:00.000Z"}}"#,
        r#"{"approval":{"id":"a"}}"#,
        r#"{"run":{"run":"run_1","calls":1,"usd_micros":0,"until":"2026-11-25T00:00:00.000Z"}}"#,
        r#"{"other":1}"#,
        r#"{"created":"2026-11-25T00:00:00.000Z"} "#,
    ] {
        let refused = memory().recall_entry(line.as_bytes());
        assert_eq!(refused.is_err(), !line.ends_with("} "), "{line}");
    }
}
