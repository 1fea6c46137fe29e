//! A verifier as the authority sees it: a key, a journal, and signed requests.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use hallpass_journal::merkle::Tree;
use hallpass_journal::shipping::{self, Signed};
use hallpass_journal::{Abandoned, Durability, Event, Journal, JournalName, Settings};
use hallpass_keys::note::NoteVerifier;
use hallpass_keys::{Purpose, SigningKey};
use hallpass_vocabulary::{Clock, DecisionId, Environment};
use serde_json::{Value, json};

use crate::fixture::{Answer, Home, Running, SOON};
use crate::signing::{Call, headers};

/// A verifier of the service `tickets`.
pub struct TestVerifier {
    pub directory: tempfile::TempDir,
    pub key: SigningKey,
    pub start: String,
    pub number: u64,
    pub clock: Arc<dyn Clock>,
}

impl TestVerifier {
    pub fn new(home: &Home, seed: u8) -> Self {
        let it = Self {
            directory: tempfile::tempdir().unwrap(),
            key: key(seed),
            start: format!("start-{seed}"),
            number: 0,
            clock: home.clock.clone(),
        };
        it.write(1);
        it
    }

    pub fn dir(&self) -> &Path {
        self.directory.path()
    }

    /// Opens its journal, writes so many records, and closes it: all of it is signed then.
    pub fn write(&self, records: usize) {
        write(self.dir(), &self.clock, records);
    }

    pub fn journal(&self) -> NoteVerifier {
        shipping::published_key(self.dir()).unwrap()
    }

    pub fn origin(&self) -> String {
        let journal = self.journal();
        journal
            .name()
            .as_str()
            .rsplit_once('/')
            .unwrap()
            .1
            .to_owned()
    }

    pub fn signed(&self) -> Signed {
        shipping::signed(self.dir(), &self.journal()).unwrap()
    }

    /// What it enrols with, by a code.
    pub fn wish(&self, code: &str) -> Value {
        json!({
            "audience": "tickets",
            "key": self.key.verifying_key().to_string(),
            "journal": self.journal().to_string(),
            "checkpoint": self.signed().note,
            "code": code,
        })
    }

    pub async fn enrol(&self, home: &Home, running: &Running) {
        let code = invite(home, running).await;
        let answer = self.send_enrolment(home, running, &self.wish(&code)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json["origin"], self.origin());
    }

    pub async fn send_enrolment(&self, home: &Home, running: &Running, wish: &Value) -> Answer {
        let call = Call::new("POST", "/v1/verifiers").body(&wish.to_string());
        self.send(home, running, &call).await
    }

    /// Any call, signed with its key.
    pub async fn send(&self, home: &Home, running: &Running, call: &Call) -> Answer {
        let headers = headers(call, &self.key, home.clock.now());
        running.send(running.with_headers(call, &headers)).await
    }

    /// The next report, with this checkpoint.
    pub fn report(&mut self, checkpoint: Option<Value>) -> Call {
        self.number += 1;
        let mut report = json!({
            "start": self.start,
            "number": self.number,
            "mode": "serving",
            "bundle": {"version": 7, "heartbeat": self.clock.now()},
            "journal": {"records": 3, "signed": 3, "bytes": 700, "writable": true},
        });
        if let Some(checkpoint) = checkpoint {
            report["checkpoint"] = checkpoint;
        }
        let path = format!("/v1/verifiers/{}/report", self.origin());
        Call::new("POST", &path).body(&report.to_string())
    }

    /// Its newest checkpoint, with the proof that it goes on from one of so many records.
    pub fn claim(&self, older: u64) -> Value {
        let signed = self.signed();
        let proof = if older == 0 {
            Vec::new()
        } else {
            let before = shipping::extended(self.dir(), &Tree::new(), older).unwrap();
            let size = signed.checkpoint.size;
            shipping::consistency(self.dir(), &before, size).unwrap().0
        };
        let proof: Vec<String> = proof.iter().map(|hash| STANDARD.encode(hash)).collect();
        json!({"note": signed.note, "older": older, "proof": proof})
    }

    pub async fn witness(&mut self, home: &Home, running: &Running, older: u64) -> Answer {
        let claim = self.claim(older);
        let call = self.report(Some(claim));
        self.send(home, running, &call).await
    }

    /// Lines of its journal.
    pub fn lines(&self, from: u64, below: u64) -> Vec<u8> {
        shipping::lines(self.dir(), from, below, usize::MAX).unwrap()
    }

    pub async fn ship(&self, home: &Home, running: &Running, from: u64, lines: &[u8]) -> Answer {
        let path = format!("/v1/verifiers/{}/records", self.origin());
        let call = Call {
            method: "POST",
            path,
            query: Some(format!("from={from}")),
            body: packed(lines),
        };
        self.send(home, running, &call).await
    }
}

pub fn key(seed: u8) -> SigningKey {
    let dev = Environment::new("dev").unwrap();
    SigningKey::from_seed(Purpose::Verifier, dev, [seed; 32])
}

/// A code for a verifier of `tickets`.
pub async fn invite(home: &Home, running: &Running) -> String {
    let call = Call::new("POST", "/v1/verifiers/codes").body("{\"audience\":\"tickets\"}");
    let answer = running.as_operator(home, "admin", &call).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json["code"].as_str().unwrap().to_owned()
}

pub fn packed(lines: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(lines).unwrap();
    packer.finish().unwrap()
}

pub fn write(dir: &Path, clock: &Arc<dyn Clock>, records: usize) {
    let dev = Environment::new("dev").unwrap();
    let name = JournalName::new("tickets").unwrap();
    let journal = Journal::open(dir, Settings::new(dev, name, Arc::clone(clock))).unwrap();
    for n in 0..records {
        let n = u8::try_from(n).unwrap();
        let decision = DecisionId::new(clock.now(), [n; 10]);
        let event = Event::Abandoned(Abandoned { decision });
        journal
            .append(&event, Durability::Durable)
            .wait(SOON)
            .unwrap();
    }
    journal.close().unwrap();
}

/// Copies a journal with its keys, as whoever copies a state directory does.
pub fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Long enough that a nonce is forgotten and a code is over.
pub const LATER: Duration = Duration::from_secs(901);
