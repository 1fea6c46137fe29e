//! What a journal remembers, through its files: written, read back, cut off in the middle.

use std::path::Path;
use std::time::Duration;

use hallpass_journal::memory::{
    APPROVALS_MAX, CLAIM_AHEAD_SECONDS_MAX, CLAIM_ID_BYTES_MAX, ClaimId, Claims, KEY_KEPT_SECONDS,
    KEYS_MAX, NotReserved, PROOFS_MAX, PROOFS_PER_TOKEN_MAX, RUN_KEPT_SECONDS, RUNS_MAX, RunBudget,
    SingleUse, Spendable,
};
use hallpass_journal::{CallResult, Claimed, Decided, Durability, Event, Finished, Journal};
use hallpass_vocabulary::{Audience, RunId, Timestamp};

use crate::fixture::{
    PATIENCE, START_MS, TestClock, crashed, decision, environment, open, request, settings,
    settings_with,
};

const NOW: Timestamp = Timestamp::from_unix_ms(START_MS);

fn run() -> RunId {
    RunId::new(NOW, [4; 10])
}

fn claims(approval: u64, calls: u64) -> Claims {
    Claims {
        approval: Some(SingleUse {
            id: ClaimId::new(&format!("apr-{approval}")).unwrap(),
            created: NOW,
            until: NOW.after(Duration::from_secs(600)),
        }),
        run: Some(RunBudget {
            run: run(),
            calls: Some(calls),
            usd_micros: None,
        }),
        ..Claims::default()
    }
}

/// Uses an approval and one call of four, records it, and lets it cost ten.
fn call(journal: &Journal, n: u64) -> Result<(), NotReserved> {
    let claims = claims(n, 4);
    let reservation = journal.memory().reserve(&claims, NOW)?;
    let audience = Audience::new("tickets").unwrap();
    let mut record = Decided::allow(decision(n), request(), environment(), audience);
    record.run = Some(run());
    record.approval = claims.approval.map(|used| Claimed {
        id: used.id,
        until: used.until,
    });
    record.spent = reservation.spent();
    let append = journal.append(&Event::Decided(Box::new(record)), Durability::Relaxed);
    append.wait(PATIENCE).unwrap();
    reservation.keep();
    let finished = Event::Finished(Finished {
        decision: decision(n),
        result: CallResult::Ok,
        result_digest: None,
        duration_ms: 1,
        error_class: None,
        spend_usd_micros: Some(10),
        run: Some(run()),
        spent: Some(journal.memory().charge(run(), 10)),
    });
    let append = journal.append(&finished, Durability::Relaxed);
    append.wait(PATIENCE).unwrap();
    Ok(())
}

fn spent(journal: &Journal) -> (Option<u64>, Option<u64>) {
    let spent = journal.memory().spent(run()).unwrap_or_default();
    (spent.calls, spent.usd_micros)
}

#[test]
fn what_was_spent_is_spent_after_the_process_was_killed_any_number_of_times() {
    let mut kept = Vec::new();
    let first = tempfile::tempdir().unwrap();
    let mut dir: &Path = first.path();
    for n in 1..=4 {
        let journal = open(dir);
        for earlier in 1..n {
            let again = call(&journal, earlier).unwrap_err();
            let what = Spendable::Approval;
            assert_eq!(again, NotReserved::Spent { what }, "{earlier} of {n}");
        }
        call(&journal, n).unwrap();
        assert_eq!(spent(&journal), (Some(n), Some(10 * n)));
        kept.push(crashed(&journal));
        dir = kept.last().unwrap().path();
    }
    let journal = open(dir);
    let exhausted = NotReserved::CallsExhausted { limit: 4 };
    assert_eq!(call(&journal, 5).unwrap_err(), exhausted);
    assert_eq!(spent(&journal), (Some(4), Some(40)));
}

