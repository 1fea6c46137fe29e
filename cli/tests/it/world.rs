//! An authority with fixed keys at a fixed time: its trust root, its bundle, and tokens it could have minted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hallpass_bundle::{
    ApprovalKey, Bundle, BundleDraft, Heartbeat, KeyState, Published, Role, Root, RootDraft,
    TokenKey, TokenPurpose, TrustRoot,
};
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_token::{Caveat, Grant, GrantSpec, NextSecret, mint};
use hallpass_vocabulary::{
    Audience, AuthorityId, Catalogue, Environment, Impact, ProofRule, RunId, SubjectAssurance,
    Timestamp, TokenId, Tool, ToolName,
};

use crate::command::Desk;

/// 2026-11-21T09:30:00Z.
pub const NOON: i64 = 1_795_253_400;

/// Ten seconds later, as the command line takes it.
pub const AT: &str = "2026-11-21T09:30:10Z";

pub fn at(seconds_after_noon: i64) -> Timestamp {
    Timestamp::from_unix_seconds(NOON + seconds_after_noon)
}

pub fn environment(name: &str) -> Environment {
    Environment::new(name).unwrap()
}

pub fn key(purpose: Purpose, environment_name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(purpose, environment(environment_name), [seed; 32])
}

pub fn names<T: std::str::FromStr + Ord>(names: &[&str]) -> BTreeSet<T> {
    names
        .iter()
        .map(|name| name.parse().ok().unwrap())
        .collect()
}

/// What the tests' authority publishes.
pub struct World {
    pub trust_root: TrustRoot,
    pub published: Vec<u8>,
}

impl World {
    pub fn new() -> Self {
        let (root_key, bundle_key, heartbeat_key) = (
            key(Purpose::Root, "dev", 11),
            key(Purpose::Bundle, "dev", 12),
            key(Purpose::Heartbeat, "dev", 13),
        );
        let year = Duration::from_secs(365 * 24 * 60 * 60);
        let draft = RootDraft {
            authority: AuthorityId::new("dev.hallpass").unwrap(),
            environment: environment("dev"),
            root: Role::single(root_key.verifying_key()),
            bundle: Role::single(bundle_key.verifying_key()),
            heartbeat: Role::single(heartbeat_key.verifying_key()),
            expires: at(0).after(year),
        };
        let root = Root::first(draft, at(0)).unwrap();
        let token_key = |environment_name: &str, seed, state| TokenKey {
            key: key(Purpose::Run, environment_name, seed).verifying_key(),
            environment: environment(environment_name),
            purpose: TokenPurpose::Run,
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
                token_key("dev", 1, KeyState::Active),
                token_key("prod", 2, KeyState::Active),
                token_key("dev", 3, KeyState::Tainted),
            ],
            approval_keys: vec![ApprovalKey {
                key: key(Purpose::Approval, "dev", 9).verifying_key(),
                state: KeyState::Active,
            }],
            catalogue: Catalogue::new([
                tool("kb.search", "tickets", Impact::Read),
                tool("tickets.get", "tickets", Impact::Read),
                tool("ticket.update", "tickets", Impact::Write),
                tool("ticket.close", "tickets", Impact::Destructive),
                tool("mail.send", "mail", Impact::Destructive),
            ])
            .unwrap(),
            policy: Digest::of(b"policy"),
            expires: at(0).after(year),
            restrictions: hallpass_bundle::Restrictions::default(),
            operators: Vec::new(),
            verifiers: Vec::new(),
        };
        let bundle = Bundle::new(&root, draft, None, at(0))
            .unwrap()
            .sign(&root, &[&bundle_key])
            .unwrap();
        let heartbeat = Heartbeat::new(&bundle, at(0))
            .sign(&root, &[&heartbeat_key])
            .unwrap();
        let roots = vec![root.sign(None, &[&root_key]).unwrap()];
        Self {
            trust_root: root.trust_root(),
            published: Published::new(roots, &bundle, heartbeat).to_json().unwrap(),
        }
    }

    /// A desk with the trust root, the bundle and a token on it.
    pub fn desk(&self) -> Desk {
        let desk = Desk::new();
        desk.write("trust-root.txt", self.trust_root.to_string());
        desk.write("bundle.json", &self.published);
        desk.write("token", token());
        desk
    }
}

pub fn spec() -> GrantSpec {
    GrantSpec {
        token: TokenId::new(at(0), [1; 10]),
        run: RunId::new(at(0), [2; 10]),
        tenant: "acme".parse().unwrap(),
        environment: environment("dev"),
        subject: "user:alice".parse().unwrap(),
        assurance: SubjectAssurance::Asserted,
        actor: "agent:support-bot".parse().unwrap(),
        client: "helpdesk".parse().unwrap(),
        route: "/support/send".parse().unwrap(),
        roles: names(&["support_agent"]),
        audiences: names(&["tickets"]),
        tools: names(&["kb.search", "tickets.get"]),
        needs_approval: names(&["ticket.update"]),
        budgets: BTreeMap::new(),
        holder: None,
        proof: ProofRule::Waived,
        policy: Digest::of(b"policy"),
        issued: at(0),
        expires: at(600),
        break_glass: None,
    }
}

/// A token with this grant, signed by the run key of this seed.
pub fn minted(spec: GrantSpec, seed: u8) -> String {
    minted_with(spec, seed, &[])
}

/// The same with caveats from the start, as those of a route.
pub fn minted_with(spec: GrantSpec, seed: u8, caveats: &[&str]) -> String {
    let caveats: Vec<Caveat> = caveats.iter().map(|words| words.parse().unwrap()).collect();
    let environment = spec.environment.as_str().to_owned();
    let grant = Grant::new(spec).unwrap();
    let approver = key(Purpose::Approval, "dev", 9).verifying_key();
    let signer = key(Purpose::Run, &environment, seed);
    mint(
        &grant,
        &caveats,
        &signer,
        &[approver],
        NextSecret::from_random([7; 32]),
    )
    .unwrap()
    .expose()
    .to_owned()
}

pub fn token() -> String {
    minted(spec(), 1)
}

/// The token with its last signature or secret damaged.
pub fn damaged(token: &str) -> String {
    let (head, last) = token.split_at(token.len() - 8);
    let flipped = if last.starts_with('A') { "B" } else { "A" };
    format!("{head}{flipped}{}", &last[1..])
}
