use std::ops::ControlFlow;
use std::sync::mpsc;
use std::time::Duration;

use hallpass_journal::read::{Filter, ReadError, follow, newest, records, records_from};
use hallpass_journal::{Decided, Durability, Event, Journal, Verdict};
use hallpass_vocabulary::{Audience, DenialCode, RunId, Subject, Tenant, Timestamp, ToolName};

use crate::fixture::{
    PATIENCE, START_MS, TestClock, all, decision, denied, durable, environment, open, relaxed,
    request, settings, settings_with,
};

#[test]
fn a_reader_sees_new_records_of_a_live_journal_across_segments() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), settings().segment_bytes(300)).unwrap();
    let mut reader = records(dir.path()).unwrap();
    assert_eq!(reader.next_written().unwrap().unwrap().kind(), "opened");
    assert_eq!(reader.next_written().unwrap(), None);
    for n in 1..20 {
        relaxed(&journal, n).unwrap();
        let record = reader.next_written().unwrap().unwrap();
        assert_eq!(record.index(), n);
        assert_eq!(reader.next_written().unwrap(), None);
    }
}

#[test]
fn a_reader_may_start_at_any_record_and_reads_no_segment_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), settings().segment_bytes(300)).unwrap();
    for n in 1..20 {
        relaxed(&journal, n).unwrap();
    }
    let whole = all(dir.path());
    let from = |index| -> Vec<u64> {
        let records = records_from(dir.path(), index).unwrap();
        records.map(|record| record.unwrap().index()).collect()
    };
    for index in 0..whole.len() as u64 {
        assert_eq!(from(index), (index..20).collect::<Vec<_>>());
        let found = newest(dir.path(), index).unwrap().count() as u64;
        assert!(found >= index, "{found} of {index}");
    }
    // One that is not there yet: it comes when it is written.
    let mut later = records_from(dir.path(), 21).unwrap();
    assert_eq!(later.next_written().unwrap(), None);
    for n in 20..23 {
        relaxed(&journal, n).unwrap();
    }
    assert_eq!(later.next_written().unwrap().unwrap().index(), 21);
    journal.close().unwrap();
    std::fs::write(dir.path().join("00000000000000000000.jsonl"), "not read").unwrap();
    assert_eq!(from(10).len(), 24 - 10);
    std::fs::remove_file(dir.path().join("00000000000000000000.jsonl")).unwrap();
    assert!(matches!(
        records_from(dir.path(), 0),
        Err(ReadError::Pruned { index: 0, .. })
    ));
}

#[test]
fn follow_delivers_what_is_written_later_and_stops_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let (sender, receiver) = mpsc::channel();
    let path = dir.path().to_owned();
    let follower = std::thread::spawn(move || {
        follow(&path, 1, Duration::from_millis(1), |record| {
            sender.send(record.index()).unwrap();
            if record.index() == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
    });
    for n in 1..=3 {
        durable(&journal, n).unwrap();
        assert_eq!(receiver.recv_timeout(PATIENCE), Ok(n));
    }
    follower.join().unwrap().unwrap();
}

#[test]
fn a_filter_asks_for_everything_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let journal = Journal::open(dir.path(), settings_with(clock.clone())).unwrap();
    let run = RunId::new(Timestamp::from_unix_ms(START_MS), [4; 10]);
    let allowed = Decided {
        run: Some(run),
        tenant: Some(Tenant::new("acme").unwrap()),
        subject: Some(Subject::new("user:alice").unwrap()),
        tool: Some(ToolName::new("kb.search").unwrap()),
        ..Decided::allow(
            decision(1),
            request(),
            environment(),
            Audience::new("tickets").unwrap(),
        )
    };
    let append = |decided: Decided| {
        journal
            .append(&Event::Decided(Box::new(decided)), Durability::Durable)
            .wait(PATIENCE)
            .unwrap()
    };
    let _ = append(allowed.clone());
    clock.advance_ms(1_000);
    let mut refused = denied(2, DenialCode::ToolNotGranted);
    refused.tool = allowed.tool.clone();
    let _ = append(refused);
    journal.close().unwrap();
    let records = all(dir.path());
    let found = |filter: &Filter| -> Vec<u64> {
        let matching = records.iter().filter(|record| filter.matches(record));
        matching.map(|record| record.index()).collect()
    };
    let any = Filter::default();
    assert_eq!(found(&any), [0, 1, 2, 3]);
    let later = Timestamp::from_unix_ms(START_MS + 1_000);
    let cases = [
        (
            Filter {
                since: Some(later),
                ..any.clone()
            },
            vec![2, 3],
        ),
        (
            Filter {
                until: Some(later),
                ..any.clone()
            },
            vec![0, 1],
        ),
        (
            Filter {
                kind: Some("decided".into()),
                ..any.clone()
            },
            vec![1, 2],
        ),
        (
            Filter {
                decision: Some(decision(2)),
                ..any.clone()
            },
            vec![2],
        ),
        (
            Filter {
                run: Some(run),
                ..any.clone()
            },
            vec![1],
        ),
        (
            Filter {
                tenant: allowed.tenant.clone(),
                ..any.clone()
            },
            vec![1],
        ),
        (
            Filter {
                subject: allowed.subject.clone(),
                ..any.clone()
            },
            vec![1],
        ),
        (
            Filter {
                tool: allowed.tool.clone(),
                ..any.clone()
            },
            vec![1, 2],
        ),
        (
            Filter {
                code: Some("tool_not_granted".into()),
                ..any.clone()
            },
            vec![2],
        ),
        (
            Filter {
                verdict: Some(Verdict::Allow),
                ..any.clone()
            },
            vec![1],
        ),
        (
            Filter {
                verdict: Some(Verdict::Deny),
                run: Some(run),
                ..any.clone()
            },
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(found(&filter), expected, "{filter:?}");
    }
}

#[test]
fn a_kind_of_a_later_version_is_still_a_record() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    let path = dir.path().join("00000000000000000000.jsonl");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str(
        "{\"v\":1,\"index\":2,\"time\":\"2030-01-01T00:00:00.000Z\",\"kind\":\"pruned\",\"below\":1}\n",
    );
    std::fs::write(&path, text).unwrap();
    let record = all(dir.path()).remove(2);
    assert_eq!(record.kind(), "pruned");
    assert_eq!(record.json()["below"], 1);
    assert!(record.event().is_err());
    open(dir.path()).close().unwrap();
    assert_eq!(all(dir.path()).len(), 5);
}

#[test]
fn what_is_no_journal_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(
        records(dir.path()),
        Err(ReadError::NoJournal { .. })
    ));
    assert!(matches!(
        records(&dir.path().join("absent")),
        Err(ReadError::Io { .. })
    ));
    std::fs::write(dir.path().join("00000000000000000000.jsonl"), "{}\n").unwrap();
    let mut reader = records(dir.path()).unwrap();
    assert!(matches!(
        reader.next(),
        Some(Err(ReadError::BadLine { line: 1, .. }))
    ));
    assert!(reader.next().is_none());
}
