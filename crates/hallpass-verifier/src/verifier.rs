//! The verifier: pure check, recorded commit, and both in one.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hallpass_args::ToolCall;
use hallpass_bundle::{BundleId, Snapshots, Staleness};
use hallpass_journal::{BundleSeen, Durability, Event, Journal, StopSeen, Text};
use hallpass_vocabulary::{Audience, Clock as _, DenialCode, RequestId, StopId, Timestamp};
use zeroize::Zeroizing;

use crate::cache::TokenCache;
use crate::checked::Checked;
use crate::commit::Commit;
use crate::engine_threads::{Busy, EngineThreads};
use crate::gate::{Drain, Gate};
use crate::ids::Ids;
use crate::judge::{EngineHere, Judge};
use crate::later::later;
use crate::record;
use crate::recording::Recording;
use crate::refusal::{Denial, Denied, Refusal};
use crate::restriction::Watch;
use crate::setup::{Disclosure, Profile, Setup};
use crate::spend::Spend;
use crate::token_clock::TokenClock;

/// Decides tool calls for one service, from what it holds in memory. Cheap to clone; clones are one verifier.
#[derive(Clone)]
pub struct Verifier(pub(crate) Arc<Inner>);

/// Numbers the verifiers of a process.
static VERIFIERS: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Inner {
    /// Tells verifiers of one process apart.
    pub(crate) number: u64,
    pub(crate) judge: Judge,
    pub(crate) disclosure: Disclosure,
    /// Where the engine runs; none in the standard profile.
    engine: Option<EngineThreads>,
    /// Through which every allowed call goes.
    pub(crate) gate: Arc<Gate>,
    pub(crate) spend: Spend,
    pub(crate) recording: Recording,
    pub(crate) journal: Journal,
    pub(crate) snapshots: Arc<Snapshots>,
    pub(crate) clock: TokenClock,
    pub(crate) ids: Ids,
    /// The version of the last bundle on record; 0 for none.
    bundle_noted: AtomicU64,
    /// The stops on record as in force.
    stops_noted: Mutex<BTreeSet<StopId>>,
}

impl Verifier {
    /// A verifier for this service. Denies everything until a first bundle is in its `snapshots`.
    pub fn new(setup: Setup) -> Self {
        Self::with_staleness(setup, Staleness::STANDARD)
    }

    /// With other bounds on how old a bundle may be: longer ones for where bundles come as files, shorter ones for the
    /// cautious.
    pub fn with_staleness(setup: Setup, staleness: Staleness) -> Self {
        Self(Arc::new(Inner {
            number: VERIFIERS.fetch_add(1, Ordering::Relaxed),
            judge: Judge {
                audience: setup.audience,
                environment: setup.environment,
                tenancy: setup.tenancy,
                profile: setup.profile.clone(),
                policy: setup.policy,
                journalled: setup.journalled,
                staleness,
                cache: TokenCache::default(),
            },
            disclosure: setup.disclosure,
            engine: match setup.profile {
                Profile::Extended(_) => Some(EngineThreads::start()),
                Profile::Standard => None,
            },
            gate: Arc::default(),
            spend: setup.spend,
            recording: setup.recording,
            clock: TokenClock::new(setup.clock, Some(setup.journal.clone())),
            journal: setup.journal,
            snapshots: setup.snapshots,
            ids: Ids::new(),
            bundle_noted: AtomicU64::new(0),
            stops_noted: Mutex::default(),
        }))
    }

    /// The service it decides for.
    pub fn audience(&self) -> &Audience {
        &self.0.judge.audience
    }

    /// The clock it judges tokens by. Whatever keeps its bundles fresh takes it, to set it by exchanges with the authority.
    pub fn token_clock(&self) -> TokenClock {
        self.0.clock.clone()
    }

    /// A number for a request that has just arrived.
    pub fn request_id(&self) -> RequestId {
        self.0.ids.request(self.0.clock.now())
    }

    /// Checks a token and a call at a time. Pure: reads no clock, does no I/O, records nothing, permits nothing. In the
    /// extended profile it may run the engine on this thread, for a few milliseconds;
    /// [`authorize`](Verifier::authorize) does not.
    pub fn check(&self, token: Option<&str>, call: ToolCall, now: Timestamp) -> Checked {
        self.check_with(EngineHere::Run, token, call, now)
    }

    fn check_with(
        &self,
        engine: EngineHere,
        token: Option<&str>,
        call: ToolCall,
        now: Timestamp,
    ) -> Checked {
        let judge = &self.0.judge;
        let judged = self.0.snapshots.with_local(|local| {
            self.0.snapshots.with(|snapshot| {
                let judged = judge.judge(token, &call, snapshot, local, now, engine);
                (judged, snapshot.map(|it| *it.high_water().bundle()))
            })
        });
        let (judged, bundle) = judged;
        Checked {
            verifier: self.0.number,
            call,
            now,
            arrived: None,
            token: judged.token,
            impact: judged.impact,
            shown: judged.shown,
            bundle,
            verdict: judged.verdict,
            deferred: judged.deferred,
        }
    }

