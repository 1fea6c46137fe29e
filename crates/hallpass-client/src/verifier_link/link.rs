//! One round of the link: enrol where that is needed, report, ship.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_bundle::Snapshots;
use hallpass_journal::Journal;
use hallpass_journal::shipping;
use hallpass_keys::random_bytes;
use hallpass_vocabulary::{Clock, Impact, Timestamp};
use serde_json::json;

use super::exchange::Exchange;
use super::identity::{self, Registration, origin_of};
use super::packing::packed;
use super::proofs::{Claim, Proofs};
use super::{LinkConfig, LinkError, LinkStatus, Present};

/// Stops that one report names; the version of the bundle tells of the others.
const STOPS_MAX: usize = 256;

/// For how long records are shipped before the next report. A long journal is shipped over several.
const SHIP_FOR: Duration = Duration::from_secs(4);

/// The state of the link.
pub(super) struct Link {
    config: LinkConfig,
    journal: Journal,
    snapshots: Arc<Snapshots>,
    present: Box<dyn Fn() -> Present + Send + Sync>,
    exchange: Exchange,
    registration: Registration,
    proofs: Proofs,
    origin: String,
    start: String,
    number: u64,
    heard: Option<Timestamp>,
    answer: Answer,
}

/// What the authority answers to a report.
#[derive(Debug, Clone, Default, serde::Deserialize)]
struct Answer {
    #[serde(default)]
    checkpoint: Option<String>,
    #[serde(default)]
    witnessed: Option<u64>,
    held: u64,
    acknowledged: u64,
    #[serde(default)]
    ship_to: Option<u64>,
}

/// What it answers to a shipment.
#[derive(serde::Deserialize)]
struct Kept {
    held: u64,
    acknowledged: u64,
}

/// What it answers to an enrolment.
#[derive(serde::Deserialize)]
struct Enrolled {
    origin: String,
}

impl Link {
    pub(super) fn new(
        config: LinkConfig,
        journal: Journal,
        snapshots: Arc<Snapshots>,
        clock: Arc<dyn Clock>,
        present: Box<dyn Fn() -> Present + Send + Sync>,
    ) -> Result<Self, LinkError> {
        let environment = &config.trust_root.environment;
        let key = identity::key(&config.state_directory, environment)?;
        let registration = Registration::load(&config.state_directory).map_err(LinkError::State)?;
        let exchange = Exchange::new(
            config.authority.clone(),
            config.trust_root.authority.clone(),
            environment.clone(),
            key,
            clock,
        )?;
        let state = &config.state_directory;
        let verifier = journal.verifier().clone();
        Ok(Self {
            proofs: Proofs::load(state, journal.dir(), verifier),
            origin: origin_of(journal.origin()).unwrap_or_default(),
            start: URL_SAFE_NO_PAD.encode(random_bytes::<16>()?),
            number: 0,
            heard: None,
            answer: Answer::default(),
            config,
            journal,
            snapshots,
            present,
            exchange,
            registration,
        })
    }

    /// The bundle that is known.
    pub(super) fn version(&self) -> Option<u64> {
        self.snapshots.load().map(|known| known.version())
    }

    fn is_enrolled(&self) -> bool {
        self.registration.origin.as_ref() == Some(&self.origin)
    }

    pub(super) fn describe(&self, status: &mut LinkStatus) {
        status.enrolled = self.is_enrolled();
        status.last_heard = self.heard;
        status.witnessed = self.answer.witnessed.unwrap_or(0);
        status.acknowledged = self.answer.acknowledged;
        status.refused = self.registration.refused;
    }

    /// Says how the verifier is, and ships what is to be shipped.
    pub(super) async fn tick(&mut self) -> Result<(), LinkError> {
        if !self.is_enrolled() {
            self.enrol().await?;
        }
        let claim = self.claim(self.answer.witnessed.unwrap_or(self.proofs.size()))?;
        let claim = match self.report(claim).await? {
            // The authority was put back to an earlier state, or had a later one than is known here.
            Some(claim) if self.answer.checkpoint.as_deref() == Some("unproven") => {
                drop(claim);
                let claim = self.claim(self.answer.witnessed.unwrap_or(0))?;
                self.report(claim).await?
            }
            claim => claim,
        };
        if let Some(claim) = claim
            && matches!(
                self.answer.checkpoint.as_deref(),
                Some("same" | "witnessed")
            )
        {
            self.proofs.is_witnessed(claim);
        }
        self.ship().await
    }

    /// The newest checkpoint; none once the authority said that the journal is not what it saw.
    fn claim(&self, older: u64) -> Result<Option<Claim>, LinkError> {
        if self.registration.refused {
            return Ok(None);
        }
        // In the background, and what is read is read in a stream.
        let proofs = &self.proofs;
        Ok(Some(blocking(|| proofs.claim(older))?))
    }

