//! The largest token of a route: with the longest names that any request could bring.

use hallpass_keys::{Digest, Purpose, SigningKey};
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

/// Whether a token of a route could be minted that says this much. A grant alone always could: it is the caveats that may be
/// too much for one block, or for the size of a token.
pub(super) fn check(route: &Route, effective: &Effective) -> Result<(), MintError> {
    // A grant without tools is never minted, and the names are all of their form.
    let Ok(Ok(grant)) = spec(route, effective).map(Grant::new) else {
        return Ok(());
    };
    // Keys of the size that keys have, which exist nowhere else. What they sign is dropped here.
    let key = |purpose, seed| SigningKey::from_seed(purpose, grant.environment.clone(), seed);
    let signer = key(Purpose::Run, [0; 32]);
    let approval_keys: Vec<_> = (1..)
        .take(limits::APPROVAL_KEYS_MAX)
        .map(|number| key(Purpose::Approval, [number; 32]).verifying_key())
        .collect();
    let next = NextSecret::from_random([0; 32]);
    mint(&grant, &effective.caveats, &signer, &approval_keys, next).map(drop)
}

fn spec(route: &Route, effective: &Effective) -> Result<GrantSpec, InvalidName> {
    let long = |start: &str, bytes: usize| format!("{start:x<bytes$}");
    let environment = Environment::new(&long("", ENVIRONMENT_BYTES_MAX))?;
    let issued = Timestamp::from_unix_seconds(0);
    let holder = SigningKey::from_seed(Purpose::Run, environment.clone(), [0; 32]);
    Ok(GrantSpec {
        token: TokenId::new(issued, [0; 10]),
        run: RunId::new(issued, [0; 10]),
        tenant: Tenant::new(&long("", TENANT_BYTES_MAX))?,
        environment,
        subject: Subject::new(&long("user:", NAME_BYTES_MAX))?,
        assurance: SubjectAssurance::Verified,
        actor: Actor::new(&long("agent:", NAME_BYTES_MAX))?,
        client: ClientId::new(&long("", CLIENT_BYTES_MAX))?,
        route: route.clone(),
        roles: effective.roles.iter().cloned().collect(),
        audiences: effective.audiences.clone(),
        tools: effective.tools.clone(),
        needs_approval: effective.needs_approval.clone(),
        budgets: effective.budgets.clone(),
        holder: Some(holder.verifying_key()),
        proof: effective.proof,
        policy: Digest::of(b""),
        issued,
        expires: issued.after(std::time::Duration::from_secs(limits::TTL_SECONDS_MAX)),
        break_glass: None,
    })
}
