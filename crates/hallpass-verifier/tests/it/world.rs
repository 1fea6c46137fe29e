//! A small world: one authority with fixed keys, one catalogue, a verifier over a journal in a temporary directory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hallpass_args::{Arguments, ToolCall};
use hallpass_bundle::{
    Bundle, BundleDraft, Heartbeat, KeyState, Published, Restrictions, Role, Root, RootDraft,
    Snapshot, Snapshots, TokenKey, TokenPurpose, accept,
};
use hallpass_journal::{Journal, JournalName, Settings};
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_testkit::FixedClock;
use hallpass_token::{Caveat, Grant, GrantSpec, NextSecret, TokenText, UnverifiedToken, mint};
use hallpass_verifier::{
    DatalogPolicy, Disclosure, JournalledArguments, Permit, Profile, Recording, Refusal,
    ServicePolicy, Setup, Spend, Tenancy, Verifier,
};
use hallpass_vocabulary::{
    Actor, Audience, AuthorityId, Catalogue, ClientId, Clock, DenialCode, Environment, Impact,
    Pointers, ProofRule, RequestId, Route, RunId, Subject, SubjectAssurance, Tenant, Timestamp,
    TokenId, Tool, ToolName,
};
use serde_json::Value;

pub const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);

/// Far above anything a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn env(name: &str) -> Environment {
    Environment::new(name).unwrap()
}

pub fn tool(name: &str) -> ToolName {
    ToolName::new(name).unwrap()
}

pub fn audience(name: &str) -> Audience {
    Audience::new(name).unwrap()
}

pub fn tenant(name: &str) -> Tenant {
    Tenant::new(name).unwrap()
}

/// Seeds of the keys, so that a test can sign as whom it likes.
pub const RUN_KEY: u8 = 1;
pub const STAGING_KEY: u8 = 2;
pub const BREAK_GLASS_KEY: u8 = 3;
pub const TAINTED_KEY: u8 = 4;
pub const STRANGER_KEY: u8 = 5;
/// The run key after the one the tests sign with.
pub const NEXT_KEY: u8 = 6;

pub fn key(purpose: Purpose, environment: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(purpose, env(environment), [seed; 32])
}

/// A snapshot with the keys above, as of the heartbeat at `time`.
pub fn snapshot(time: Timestamp, run_key: KeyState) -> Snapshot {
    snapshot_of("prod", time, run_key)
}

/// The same from the authority of another environment.
pub fn snapshot_of(environment: &str, time: Timestamp, run_key: KeyState) -> Snapshot {
    snapshot_with(environment, time, run_key, Restrictions::default())
}

/// The first with this restricted.
pub fn restricting(time: Timestamp, restrictions: Restrictions) -> Snapshot {
    snapshot_with("prod", time, KeyState::Active, restrictions)
}

fn snapshot_with(
    environment: &str,
    time: Timestamp,
    run_key: KeyState,
    restrictions: Restrictions,
) -> Snapshot {
    let root_key = key(Purpose::Root, environment, 90);
    let bundle_key = key(Purpose::Bundle, environment, 91);
    let heartbeat_key = key(Purpose::Heartbeat, environment, 92);
    let root = Root::first(
        RootDraft {
            authority: AuthorityId::new("hallpass.example").unwrap(),
            environment: env(environment),
            root: Role::single(root_key.verifying_key()),
            bundle: Role::single(bundle_key.verifying_key()),
            heartbeat: Role::single(heartbeat_key.verifying_key()),
            expires: NOW.after(Duration::from_secs(365 * 86_400)),
        },
        NOW,
    )
    .unwrap();
    let entry = |seed, environment: &str, purpose, state| TokenKey {
        key: key(Purpose::Run, environment, seed).verifying_key(),
        environment: env(environment),
        purpose,
        state,
    };
    let listed = |name: &str, at: &str, impact| Tool::new(tool(name), audience(at), impact);
    let draft = BundleDraft {
        token_keys: vec![
            entry(RUN_KEY, "prod", TokenPurpose::Run, run_key),
            entry(NEXT_KEY, "prod", TokenPurpose::Run, KeyState::Active),
            entry(STAGING_KEY, "staging", TokenPurpose::Run, KeyState::Active),
            entry(
                BREAK_GLASS_KEY,
                "prod",
                TokenPurpose::BreakGlass,
                KeyState::Active,
            ),
            entry(TAINTED_KEY, "prod", TokenPurpose::Run, KeyState::Tainted),
        ],
        approval_keys: vec![],
        catalogue: Catalogue::new([
            listed("kb.search", "tickets", Impact::Read),
            with_named_arguments(listed("tickets.get", "tickets", Impact::Read)),
            listed("ticket.update", "tickets", Impact::Write),
            listed("ticket.close", "tickets", Impact::Destructive),
            listed("mail.send", "mailer", Impact::Write),
        ])
        .unwrap(),
        policy: Digest::of(b"policy"),
        expires: NOW.after(Duration::from_secs(30 * 86_400)),
        restrictions,
        operators: Vec::new(),
        verifiers: Vec::new(),
    };
    // A bundle is numbered by the time it was made; a later one for a later heartbeat.
    let bundle = Bundle::new(&root, draft, None, time)
        .unwrap()
        .sign(&root, &[&bundle_key])
        .unwrap();
    let heartbeat = Heartbeat::new(&bundle, time)
        .sign(&root, &[&heartbeat_key])
        .unwrap();
    let published = Published::new(
        vec![root.sign(None, &[&root_key]).unwrap()],
        &bundle,
        heartbeat,
    );
    accept(
        &serde_json::to_vec(&published).unwrap(),
        &root.trust_root(),
        None,
        time,
    )
    .unwrap()
}