    async fn enrol(&mut self) -> Result<(), LinkError> {
        let verifier = self.journal.verifier();
        let signed = blocking(|| shipping::signed(self.journal.dir(), verifier))?;
        let wish = json!({
            "audience": self.config.audience,
            "key": self.exchange.key().verifying_key(),
            "journal": verifier.to_string(),
            "checkpoint": signed.note,
        });
        let mut told = Err(LinkError::NotEnrolled);
        let proofs = [
            ("predecessor", self.registration.origin.clone()),
            ("code", self.config.code.clone()),
        ];
        for (member, proof) in proofs {
            let Some(proof) = proof else { continue };
            let mut wish = wish.clone();
            if let Some(members) = wish.as_object_mut() {
                members.insert(member.to_owned(), proof.into());
            }
            let body = wish.to_string().into_bytes();
            let asked =
                self.exchange
                    .post::<Enrolled>("/v1/verifiers", None, "application/json", body);
            told = asked.await;
            if told.is_ok() {
                break;
            }
        }
        let enrolled = told?;
        tracing::info!(
            origin = enrolled.origin,
            "this verifier is known to the authority"
        );
        self.registration = Registration {
            origin: Some(self.origin.clone()),
            refused: false,
        };
        self.save()
    }

    fn save(&self) -> Result<(), LinkError> {
        let directory: &Path = &self.config.state_directory;
        self.registration.save(directory).map_err(LinkError::State)
    }

    /// Reports; gives the checkpoint back that was in it.
    async fn report(&mut self, claim: Option<Claim>) -> Result<Option<Claim>, LinkError> {
        self.number += 1;
        let body = self.body(claim.as_ref()).to_string().into_bytes();
        let path = format!("/v1/verifiers/{}/report", self.origin);
        let answer = self
            .exchange
            .post::<Answer>(&path, None, "application/json", body)
            .await;
        match answer {
            Ok(answer) => {
                self.heard = Some(self.exchange.now());
                self.answer = answer;
                self.acknowledge();
                Ok(claim)
            }
            Err(error) => {
                self.look(&error)?;
                Err(error)
            }
        }
    }

    /// Remembers when the authority says that the journal is not what it saw.
    fn look(&mut self, error: &LinkError) -> Result<(), LinkError> {
        if error.code() != Some("checkpoint_refused") || self.registration.refused {
            return Ok(());
        }
        tracing::error!(
            origin = self.origin,
            "the journal is not what the authority witnessed of it: an older copy was put back, it was altered, or there are \
             two of it; it is set aside at the next start"
        );
        self.registration.refused = true;
        self.save()
    }

    fn body(&self, claim: Option<&Claim>) -> serde_json::Value {
        let present = (self.present)();
        let known = self.snapshots.load();
        let halted = self.snapshots.with_local(|local| local.is_some());
        let journal = self.journal.status();
        let staleness = &self.config.staleness;
        let mode = match (present.draining, halted) {
            (true, _) => "draining",
            (false, true) => "halted",
            (false, false) => "serving",
        };
        let mut body = json!({
            "start": self.start,
            "number": self.number,
            "mode": mode,
            "software": concat!("hallpass/", env!("CARGO_PKG_VERSION")),
            "staleness": {
                "destructive": staleness.bound(Impact::Destructive).as_secs(),
                "write": staleness.bound(Impact::Write).as_secs(),
                "read": staleness.bound(Impact::Read).as_secs(),
            },
            "journal": {
                "records": journal.written,
                "bytes": bytes_of(self.journal.dir()),
                "writable": journal.broken.is_none(),
            },
            "more_calls": present.calls_in_flight,
        });
        let Some(members) = body.as_object_mut() else {
            return body;
        };
        if let Some(known) = known {
            let bundle = json!({"version": known.version(), "heartbeat": known.heartbeat()});
            let stops = known.stops().iter().take(STOPS_MAX);
            let stops: Vec<String> = stops.map(|stop| stop.id.to_string()).collect();
            members.insert("bundle".to_owned(), bundle);
            members.insert("stops".to_owned(), stops.into());
        }
        if let Some(claim) = claim {
            members.insert("checkpoint".to_owned(), json!(claim));
        }
        body
    }

    fn acknowledge(&self) {
        if let Some(last) = self.answer.acknowledged.checked_sub(1) {
            self.journal.acknowledge(last);
        }
    }

    /// Ships records for some seconds; the next round goes on.
    async fn ship(&mut self) -> Result<(), LinkError> {
        let began = Instant::now();
        let path = format!("/v1/verifiers/{}/records", self.origin);
        while let Some(below) = self.answer.ship_to
            && self.answer.held < below
            && began.elapsed() < SHIP_FOR
            && !self.registration.refused
        {
            let dir = self.journal.dir().to_owned();
            let mut from = self.answer.held;
            let mut query = format!("from={from}");
            let first = blocking(|| shipping::first_tree(&dir))?;
            if from == 0 && first.size() > 0 {
                from = first.size();
                let hashes = URL_SAFE_NO_PAD.encode(first.frontier().as_flattened());
                query = format!("from={from}&frontier={hashes}");
            }
            let lines = tokio::task::spawn_blocking(move || packed(&dir, from, below)).await;
            let lines = lines.map_err(|_| LinkError::Stopping)??;
            let kept = self
                .exchange
                .post::<Kept>(&path, Some(&query), "application/gzip", lines)
                .await;
            match kept {
                Ok(kept) => {
                    self.answer.held = kept.held;
                    self.answer.acknowledged = kept.acknowledged;
                    self.acknowledge();
                }
                Err(error) => {
                    self.look(&error)?;
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// Bytes of all records.
fn bytes_of(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let records = entries.filter(|entry| {
        entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    records
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}

/// Reads a disk where that may block others for a moment; on a runtime of one thread there is no other place.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
