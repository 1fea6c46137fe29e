//! Segments by age, by the clock that stamps the records.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallpass_journal::Journal;
use hallpass_journal::verify::verify;

use crate::fixture::{TestClock, crashed, durable, numbers, settings_with, until};

const HOUR_MS: i64 = 3_600_000;

fn opened(dir: &Path, clock: &Arc<TestClock>) -> Journal {
    Journal::open(dir, settings_with(Arc::clone(clock))).unwrap()
}

fn segments(dir: &Path) -> usize {
    std::fs::read_dir(dir)
        .unwrap()
        .filter(|e| e.as_ref().unwrap().path().extension() == Some("jsonl".as_ref()))
        .count()
}

#[test]
fn a_day_after_its_first_record_a_segment_is_followed_by_another() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let journal = opened(dir.path(), &clock);
    clock.advance_ms(24 * HOUR_MS - 1);
    durable(&journal, 1).unwrap();
    assert_eq!(segments(dir.path()), 1);
    clock.advance_ms(1);
    for n in 2..10 {
        durable(&journal, n).unwrap();
    }
    assert_eq!(segments(dir.path()), 2);
    assert!(dir.path().join("00000000000000000002.jsonl").exists());
    journal.close().unwrap();
    assert_eq!(numbers(dir.path()), (1..10).collect::<Vec<_>>());
    verify(dir.path(), None).unwrap();
}

#[test]
fn the_age_is_what_is_set() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let hourly = settings_with(Arc::clone(&clock)).segment_age(Duration::from_secs(3_600));
    let journal = Journal::open(dir.path(), hourly).unwrap();
    for n in 0..5 {
        clock.advance_ms(HOUR_MS);
        durable(&journal, n).unwrap();
    }
    assert_eq!(segments(dir.path()), 6);
}

#[test]
fn a_restart_does_not_make_a_segment_young_again() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let mut journal = opened(dir.path(), &clock);
    let mut left = None;
    for n in 0..4 {
        clock.advance_ms(7 * HOUR_MS);
        durable(&journal, n).unwrap();
        let copy = crashed(&journal);
        journal = opened(copy.path(), &clock);
        left = Some(copy);
    }
    let left = left.unwrap();
    // 28 hours in all: the last opening is the first record of the second day.
    assert_eq!(segments(left.path()), 2);
    journal.close().unwrap();
    verify(left.path(), None).unwrap();
}

#[test]
fn a_clock_that_steps_back_or_forward_starts_one_segment_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let journal = opened(dir.path(), &clock);
    let mut n = 0;
    for (step_hours, expected) in [
        (-1_000, 1),
        (23, 1),
        (1, 2),
        (1_000, 3),
        (-1_000, 3),
        (24, 4),
    ] {
        clock.advance_ms(step_hours * HOUR_MS);
        for _ in 0..10 {
            durable(&journal, n).unwrap();
            n += 1;
        }
        assert_eq!(segments(dir.path()), expected, "after {step_hours} hours");
    }
    clock.advance_ms(i64::MAX / 2);
    durable(&journal, n).unwrap();
    clock.advance_ms(i64::MIN / 2);
    durable(&journal, n + 1).unwrap();
    journal.close().unwrap();
    verify(dir.path(), None).unwrap();
}

#[test]
fn an_idle_journal_starts_no_segment() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let journal = opened(dir.path(), &clock);
    durable(&journal, 1).unwrap();
    clock.advance_ms(1_000 * HOUR_MS);
    until("the last record is signed", || journal.status().signed == 2);
    assert_eq!(segments(dir.path()), 1);
    journal.close().unwrap();
    // The `closed` record begins the segment of its day.
    assert_eq!(segments(dir.path()), 2);
    verify(dir.path(), None).unwrap();
}
