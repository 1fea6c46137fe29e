//! An authority of fixed keys at a fixed time, and a tickets service that believes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hallpass_bundle::{
    Bundle, BundleDraft, Heartbeat, KeyState, Published, Restrictions, Role, Root, RootDraft,
    Snapshot, Snapshots, TokenKey, TokenPurpose, accept,
};
use hallpass_journal::{Journal, JournalName, Settings};
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_testkit::{FixedClock, TempDir};
use hallpass_token::{Caveat, Grant, GrantSpec, NextSecret, UnverifiedToken, mint};
use hallpass_verifier::{Disclosure, ServicePolicy, Setup, Tenancy, Verifier};
use hallpass_vocabulary::{
    Audience, AuthorityId, Catalogue, Environment, Impact, ProofRule, RunId, SubjectAssurance,
    Timestamp, TokenId, Tool, ToolName,
};
use serde_json::Value;
use tickets_service::Store;

use crate::http::{Answer, Call, send};

/// 2026-11-21T09:30:10Z, the time of the published token vectors.
pub const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_253_410);

/// Seeds of the keys the bundle lists; the first is the one the published vectors are signed with.
pub const RUN_KEY: u8 = 1;
pub const STAGING_KEY: u8 = 2;
pub const BREAK_GLASS_KEY: u8 = 3;
pub const TAINTED_KEY: u8 = 4;
/// The seed of a key nobody lists.
pub const STRANGER_KEY: u8 = 5;

pub fn environment(name: &str) -> Environment {
    Environment::new(name).unwrap()
}

fn key(purpose: Purpose, of: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(purpose, environment(of), [seed; 32])
}

pub fn names<T: std::str::FromStr + Ord>(names: &[&str]) -> BTreeSet<T> {
    names
        .iter()
        .map(|name| name.parse().ok().unwrap())
        .collect()
}

/// What the authority published at `time`.
fn snapshot(time: Timestamp) -> Snapshot {
    restricted(time, Restrictions::default())
}

/// The same with something that is to be denied.
pub fn restricted(time: Timestamp, restrictions: Restrictions) -> Snapshot {
    let (root_key, bundle_key, heartbeat_key) = (
        key(Purpose::Root, "dev", 90),
        key(Purpose::Bundle, "dev", 91),
        key(Purpose::Heartbeat, "dev", 92),
    );
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    let draft = RootDraft {
        authority: AuthorityId::new("hallpass.test").unwrap(),
        environment: environment("dev"),
        root: Role::single(root_key.verifying_key()),
        bundle: Role::single(bundle_key.verifying_key()),
        heartbeat: Role::single(heartbeat_key.verifying_key()),
        expires: NOW.after(year),
    };
    let root = Root::first(draft, NOW).unwrap();
    let token_key = |seed, of: &str, purpose, state| TokenKey {
        key: key(Purpose::Run, of, seed).verifying_key(),
        environment: environment(of),
        purpose,
        state,
    };
    let tool = |name, audience, impact| {
        Tool::new(
            ToolName::new(name).unwrap(),
            Audience::new(audience).unwrap(),
            impact,
        )
    };
    let draft = BundleDraft {
        token_keys: vec![
            token_key(RUN_KEY, "dev", TokenPurpose::Run, KeyState::Active),
            token_key(STAGING_KEY, "staging", TokenPurpose::Run, KeyState::Active),
            token_key(
                BREAK_GLASS_KEY,
                "dev",
                TokenPurpose::BreakGlass,
                KeyState::Active,
            ),
            token_key(TAINTED_KEY, "dev", TokenPurpose::Run, KeyState::Tainted),
        ],
        approval_keys: vec![],
        catalogue: Catalogue::new([
            tool("kb.search", "tickets", Impact::Read),
            tool("tickets.get", "tickets", Impact::Read),
            tool("ticket.update", "tickets", Impact::Write),
            tool("ticket.close", "tickets", Impact::Destructive),
            // In the catalogue, and no handler for it in the service.
            tool("ticket.merge", "tickets", Impact::Read),
            tool("mail.send", "mailer", Impact::Write),
        ])
        .unwrap(),
        policy: Digest::of(b"policy"),
        expires: NOW.after(year),
        restrictions,
        operators: Vec::new(),
        verifiers: Vec::new(),
    };
    let bundle = Bundle::new(&root, draft, None, time)
        .unwrap()
        .sign(&root, &[&bundle_key])
        .unwrap();
    let heartbeat = Heartbeat::new(&bundle, time)
        .sign(&root, &[&heartbeat_key])
        .unwrap();
    let roots = vec![root.sign(None, &[&root_key]).unwrap()];
    let published = Published::new(roots, &bundle, heartbeat).to_json().unwrap();
    accept(&published, &root.trust_root(), None, time).unwrap()
}