/// A tool of which the catalogue names arguments.
fn with_named_arguments(mut tool: Tool) -> Tool {
    let pointers = |text: &str| Pointers::new([text.parse().unwrap()]).unwrap();
    tool.recorded = pointers("/id");
    tool.sensitive = pointers("/reader");
    tool
}

pub fn grant() -> GrantSpec {
    GrantSpec {
        token: TokenId::new(NOW, [1; 10]),
        run: RunId::new(NOW, [2; 10]),
        tenant: tenant("acme"),
        environment: env("prod"),
        subject: Subject::new("user:alice").unwrap(),
        assurance: SubjectAssurance::Asserted,
        actor: Actor::new("agent:support-bot").unwrap(),
        client: ClientId::new("orchestrator").unwrap(),
        route: Route::new("/support/draft").unwrap(),
        roles: BTreeSet::new(),
        audiences: BTreeSet::from([audience("tickets")]),
        tools: ["kb.search", "tickets.get", "ticket.update"]
            .map(tool)
            .into(),
        needs_approval: ["ticket.close"].map(tool).into(),
        budgets: BTreeMap::new(),
        holder: None,
        proof: ProofRule::Waived,
        policy: Digest::of(b"policy"),
        issued: NOW,
        expires: NOW.after(Duration::from_secs(600)),
        break_glass: None,
    }
}

pub fn token(change: impl FnOnce(&mut GrantSpec)) -> TokenText {
    let mut spec = grant();
    change(&mut spec);
    signed_by(RUN_KEY, spec)
}

pub fn signed_by(seed: u8, spec: GrantSpec) -> TokenText {
    let signer = SigningKey::from_seed(Purpose::Run, spec.environment.clone(), [seed; 32]);
    mint(
        &Grant::new(spec).unwrap(),
        &[],
        &signer,
        &[],
        NextSecret::from_random([9; 32]),
    )
    .unwrap()
}

pub fn narrowed(token: &TokenText, caveat: Caveat) -> TokenText {
    UnverifiedToken::parse(token.expose())
        .unwrap()
        .attenuate(&[caveat], NextSecret::from_random([8; 32]))
        .unwrap()
}

