//! Records as a busy service writes them: a decision of about 700 bytes and its end, in turn.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallpass_journal::{
    CallResult, Decided, Durability, Event, Finished, Journal, JournalName, Settings,
};
use hallpass_keys::Digest;
use hallpass_vocabulary::{
    Actor, Audience, Clock as _, DecisionId, Environment, Impact, RequestId, Route, RunId, Subject,
    SystemClock, Tenant, TokenId, ToolName,
};

/// Far above anything a record takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn open(dir: &Path) -> Journal {
    let environment = Environment::new("prod").unwrap();
    let name = JournalName::new("tickets").unwrap();
    Journal::open(dir, Settings::new(environment, name, Arc::new(SystemClock))).unwrap()
}

fn random(number: u64) -> [u8; 10] {
    let mut random = [7; 10];
    // Spread over all digits, as real ids are.
    random[2..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    random
}

/// The events of call number `number`, decided and finished.
pub fn events(journal: &Journal, number: u64) -> [Event; 2] {
    let now = SystemClock.now();
    let decision = DecisionId::new(now, random(number));
    let digest = journal.digest(&number.to_be_bytes());
    let decided = Decided {
        tenant: Some(Tenant::new("acme").unwrap()),
        run: Some(RunId::new(now, random(number / 50))),
        token: Some(TokenId::new(now, random(number / 10))),
        subject: Some(Subject::new("user:ada.lovelace@example.com").unwrap()),
        actors: vec![Actor::new("agent:support").unwrap()],
        route: Some(Route::new("/support").unwrap()),
        tool: Some(ToolName::new("ticket.search").unwrap()),
        impact: Some(Impact::Read),
        args_digest: Some(digest),
        policy: Some(Digest::of(b"policy")),
        bundle: Some(1_763_724_600_007),
        latency_us: Some(180 + number % 100),
        trace: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        attempt: Some(1),
        ..Decided::allow(
            decision,
            RequestId::new(now, random(number + 1)),
            Environment::new("prod").unwrap(),
            Audience::new("tickets").unwrap(),
        )
    };
    let finished = Finished {
        decision,
        result: CallResult::Ok,
        result_digest: Some(digest),
        duration_ms: number % 40,
        error_class: None,
        spend_usd_micros: None,
        run: None,
        spent: None,
    };
    [Event::Decided(Box::new(decided)), Event::Finished(finished)]
}

/// Writes this many records of a busy service.
pub fn fill(journal: &Journal, records: u64) {
    for number in 0..records / 2 {
        for event in events(journal, number) {
            let recorded = journal.append(&event, Durability::Relaxed).wait(PATIENCE);
            recorded.unwrap();
        }
    }
}
