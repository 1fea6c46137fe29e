//! What the tests of the memory start from.

mod law;
mod recalling;
mod rules;

use std::time::Duration;

use super::*;
use crate::line::{Body, Head, TimeText};
use crate::scan::Visited;
use crate::{ArgumentsDigest, CallResult, Claimed, Decided, Event, Finished, KeyKept, Text};
use hallpass_vocabulary::{RequestId, TokenId};

const START: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);

fn at(seconds: u64) -> Timestamp {
    START.after(Duration::from_secs(seconds))
}

fn id(text: &str) -> ClaimId {
    ClaimId::new(text).unwrap()
}

fn decision(n: u8) -> DecisionId {
    DecisionId::new(START, [n; 10])
}

fn token(n: u8) -> TokenId {
    TokenId::new(START, [n; 10])
}

fn run(n: u8) -> RunId {
    RunId::new(START, [n; 10])
}

fn args(n: u8) -> ArgumentsDigest {
    format!("hmac-sha256:{}", hex::encode([n; 32]))
        .parse()
        .unwrap()
}

fn single(name: &str, created: u64, until: u64) -> SingleUse {
    SingleUse {
        id: id(name),
        created: at(created),
        until: at(until),
    }
}

fn approval(name: &str) -> Claims {
    Claims {
        approval: Some(single(name, 0, 300)),
        ..Claims::default()
    }
}

fn proof(of: u8, name: &str) -> Claims {
    Claims {
        proof: Some(ProofUse {
            token: token(of),
            proof: single(name, 0, 60),
        }),
        ..Claims::default()
    }
}

fn key(name: &str, of: u8) -> Claims {
    Claims {
        key: Some(KeyClaim {
            tenant: "acme".parse().unwrap(),
            subject: "user:alice".parse().unwrap(),
            key: id(name),
            decision: decision(of),
            tool: "ticket.close".parse().unwrap(),
            args: args(1),
        }),
        ..Claims::default()
    }
}

fn budget(of: u8, calls: Option<u64>, usd_micros: Option<u64>) -> Claims {
    Claims {
        run: Some(RunBudget {
            run: run(of),
            calls,
            usd_micros,
        }),
        ..Claims::default()
    }
}

/// The memory of a journal that was created at [`START`].
fn memory() -> Memory {
    let memory = Memory::default();
    memory.lock().created_not_before(START);
    memory
}

fn recall(memory: &Memory, index: u64, time: Timestamp, event: &Event) {
    let mut line = Vec::new();
    let body = Body::of(event).unwrap();
    body.write_line(index, &TimeText::of(time), &mut line);
    recall_line(memory, line.strip_suffix(b"\n").unwrap());
}

fn recall_line(memory: &Memory, line: &[u8]) {
    let head = Head::parse(line).unwrap();
    memory.recall(&Visited { head, line }, None);
}

/// The record of an allowed call that used these.
fn decided(n: u8, claims: &Claims, spent: Option<Spent>, now: Timestamp) -> Event {
    let request = RequestId::new(START, [1; 10]);
    let env = "test".parse().unwrap();
    let mut record = Decided::allow(decision(n), request, env, "tickets".parse().unwrap());
    let claimed = |used: &SingleUse| Claimed {
        id: used.id.clone(),
        until: used.until,
    };
    record.approval = claims.approval.as_ref().map(claimed);
    if let Some(used) = &claims.proof {
        record.token = Some(used.token);
        record.proof = Some(claimed(&used.proof));
    }
    if let Some(claim) = &claims.key {
        record.tenant = Some(claim.tenant.clone());
        record.subject = Some(claim.subject.clone());
        record.tool = Some(claim.tool.clone());
        record.args_digest = Some(claim.args);
        record.idempotency_key = Some(Text::new(claim.key.as_str()));
        let until = now.after(Duration::from_secs(KEY_KEPT_SECONDS));
        record.idempotency = Some(KeyKept { until });
    }
    record.run = claims.run.map(|claim| claim.run);
    record.spent = spent;
    Event::Decided(Box::new(record))
}

fn finished(n: u8, of: u8, spent: Option<Spent>) -> Event {
    Event::Finished(Finished {
        decision: decision(n),
        result: CallResult::Ok,
        result_digest: None,
        duration_ms: 1,
        error_class: None,
        spend_usd_micros: None,
        run: Some(run(of)),
        spent,
    })
}

fn calls(count: u64) -> Option<Spent> {
    Some(Spent {
        calls: Some(count),
        usd_micros: None,
    })
}

/// What a snapshot of this memory makes of another.
fn snapshot(from: &Memory, to: &Memory) {
    let mut lines = Vec::new();
    from.write_entries(&mut lines);
    for line in lines.split(|byte| *byte == b'\n') {
        if !line.is_empty() {
            to.recall_entry(line).unwrap();
        }
    }
}