pub fn call(name: &str) -> ToolCall {
    ToolCall {
        audience: audience("tickets"),
        tool: tool(name),
        args: Arguments::parse(br#"{"id":"T-1"}"#).unwrap(),
        request_id: RequestId::new(NOW, [3; 10]),
        idempotency_key: None,
        trace: None,
        attempt: None,
    }
}

pub struct World {
    pub dir: tempfile::TempDir,
    pub clock: Arc<FixedClock>,
    pub snapshots: Arc<Snapshots>,
    pub journal: Journal,
    pub verifier: Verifier,
}

impl World {
    pub fn new() -> Self {
        Self::with(Tenancy::Many, Disclosure::Explain)
    }

    pub fn with(tenancy: Tenancy, disclosure: Disclosure) -> Self {
        let world = Self::without_bundle(tenancy, disclosure);
        world.snapshots.publish(snapshot(NOW, KeyState::Active));
        world
    }

    /// A service of the extended profile.
    pub fn extended(policy: Option<DatalogPolicy>) -> Self {
        let profile = Profile::Extended(policy);
        let world = Self::of_profile(
            profile,
            Tenancy::Many,
            ServicePolicy::none(),
            Disclosure::Explain,
        );
        world.snapshots.publish(snapshot(NOW, KeyState::Active));
        world
    }

    /// With rules of the service's own, and their names told in denials.
    pub fn ruled_by(policy: ServicePolicy) -> Self {
        let world = Self::built(Tenancy::Many, policy, Disclosure::Explain);
        world.snapshots.publish(snapshot(NOW, KeyState::Active));
        world
    }

    pub fn without_bundle(tenancy: Tenancy, disclosure: Disclosure) -> Self {
        Self::built(tenancy, ServicePolicy::none(), disclosure)
    }

    /// A world that has heard nothing of its authority.
    pub fn built(tenancy: Tenancy, policy: ServicePolicy, disclosure: Disclosure) -> Self {
        Self::of_profile(Profile::Standard, tenancy, policy, disclosure)
    }

    fn of_profile(
        profile: Profile,
        tenancy: Tenancy,
        policy: ServicePolicy,
        disclosure: Disclosure,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(NOW));
        let setup = (profile, tenancy, policy, disclosure);
        Self::over(
            dir,
            clock,
            (Spend::ThisJournal, Recording::standard()),
            setup,
        )
    }

    /// Over a directory that may have a journal already.
    fn over(
        dir: tempfile::TempDir,
        clock: Arc<FixedClock>,
        (spend, recording): (Spend, Recording),
        (profile, tenancy, policy, disclosure): (Profile, Tenancy, ServicePolicy, Disclosure),
    ) -> Self {
        let name = JournalName::new("tickets").unwrap();
        let settings = Settings::new(env("prod"), name, Arc::clone(&clock) as Arc<dyn Clock>);
        let journal = Journal::open(dir.path(), settings).unwrap();
        let snapshots = Arc::new(Snapshots::empty());
        let verifier = Verifier::new(Setup {
            audience: audience("tickets"),
            environment: env("prod"),
            tenancy,
            policy,
            journalled: JournalledArguments::none(),
            disclosure,
            profile,
            spend,
            recording,
            journal: journal.clone(),
            snapshots: Arc::clone(&snapshots),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        });
        Self {
            dir,
            clock,
            snapshots,
            journal,
            verifier,
        }
    }

    /// A service that counts what is spent elsewhere than in its journal, or waits for other records.
    pub fn spending(spend: Spend, recording: Recording) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::counted(dir, Arc::new(FixedClock::at(NOW)), (spend, recording))
    }

    fn counted(
        dir: tempfile::TempDir,
        clock: Arc<FixedClock>,
        counting: (Spend, Recording),
    ) -> Self {
        let policy = ServicePolicy::none();
        let setup = (
            Profile::Standard,
            Tenancy::Many,
            policy,
            Disclosure::Explain,
        );
        let world = Self::over(dir, clock, counting, setup);
        world.snapshots.publish(snapshot(NOW, KeyState::Active));
        world
    }

    /// The next process, after this one was killed at this moment: its files as they are, its memory gone.
    pub fn killed(&self) -> Self {
        self.next_in(self.left_behind())
    }

    /// What a process that is killed at this moment leaves behind.
    pub fn left_behind(&self) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let files = std::fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        // The records last: of a journal that is being written, the others are then not newer than they.
        names.sort_by_key(|name| name.to_string_lossy().ends_with(".jsonl"));
        for name in names
            .iter()
            .filter(|name| !name.to_string_lossy().ends_with(".tmp"))
        {
            std::fs::copy(self.dir.path().join(name), dir.path().join(name)).unwrap();
        }
        dir
    }

    pub fn next_in(&self, dir: tempfile::TempDir) -> Self {
        let clock = Arc::clone(&self.clock);
        Self::counted(dir, clock, (Spend::ThisJournal, Recording::standard()))
    }

    pub fn call(&self, token: &str, name: &str) -> Result<Permit, Refusal> {
        self.verifier.authorize(Some(token), call(name)).wait()
    }

    pub fn denial(&self, token: &str, name: &str) -> DenialCode {
        self.call(token, name).unwrap_err().code()
    }

    /// Closes the journal and reads every record.
    pub fn records(&self) -> Vec<Value> {
        self.journal.close().unwrap();
        lines(self.dir.path())
    }
}

/// Every line of every segment, without the help of the crate that wrote them.
pub fn lines(dir: &std::path::Path) -> Vec<Value> {
    let mut files: Vec<_> = walk(dir)
        .into_iter()
        .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    files.sort();
    let mut records = Vec::new();
    for file in files {
        for line in std::fs::read_to_string(file).unwrap().lines() {
            records.push(serde_json::from_str(line).unwrap());
        }
    }
    records
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path))
        } else {
            found.push(path)
        }
    }
    found
}

pub fn of_kind<'r>(records: &'r [Value], kind: &str) -> Vec<&'r Value> {
    records
        .iter()
        .filter(|record| record["kind"] == kind)
        .collect()
}
