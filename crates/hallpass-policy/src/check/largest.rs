//! The largest token of a route: with the longest names that any request could bring.

use std::time::Duration;

use hallpass_keys::{Digest, Purpose, SigningKey, VerifyingKey};
use hallpass_token::{Grant, GrantSpec, MintError, NextSecret, limits, mint};
use hallpass_vocabulary::{
    Actor, ClientId, Environment, InvalidName, NAME_BYTES_MAX, Route, RunId, Subject,
    SubjectAssurance, Tenant, Timestamp, TokenId,
};

use crate::effective::Effective;

/// The longest names of these kinds, in bytes.
const CLIENT_BYTES_MAX: usize = 64;
const ENVIRONMENT_BYTES_MAX: usize = 32;
const TENANT_BYTES_MAX: usize = 64;

/// What every largest token has. The keys have the size that keys have, and exist nowhere else; what they sign is dropped.
pub(super) struct Largest {
    environment: Environment,
    tenant: Tenant,
    subject: Subject,
    actor: Actor,
    client: ClientId,
    signer: SigningKey,
    approval_keys: Vec<VerifyingKey>,
}

impl Largest {
    /// # Errors
    /// Never: the names are of their form.
    pub(super) fn new() -> Result<Self, InvalidName> {
        let long = |start: &str, bytes: usize| format!("{start:x<bytes$}");
        let environment = Environment::new(&long("", ENVIRONMENT_BYTES_MAX))?;
        let key = |purpose, seed| SigningKey::from_seed(purpose, environment.clone(), [seed; 32]);
        let approval_keys = (1..).take(limits::APPROVAL_KEYS_MAX);
        Ok(Self {
            tenant: Tenant::new(&long("", TENANT_BYTES_MAX))?,
            subject: Subject::new(&long("user:", NAME_BYTES_MAX))?,
            actor: Actor::new(&long("agent:", NAME_BYTES_MAX))?,
            client: ClientId::new(&long("", CLIENT_BYTES_MAX))?,
            signer: key(Purpose::Run, 0),
            approval_keys: approval_keys
                .map(|number| key(Purpose::Approval, number).verifying_key())
                .collect(),
            environment,
        })
    }

    /// Whether a token of a route could be minted that says this much. A grant alone always could: it is the caveats that may
    /// be too much for one block, or for the size of a token.
    pub(super) fn check(&self, route: &Route, effective: &Effective) -> Result<(), MintError> {
        // A grant without tools is never minted.
        let Ok(grant) = Grant::new(self.spec(route, effective)) else {
            return Ok(());
        };
        let next = NextSecret::from_random([0; 32]);
        let caveats = &effective.caveats;
        mint(&grant, caveats, &self.signer, &self.approval_keys, next).map(drop)
    }

    fn spec(&self, route: &Route, effective: &Effective) -> GrantSpec {
        let issued = Timestamp::from_unix_seconds(0);
        GrantSpec {
            token: TokenId::new(issued, [0; 10]),
            run: RunId::new(issued, [0; 10]),
            tenant: self.tenant.clone(),
            environment: self.environment.clone(),
            subject: self.subject.clone(),
            assurance: SubjectAssurance::Verified,
            actor: self.actor.clone(),
            client: self.client.clone(),
            route: route.clone(),
            roles: effective.roles.iter().cloned().collect(),
            audiences: effective.audiences.clone(),
            tools: effective.tools.clone(),
            needs_approval: effective.needs_approval.clone(),
            budgets: effective.budgets.clone(),
            holder: Some(self.signer.verifying_key()),
            proof: effective.proof,
            policy: Digest::of(b""),
            issued,
            expires: issued.after(Duration::from_secs(limits::TTL_SECONDS_MAX)),
            break_glass: None,
        }
    }
}