fn grant() -> GrantSpec {
    GrantSpec {
        token: TokenId::new(NOW, [1; 10]),
        run: RunId::new(NOW, [2; 10]),
        tenant: "acme".parse().unwrap(),
        environment: environment("dev"),
        subject: "user:alice".parse().unwrap(),
        assurance: SubjectAssurance::Asserted,
        actor: "agent:support-bot".parse().unwrap(),
        client: "demo-orchestrator".parse().unwrap(),
        route: "/support/draft".parse().unwrap(),
        roles: BTreeSet::new(),
        audiences: names(&["tickets"]),
        tools: names(&["kb.search", "tickets.get", "ticket.update"]),
        needs_approval: names(&["ticket.close"]),
        budgets: BTreeMap::new(),
        holder: None,
        proof: ProofRule::Waived,
        policy: Digest::of(b"policy"),
        issued: NOW,
        expires: NOW.after(Duration::from_secs(600)),
        break_glass: None,
    }
}

/// The token of a plain run, for reading and updating tickets of acme.
pub fn token() -> String {
    token_with(|_| ())
}

pub fn token_with(change: impl FnOnce(&mut GrantSpec)) -> String {
    token_by(RUN_KEY, change)
}

pub fn token_by(seed: u8, change: impl FnOnce(&mut GrantSpec)) -> String {
    let mut spec = grant();
    change(&mut spec);
    let signer = SigningKey::from_seed(Purpose::Run, spec.environment.clone(), [seed; 32]);
    let next = NextSecret::from_random([9; 32]);
    let minted = mint(&Grant::new(spec).unwrap(), &[], &signer, &[], next).unwrap();
    minted.expose().to_owned()
}

pub fn narrowed(token: &str, caveat: Caveat) -> String {
    let next = NextSecret::from_random([8; 32]);
    let narrow = UnverifiedToken::parse(token)
        .unwrap()
        .attenuate(&[caveat], next)
        .unwrap();
    narrow.expose().to_owned()
}

/// A service, its clock, and what it knows of the authority.
pub struct World {
    pub directory: TempDir,
    pub clock: FixedClock,
    pub snapshots: Arc<Snapshots>,
    pub journal: Journal,
    pub router: Router,
}

impl World {
    /// A service of many tenants with a fresh bundle.
    pub fn new() -> Self {
        Self::of(Tenancy::Many)
    }

    pub fn of(tenancy: Tenancy) -> Self {
        let world = Self::without_bundle(tenancy, Store::in_memory().unwrap());
        world.snapshots.publish(snapshot(NOW));
        world
    }

    pub fn over(store: Store) -> Self {
        let world = Self::without_bundle(Tenancy::Many, store);
        world.snapshots.publish(snapshot(NOW));
        world
    }

    /// A service of other tools than the tickets service has.
    pub fn serving(tools: impl FnOnce(Verifier) -> Router) -> Self {
        let world = Self::with(Tenancy::Many, ServicePolicy::none(), tools);
        world.snapshots.publish(snapshot(NOW));
        world
    }

    /// The tickets service with rules of its own.
    pub fn ruled_by(policy: ServicePolicy) -> Self {
        let world = Self::with(Tenancy::Many, policy, |verifier| {
            tickets_service::router(verifier, Store::in_memory().unwrap()).unwrap()
        });
        world.snapshots.publish(snapshot(NOW));
        world
    }

    pub fn without_bundle(tenancy: Tenancy, store: Store) -> Self {
        Self::with(tenancy, ServicePolicy::none(), |verifier| {
            tickets_service::router(verifier, store).unwrap()
        })
    }

    fn with(
        tenancy: Tenancy,
        policy: ServicePolicy,
        tools: impl FnOnce(Verifier) -> Router,
    ) -> Self {
        let directory = hallpass_testkit::temp_dir();
        let clock = FixedClock::at(NOW);
        let settings = Settings::new(
            environment("dev"),
            JournalName::new("tickets").unwrap(),
            Arc::new(clock.clone()),
        );
        let journal = Journal::open(&directory.path().join("journal"), settings).unwrap();
        let snapshots = Arc::new(Snapshots::empty());
        let verifier = Verifier::new(Setup {
            audience: Audience::new("tickets").unwrap(),
            environment: environment("dev"),
            tenancy,
            policy,
            journalled: tickets_service::journalled().unwrap(),
            disclosure: Disclosure::Code,
            profile: hallpass_verifier::Profile::Standard,
            spend: hallpass_verifier::Spend::ThisJournal,
            recording: hallpass_verifier::Recording::standard(),
            journal: journal.clone(),
            snapshots: Arc::clone(&snapshots),
            clock: Arc::new(clock.clone()),
        });
        Self {
            directory,
            clock,
            snapshots,
            journal,
            router: tools(verifier),
        }
    }

    pub async fn send(&self, call: Call) -> Answer {
        send(&self.router, call).await
    }

    /// Closes the journal and reads every record.
    pub fn records(&self) -> Vec<Value> {
        self.journal.close().unwrap();
        let directory = self.directory.path().join("journal");
        hallpass_journal::verify::verify(&directory, None).unwrap();
        records(&directory)
    }
}

pub fn records(journal: &Path) -> Vec<Value> {
    hallpass_journal::read::records(journal)
        .unwrap()
        .map(|record| record.unwrap().json())
        .collect()
}

/// The record of this decision.
#[track_caller]
pub fn decided<'r>(records: &'r [Value], decision: &str) -> &'r Value {
    records
        .iter()
        .find(|record| record["kind"] == "decided" && record["decision"] == decision)
        .unwrap_or_else(|| panic!("`{decision}` is not in the journal"))
}
