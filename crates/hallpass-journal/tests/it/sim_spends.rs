//! Approvals and calls of a run, spent while the disk breaks: what was acknowledged as spent stays spent.

use std::sync::Mutex;
use std::time::Duration;

use hallpass_journal::memory::{ClaimId, Claims, RunBudget, SingleUse};
use hallpass_journal::{AppendError, Claimed, Decided, Durability, Event, Journal, Recorded};
use hallpass_vocabulary::{Audience, RunId, Timestamp};

use crate::fixture::{PATIENCE, START_MS, decision, environment, request};
use crate::scenario::{Ack, Answers, note};

/// How long an approval is good for.
const GOOD_FOR: Duration = Duration::from_secs(600);

/// What one record spends.
#[derive(Debug, Clone, Copy)]
pub struct Spend {
    at: Timestamp,
    /// Calls of the run, with this one.
    calls: u64,
}

fn run() -> RunId {
    RunId::new(Timestamp::from_unix_ms(START_MS), [4; 10])
}

fn claims(number: u64, at: Timestamp) -> Claims {
    Claims {
        approval: Some(SingleUse {
            id: ClaimId::new(&format!("apr-{number}")).unwrap(),
            created: at,
            until: at.after(GOOD_FOR),
        }),
        run: Some(RunBudget {
            run: run(),
            calls: Some(u64::MAX),
            usd_micros: None,
        }),
        ..Claims::default()
    }
}

/// Uses an approval and a call of the run, as a verifier does.
pub fn spend(
    journal: &Journal,
    answers: &Mutex<Answers>,
    now: Timestamp,
    number: u64,
    durability: Durability,
) -> Result<Recorded, AppendError> {
    // By a clock that never steps back, as verifiers have.
    let at = journal.latest_time().map_or(now, |latest| latest.max(now));
    let claims = claims(number, at);
    let reservation = journal.memory().reserve(&claims, at).unwrap();
    let audience = Audience::new("tickets").unwrap();
    let mut record = Decided::allow(decision(number), request(), environment(), audience);
    record.run = Some(run());
    record.approval = claims.approval.map(|used| Claimed {
        id: used.id,
        until: used.until,
    });
    record.spent = reservation.spent();
    let spent = Spend {
        at,
        calls: record.spent.and_then(|spent| spent.calls).unwrap(),
    };
    let event = Event::Decided(Box::new(record));
    let answer = journal.append(&event, durability).wait(PATIENCE);
    // What may be in the journal is spent.
    if answer.map_or_else(|error| error.is_uncertain(), |_| true) {
        reservation.keep();
    }
    if let Some(ack) = note(&mut answers.lock().unwrap(), number, durability, answer) {
        ack.spend = Some(spent);
    }
    answer
}

/// Nothing of which it was acknowledged that it is spent, and that has not ended since, can be had again.
pub fn are_spent(journal: &Journal, acks: &[Ack]) -> Result<(), String> {
    let Some(now) = journal.latest_time() else {
        return Ok(());
    };
    let calls = journal.memory().spent(run()).and_then(|spent| spent.calls);
    for ack in acks {
        let Some(spend) = ack.spend.filter(|spend| now < spend.at.after(GOOD_FOR)) else {
            continue;
        };
        let again = journal.memory().reserve(&claims(ack.number, spend.at), now);
        if again.is_ok() || calls.is_none_or(|calls| calls < spend.calls) {
            return Err(format!("unspent: {ack:?}, {calls:?} calls"));
        }
    }
    Ok(())
}
