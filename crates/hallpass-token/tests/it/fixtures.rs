//! A grant, keys and calls the other modules start from.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use hallpass_args::Arguments;
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_token::{
    AdmittedToken, BudgetUnit, CallFacts, Caveat, Grant, GrantSpec, NextSecret, TokenText,
    UnverifiedToken, VerifiedToken, mint,
};
use hallpass_vocabulary::{
    Audience, Environment, ProofRule, RunId, SubjectAssurance, Timestamp, TokenId, ToolName,
};

/// 2026-11-21T09:30:00Z.
pub const NOON: i64 = 1_795_253_400;

pub fn at(seconds_after_noon: i64) -> Timestamp {
    Timestamp::from_unix_seconds(NOON + seconds_after_noon)
}

pub fn set<T: FromStr + Ord>(names: &[&str]) -> BTreeSet<T>
where
    T::Err: std::fmt::Debug,
{
    names.iter().map(|name| name.parse().unwrap()).collect()
}

pub fn environment(name: &str) -> Environment {
    Environment::new(name).unwrap()
}

pub fn root(seed: u8) -> SigningKey {
    SigningKey::from_seed(Purpose::Run, environment("dev"), [seed; 32])
}

pub fn approver(seed: u8) -> SigningKey {
    SigningKey::from_seed(Purpose::Approval, environment("dev"), [seed; 32])
}

pub fn next(seed: u8) -> NextSecret {
    NextSecret::from_random([seed; 32])
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
        roles: set(&["support_agent"]),
        audiences: set(&["tickets"]),
        tools: set(&["kb.search", "tickets.get"]),
        needs_approval: set(&["ticket.close"]),
        budgets: BTreeMap::from([(BudgetUnit::Calls, 25)]),
        holder: None,
        proof: ProofRule::Waived,
        policy: Digest::of(b"policy"),
        issued: at(0),
        expires: at(900),
        break_glass: None,
    }
}

pub fn grant() -> Grant {
    Grant::new(spec()).unwrap()
}

pub fn minted(grant: &Grant) -> TokenText {
    mint(
        grant,
        &[],
        &root(1),
        &[approver(9).verifying_key()],
        next(2),
    )
    .unwrap()
}

pub fn verified(text: &str) -> VerifiedToken {
    UnverifiedToken::parse(text)
        .unwrap()
        .verify(&root(1).verifying_key())
        .unwrap()
}

pub fn admitted(text: &str) -> AdmittedToken {
    verified(text).admit().unwrap()
}

/// One more block; its secret differs from that of every block before it.
pub fn attenuated(text: &str, caveats: &[Caveat]) -> TokenText {
    let token = UnverifiedToken::parse(text).unwrap();
    let secret = next(100 + token.blocks() as u8);
    token.attenuate(caveats, secret).unwrap()
}

/// A call, owning what [`CallFacts`] borrows.
#[derive(Debug, Clone)]
pub struct Call {
    pub now: Timestamp,
    pub audience: Audience,
    pub environment: Environment,
    pub tool: ToolName,
    pub arguments: Arguments,
}

impl Call {
    pub fn facts(&self) -> CallFacts<'_> {
        CallFacts {
            now: self.now,
            audience: &self.audience,
            environment: &self.environment,
            tool: &self.tool,
            arguments: &self.arguments,
        }
    }
}

/// A call the grant of [`spec`] allows.
pub fn call() -> Call {
    Call {
        now: at(10),
        audience: "tickets".parse().unwrap(),
        environment: environment("dev"),
        tool: "kb.search".parse().unwrap(),
        arguments: Arguments::none(),
    }
}
