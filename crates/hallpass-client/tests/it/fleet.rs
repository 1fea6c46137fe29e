//! From the moment a stop is signed until every verifier of a fleet denies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hallpass_args::{Arguments, ToolCall};
use hallpass_bundle::Restrictions;
use hallpass_client::{BundleMode, BundleSource};
use hallpass_journal::{Journal, JournalName, Settings};
use hallpass_keys::Digest;
use hallpass_token::{Grant, GrantSpec, NextSecret, TokenText, mint};
use hallpass_verifier::{
    Disclosure, JournalledArguments, Profile, Recording, ServicePolicy, Setup, Spend, Tenancy,
    Verifier,
};
use hallpass_vocabulary::{DenialCode, ProofRule, RequestId, RunId, SubjectAssurance, TokenId};

use crate::authority::{NOW, environment, run_key};
use crate::live::{Events, Live};
use crate::pushing::stopping;

/// How many verifiers there are.
fn size() -> usize {
    std::env::var("HALLPASS_FLEET").map_or(40, |text| text.parse().unwrap())
}

fn token() -> TokenText {
    let spec = GrantSpec {
        token: TokenId::new(NOW, [1; 10]),
        run: RunId::new(NOW, [2; 10]),
        tenant: "acme".parse().unwrap(),
        environment: environment(),
        subject: "user:alice".parse().unwrap(),
        assurance: SubjectAssurance::Asserted,
        actor: "agent:support-bot".parse().unwrap(),
        client: "orchestrator".parse().unwrap(),
        route: "/support/draft".parse().unwrap(),
        roles: BTreeSet::new(),
        audiences: BTreeSet::from(["tickets".parse().unwrap()]),
        tools: BTreeSet::from(["kb.search".parse().unwrap()]),
        needs_approval: BTreeSet::new(),
        budgets: BTreeMap::new(),
        holder: None,
        proof: ProofRule::Waived,
        policy: Digest::of(b"policy"),
        issued: NOW,
        expires: NOW.after(Duration::from_secs(900)),
        break_glass: None,
    };
    let next = NextSecret::from_random([9; 32]);
    mint(&Grant::new(spec).unwrap(), &[], &run_key(), &[], next).unwrap()
}

fn call() -> ToolCall {
    ToolCall {
        audience: "tickets".parse().unwrap(),
        tool: "kb.search".parse().unwrap(),
        args: Arguments::none(),
        request_id: RequestId::new(NOW, [3; 10]),
        idempotency_key: None,
        trace: None,
        attempt: None,
    }
}

struct Fleet {
    live: Arc<Live>,
    members: Vec<(Verifier, BundleSource)>,
    token: TokenText,
    _directory: tempfile::TempDir,
}

impl Fleet {
    async fn start(live: Arc<Live>, push: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(live.clock.clone());
        let name = JournalName::new("tickets").unwrap();
        let settings = Settings::new(environment(), name, clock.clone());
        let journal = Journal::open(directory.path(), settings).unwrap();
        let mut members = Vec::new();
        for _ in 0..size() {
            let mut config = live.source();
            config.push = push;
            let snapshots = Arc::new(hallpass_bundle::Snapshots::empty());
            config.snapshots = Some(Arc::clone(&snapshots));
            let verifier = Verifier::new(Setup {
                audience: "tickets".parse().unwrap(),
                environment: environment(),
                tenancy: Tenancy::Many,
                policy: ServicePolicy::none(),
                journalled: JournalledArguments::none(),
                disclosure: Disclosure::Code,
                profile: Profile::Standard,
                spend: Spend::ThisJournal,
                recording: Recording::standard(),
                journal: journal.clone(),
                snapshots,
                clock: clock.clone(),
            });
            let source = BundleSource::start(config, verifier.token_clock())
                .await
                .unwrap();
            members.push((verifier, source));
        }
        Self {
            live,
            members,
            token: token(),
            _directory: directory,
        }
    }

    fn denial(&self, verifier: &Verifier) -> Option<DenialCode> {
        let now = hallpass_vocabulary::Clock::now(&verifier.token_clock());
        verifier
            .check(Some(self.token.expose()), call(), now)
            .denial()
    }

    /// Waits until every verifier gives this answer, and says how long each took.
    async fn all(&self, answer: Option<DenialCode>, since: Instant) -> Vec<Duration> {
        let mut took = vec![None; self.members.len()];
        while took.iter().any(Option::is_none) {
            for ((verifier, _), took) in self.members.iter().zip(&mut took) {
                if took.is_none() && self.denial(verifier) == answer {
                    *took = Some(since.elapsed());
                }
            }
            assert!(since.elapsed() < Duration::from_secs(60), "{took:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let mut took: Vec<Duration> = took.into_iter().flatten().collect();
        took.sort_unstable();
        took
    }

    async fn stop_and_measure(&self, rounds: u32) -> Vec<Duration> {
        let mut all = Vec::new();
        self.all(None, Instant::now()).await;
        for _ in 0..rounds {
            let signed = Instant::now();
            self.live.restrict(stopping("tenant:acme"), true);
            all.extend(self.all(Some(DenialCode::Stopped), signed).await);
            self.live.restrict(Restrictions::default(), true);
            self.all(None, Instant::now()).await;
        }
        all.sort_unstable();
        all
    }

    async fn all_in(&self, mode: BundleMode) {
        let started = Instant::now();
        while self.members.iter().any(|(_, it)| it.status().mode != mode) {
            assert!(started.elapsed() < Duration::from_secs(60));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn print(what: &str, took: &[Duration]) -> Duration {
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
    println!(
        "{what}: {} stops seen, p50 {:?}, p99 {:?}, slowest {:?}",
        took.len(),
        at(50),
        at(99),
        took.last().unwrap()
    );
    at(99)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_is_pushed_is_in_force_within_a_second() {
    let live = Live::start().await;
    live.keep_beating(Duration::from_secs(2));
    let fleet = Fleet::start(live, true).await;
    fleet.all_in(BundleMode::Push).await;
    let took = fleet.stop_and_measure(5).await;
    assert!(print("push", &took) <= Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_is_asked_for_is_in_force_within_six_seconds() {
    let live = Live::start().await;
    live.offer(|offers| offers.events = Events::No);
    let fleet = Fleet::start(live, false).await;
    fleet.all_in(BundleMode::Poll).await;
    let took = fleet.stop_and_measure(1).await;
    assert!(print("poll", &took) <= Duration::from_secs(6));
}