#[test]
fn a_journal_vouches_for_what_was_made_since_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let journal = Journal::open(dir.path(), settings_with(clock.clone())).unwrap();
    let reserve = |journal: &Journal, created: Timestamp| {
        let mut claims = claims(1, 4);
        claims.approval.as_mut().unwrap().created = created;
        journal.memory().reserve(&claims, NOW).map(drop)
    };
    let older = Timestamp::from_unix_ms(START_MS - 1);
    let predates = Err(NotReserved::PredatesJournal {
        what: Spendable::Approval,
    });
    assert_eq!(reserve(&journal, NOW), Ok(()));
    assert_eq!(reserve(&journal, older), predates);
    journal.close().unwrap();
    // Opening it again later does not make it younger.
    clock.advance_ms(60_000);
    let journal = Journal::open(dir.path(), settings_with(clock)).unwrap();
    assert_eq!(reserve(&journal, NOW), Ok(()));
    assert_eq!(reserve(&journal, older), predates);
}

#[test]
fn a_torn_record_spends_nothing_and_the_whole_ones_do() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), settings()).unwrap();
    call(&journal, 1).unwrap();
    let copy = crashed(&journal);
    let segment = crate::fixture::segment(copy.path());
    let bytes = std::fs::read(&segment).unwrap();
    let whole = bytes.len();
    // Every length from the decision's last byte back to where its outcome is cut.
    let text = String::from_utf8(bytes.clone()).unwrap();
    let outcome = text.find(r#"{"v":1,"index":2"#).unwrap();
    for (length, expected) in [
        (whole, (Some(1), Some(10))),
        (whole - 1, (Some(1), None)),
        (outcome, (Some(1), None)),
        (outcome - 1, (None, None)),
    ] {
        let cut = crate::fixture::copy(copy.path());
        std::fs::write(crate::fixture::segment(cut.path()), &bytes[..length]).unwrap();
        assert_eq!(spent(&open(cut.path())), expected, "cut at {length}");
    }
}

#[test]
fn the_page_states_every_bound_as_it_is() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spending.md");
    let page = std::fs::read_to_string(page).unwrap();
    let bounds = [
        ("APPROVALS_MAX", APPROVALS_MAX as u64),
        ("PROOFS_MAX", PROOFS_MAX as u64),
        ("PROOFS_PER_TOKEN_MAX", PROOFS_PER_TOKEN_MAX.into()),
        ("KEYS_MAX", KEYS_MAX as u64),
        ("RUNS_MAX", RUNS_MAX as u64),
        ("CLAIM_ID_BYTES_MAX", CLAIM_ID_BYTES_MAX as u64),
        ("CLAIM_AHEAD_SECONDS_MAX", CLAIM_AHEAD_SECONDS_MAX),
        ("KEY_KEPT_SECONDS", KEY_KEPT_SECONDS),
        ("RUN_KEPT_SECONDS", RUN_KEPT_SECONDS),
    ];
    for (name, value) in bounds {
        let row = format!("| `{name}` | ");
        let (_, rest) = page.split_once(&row).unwrap_or_else(|| panic!("{name}"));
        let (stated, _) = rest.split_once(" |").unwrap();
        assert_eq!(stated.replace(',', ""), value.to_string(), "{name}");
    }
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| `") && line.contains("_"));
    assert_eq!(
        rows.filter(|row| row.contains("MAX") || row.contains("SECONDS"))
            .count(),
        bounds.len()
    );
}

#[test]
fn a_clock_set_back_while_calls_are_recorded_forgets_none_of_them_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let journal = Journal::open(dir.path(), settings_with(clock.clone())).unwrap();
    // The token clock goes on; the records have the time of the wall.
    let nine_days_ms = 9 * 24 * 60 * 60 * 1_000;
    clock.advance_ms(-nine_days_ms);
    call(&journal, 1).unwrap();
    clock.advance_ms(nine_days_ms);
    let crashed = crashed(&journal);
    let next = Journal::open(crashed.path(), settings_with(clock)).unwrap();
    assert_eq!(spent(&next), (Some(1), Some(10)));
    let denied = next.memory().reserve(&claims(2, 1), NOW).unwrap_err();
    assert_eq!(denied, NotReserved::CallsExhausted { limit: 1 });
}