    /// Records a verdict and answers with a [`Permit`](crate::Permit) or a [`Refusal`]. The record is under way when
    /// this returns; the answer is there when it is written. What another verifier has checked is denied.
    pub fn commit(&self, mut checked: Checked) -> Commit {
        if checked.verifier != self.0.number {
            let detail = "checked by another verifier";
            checked.verdict = Err(Denial::new(DenialCode::Overloaded, detail));
        }
        Commit::begin(&self.0, checked)
    }

    /// Checks and commits, by the token clock. Where the extended profile needs the engine, it runs on a thread of the
    /// verifier's; with too many calls waiting for one, the answer is `overloaded`.
    pub fn authorize(&self, token: Option<&str>, call: ToolCall) -> Commit {
        let arrived = Instant::now();
        let now = self.0.clock.now();
        let mut checked = self.check_with(EngineHere::Defer, token, call, now);
        checked.arrived = Some(arrived);
        match (&self.0.engine, token) {
            (Some(threads), Some(token)) if checked.deferred => {
                self.authorize_elsewhere(threads, token, checked)
            }
            _ => self.commit(checked),
        }
    }

    fn authorize_elsewhere(
        &self,
        threads: &EngineThreads,
        token: &str,
        checked: Checked,
    ) -> Commit {
        let (promise, later) = later();
        let (verifier, text) = (self.clone(), Zeroizing::new(token.to_owned()));
        let (call, now, arrived) = (checked.call.clone(), checked.now, checked.arrived);
        let job = move || {
            // What nobody waits for any more is on record already, and would keep the others waiting.
            if promise.is_awaited() {
                let mut checked = verifier.check(Some(&text), call, now);
                checked.arrived = arrived;
                promise.give(checked);
            }
        };
        match threads.run(job) {
            Ok(()) => Commit::elsewhere(&self.0, later, checked),
            // The verdict that was put off denies `overloaded`.
            Err(Busy) => self.commit(checked),
        }
    }

    /// Lets no more calls begin: from now on, what would be allowed is denied as `draining`. What comes back ends when no call
    /// is under way any more. For a service that is told to stop; a verifier does not take calls again.
    pub fn drain(&self) -> Drain {
        self.0.gate.close();
        Drain(Arc::clone(&self.0.gate))
    }

    /// Whether it was told to let no more calls begin.
    pub fn is_draining(&self) -> bool {
        self.0.gate.is_closed()
    }

    /// How many calls are under way: allowed, or about to be, and their permits neither finished nor dropped.
    pub fn open_permits(&self) -> u64 {
        self.0.gate.inside()
    }

    /// Refuses a request that is no tool call, such as one with a body that is not JSON. Recorded like every refusal
    /// that happens before a token is known: singly up to a rate, counted beyond it, never waited for.
    pub fn refuse(&self, code: DenialCode, detail: &str) -> Refusal {
        let now = self.0.clock.now();
        let (decision, request) = (self.0.ids.decision(now), self.0.ids.request(now));
        let denial = Denial::new(code, detail);
        let record = record::unreadable(&self.0, decision, request, &denial);
        self.0.journal.refuse(record);
        Refusal::Denied(Denied::disclosed(decision, &denial, self.0.disclosure))
    }
}

impl Inner {
    /// Records that a bundle came into use, once for each.
    pub(crate) fn note_bundle(&self, bundle: &BundleId) {
        if self
            .bundle_noted
            .fetch_max(bundle.version, Ordering::Relaxed)
            < bundle.version
        {
            let seen = Event::BundleSeen(BundleSeen {
                version: bundle.version,
                digest: bundle.digest,
            });
            drop(self.journal.append(&seen, Durability::Relaxed));
            self.note_stops();
        }
    }

    /// Records the stops that have come and those that have gone since the bundle on record before.
    fn note_stops(&self) {
        let Some(snapshot) = self.snapshots.load() else {
            return;
        };
        let now: BTreeSet<StopId> = snapshot.stops().iter().map(|stop| stop.id).collect();
        // A panic while it was held cannot have left it half-changed: it is replaced whole.
        let noted = self.stops_noted.lock();
        let mut noted = noted.unwrap_or_else(PoisonError::into_inner);
        let record = |stop, about: Option<String>| {
            let event = Event::StopSeen(StopSeen {
                stop,
                about: about.as_deref().map(Text::new),
            });
            drop(self.journal.append(&event, Durability::Relaxed));
        };
        let come = snapshot.stops().iter();
        for stop in come.filter(|stop| !noted.contains(&stop.id)) {
            record(stop.id, Some(stop.selector.to_string()));
        }
        for gone in noted.difference(&now) {
            record(*gone, None);
        }
        *noted = now;
    }

    pub(crate) fn watch(&self) -> Watch {
        Watch {
            snapshots: Arc::clone(&self.snapshots),
            clock: self.clock.clone(),
        }
    }
}
