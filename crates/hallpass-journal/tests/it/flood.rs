use hallpass_journal::verify::verify;
use hallpass_journal::{Event, Journal, RefusalRecord};
use hallpass_vocabulary::{DenialCode, Timestamp, TokenId};

use crate::fixture::{START_MS, TestClock, all, denied, durable, settings_with};

const CODE: DenialCode = DenialCode::SignatureInvalid;

fn directory_bytes(dir: &std::path::Path) -> u64 {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().metadata().unwrap().len())
        .sum()
}

#[test]
fn a_hundred_thousand_refusals_cost_little_lose_no_count_and_stop_no_valid_call() {
    const FLOOD: u64 = 100_000;
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let journal = Journal::open(dir.path(), settings_with(clock.clone())).unwrap();
    let mut singles = 0;
    for n in 0..FLOOD {
        if n % 10_000 == 0 {
            clock.advance_ms(1_000);
            durable(&journal, n).unwrap();
        }
        if journal.refuse(denied(n, CODE)) == RefusalRecord::Single {
            singles += 1;
        }
    }
    journal.close().unwrap();
    assert_eq!(singles, 50 * 10);
    let (mut recorded, mut counted) = (0, 0);
    for record in all(dir.path()) {
        match record.event().unwrap() {
            Event::Decided(_) => recorded += 1,
            Event::Refused(refused) => counted += refused.count,
            _ => {}
        }
    }
    assert_eq!(recorded, singles);
    assert_eq!(recorded + counted, FLOOD);
    assert!(directory_bytes(dir.path()) < 400_000);
    verify(dir.path(), None).unwrap();
}

#[test]
fn denials_of_one_token_have_a_quota_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), settings_with(TestClock::new())).unwrap();
    let mut noisy = denied(1, DenialCode::ToolNotGranted);
    noisy.token = Some(TokenId::new(Timestamp::from_unix_ms(START_MS), [1; 10]));
    let single = |decided| journal.refuse(decided) == RefusalRecord::Single;
    assert_eq!((0..1_000).filter(|_| single(noisy.clone())).count(), 20);
    let mut quiet = noisy.clone();
    quiet.token = Some(TokenId::new(Timestamp::from_unix_ms(START_MS), [2; 10]));
    assert!(single(quiet));
    assert!(single(denied(2, CODE)));
}

#[test]
fn refusals_stay_under_a_tenth_of_the_budget_across_restarts() {
    const BUDGET: u64 = 1_000_000;
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    for round in 0..4 {
        let settings = settings_with(clock.clone()).disk_budget_bytes(BUDGET);
        let journal = Journal::open(dir.path(), settings).unwrap();
        for n in 0..5_000_u64 {
            clock.advance_ms(20);
            let _ = journal.refuse(denied(n, CODE));
        }
        durable(&journal, round).unwrap();
        journal.close().unwrap();
    }
    let refusals: usize = all(dir.path())
        .iter()
        .filter(|r| matches!(r.kind(), "decided" | "refused"))
        .map(|r| r.line().len() + 1)
        .sum();
    assert!(refusals as u64 > BUDGET / 10 / 2, "{refusals}");
    // The final counts at each close come on top: one record per code and run.
    assert!(refusals as u64 <= BUDGET / 10 + 4 * 300, "{refusals}");
}
