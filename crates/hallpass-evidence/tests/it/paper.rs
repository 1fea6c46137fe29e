//! Journals on paper: records as lines, with no directory and no key.

use hallpass_journal::read::{Lines, Record};
use hallpass_journal::{
    CallResult, Decided, Event, Finished, Minted, Opened, RunEnded, Spent, Text, Verdict,
};
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_vocabulary::{
    DecisionId, DenialCode, ProofRule, RequestId, RunId, SubjectAssurance, Timestamp, TokenId,
};

/// 2026-11-21T09:30:00Z.
pub const NOON: i64 = 1_795_253_400;

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(NOON + seconds)
}

pub fn token(number: u8) -> TokenId {
    TokenId::new(at(0), [number; 10])
}

pub fn run(number: u8) -> RunId {
    RunId::new(at(0), [number; 10])
}

pub fn decision(number: u16) -> DecisionId {
    let [high, low] = number.to_be_bytes();
    DecisionId::new(at(0), [high, low, 0, 0, 0, 0, 0, 0, 0, 0])
}

/// Records of one journal, one a second from its opening on.
pub struct Paper {
    pub lines: Vec<String>,
    next: u64,
    now: i64,
}

impl Paper {
    /// A journal of this origin, signed by the key of this seed.
    pub fn new(origin: &str, seed: u8) -> Self {
        let mut paper = Self::without_opening(0);
        paper.add(&opened(origin, seed));
        paper
    }

    /// One of which the records before this are not here.
    pub fn without_opening(first: u64) -> Self {
        Self {
            lines: Vec::new(),
            next: first,
            now: 0,
        }
    }

    pub fn at(mut self, seconds: i64) -> Self {
        self.now = seconds;
        self
    }

    pub fn with(mut self, event: Event) -> Self {
        self.add(&event);
        self
    }

    /// Leaves out records.
    pub fn skip(mut self, records: u64) -> Self {
        self.next += records;
        self
    }

    fn add(&mut self, event: &Event) {
        let json = serde_json::to_string(event).unwrap();
        let (index, time) = (self.next, at(self.now));
        let line = format!(
            "{{\"v\":1,\"index\":{index},\"time\":\"{time}\",{}",
            &json[1..]
        );
        self.lines.push(line);
        (self.next, self.now) = (index + 1, self.now + 1);
    }

    pub fn records(&self) -> Vec<Record> {
        let text: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        let records = Lines::new(text.as_bytes());
        records
            .map(|record| record.unwrap_or_else(|error| panic!("{error}\n{text}")))
            .collect()
    }
}

pub fn opened(origin: &str, seed: u8) -> Event {
    let key = SigningKey::from_seed(Purpose::Journal, "dev".parse().unwrap(), [seed; 32]);
    Event::Opened(Box::new(Opened {
        origin: origin.to_owned(),
        public_key: key.verifying_key(),
        software: Text::new("hallpass/test"),
        previous_size: 0,
        boot: None,
    }))
}

pub fn minted(number: u8) -> Minted {
    let run_key = SigningKey::from_seed(Purpose::Run, "dev".parse().unwrap(), [1; 32]);
    Minted {
        token: token(number),
        run: run(number),
        client: "desk".parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        env: "dev".parse().unwrap(),
        subject: "user:alice".parse().unwrap(),
        assurance: SubjectAssurance::Asserted,
        actor: "agent:bot".parse().unwrap(),
        route: "/support/send".parse().unwrap(),
        audiences: vec!["tickets".parse().unwrap()],
        tools: vec!["tickets.get".parse().unwrap()],
        needs_approval: vec!["ticket.update".parse().unwrap()],
        roles: Vec::new(),
        proof: ProofRule::Waived,
        issued: at(0),
        expires: at(600),
        policy: Digest::of(b"policy"),
        key: run_key.verifying_key().id(),
        idempotency_key: None,
        request_digest: None,
        token_digest: None,
        credential: None,
        caveats: Vec::new(),
        budgets: None,
        holder: None,
        parent: None,
        run_ends: None,
        subject_until: None,
        labels: Default::default(),
    }
}

pub fn mint(minted: Minted) -> Event {
    Event::Minted(Box::new(minted))
}

pub fn ended(number: u8) -> Event {
    Event::RunEnded(RunEnded {
        run: run(number),
        client: None,
        by: None,
        reason: None,
    })
}

/// An allowed call with the token of this number.
pub fn allowed(call: u16, number: u8) -> Decided {
    let request = RequestId::new(at(0), [1; 10]);
    let mut decided = Decided::allow(
        decision(call),
        request,
        "dev".parse().unwrap(),
        "tickets".parse().unwrap(),
    );
    decided.tenant = Some("acme".parse().unwrap());
    decided.run = Some(run(number));
    decided.token = Some(token(number));
    decided.subject = Some("user:alice".parse().unwrap());
    decided.actors = vec!["agent:bot".parse().unwrap()];
    decided.route = Some("/support/send".parse().unwrap());
    decided.tool = Some("tickets.get".parse().unwrap());
    decided
}

pub fn denied(call: u16, number: u8, code: DenialCode) -> Decided {
    let mut decided = allowed(call, number);
    decided.verdict = Verdict::Deny;
    decided.code = Some(code);
    decided
}

pub fn decided(decided: Decided) -> Event {
    Event::Decided(Box::new(decided))
}

pub fn finished(call: u16, cost: Option<u64>) -> Event {
    Event::Finished(Finished {
        decision: decision(call),
        result: CallResult::Ok,
        result_digest: None,
        duration_ms: 1,
        error_class: None,
        spend_usd_micros: cost,
        run: None,
        spent: None,
    })
}

pub fn spent(calls: Option<u64>, usd_micros: Option<u64>) -> Spent {
    Spent { calls, usd_micros }
}
