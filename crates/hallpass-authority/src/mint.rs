//! From a request to a recorded token. The record is the commit point: no record, no token.

use std::sync::Arc;

use hallpass_journal::{AppendError, Durability, Event, Minted as MintedRecord};
use hallpass_keys::{Digest, KeyId, RandomnessError, SigningKey, VerifyingKey, random_bytes};
use hallpass_policy::{MintRequest, Policy, PolicyRefusal, Terms};
use hallpass_token::{Grant, GrantError, GrantSpec, MintError, NextSecret, TokenText};
use hallpass_vocabulary::{
    ClientId, Clock, Environment, Impact, Route, RunId, SubjectAssurance, Tenant, Timestamp,
    TokenId, ToolName,
};

use crate::policy_in_force::PolicyInForce;
use crate::recorder::Recorder;
use crate::request::TokenRequest;
use crate::store::{MintedRow, RunRow, RunTools, Store, StoreError, Writer};

/// A token that was recorded and can be handed out.
#[derive(Debug)]
pub(crate) struct Minted {
    pub(crate) text: TokenText,
    pub(crate) token: TokenId,
    pub(crate) run: RunId,
    pub(crate) expires: Timestamp,
    pub(crate) route: Route,
    pub(crate) tenant: Tenant,
    pub(crate) terms: Terms,
}

/// Why no token was handed out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unminted {
    #[error(transparent)]
    Grant(#[from] GrantError),
    #[error("every tool of the grant demands a proof of possession, and no key is bound")]
    HolderKeyRequired,
    #[error(transparent)]
    Journal(#[from] AppendError),
    #[error(transparent)]
    Policy(#[from] PolicyRefusal),
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    #[error(
        "the run was started by another client, with another route, tenant, subject or actor, or with fewer tools"
    )]
    RunMismatch,
    #[error("there is no such run")]
    RunUnknown,
    #[error(transparent)]
    Sign(#[from] MintError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Mints for one environment, under one policy, with one key.
pub(crate) struct Minter {
    pub(crate) environment: Environment,
    pub(crate) policies: Arc<PolicyInForce>,
    pub(crate) run_key: SigningKey,
    pub(crate) run_key_id: KeyId,
    pub(crate) approval_keys: Vec<VerifyingKey>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) store: Arc<Store>,
    pub(crate) writer: Writer,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Minter {
    /// Decides, mints, records, indexes. Run it where nobody drops it half-way: a recorded mint must reach the store.
    pub(crate) async fn mint(
        &self,
        client: &ClientId,
        request: TokenRequest,
    ) -> Result<Minted, Unminted> {
        let asked = MintRequest {
            client,
            environment: &self.environment,
            route: &request.route,
            tenant: &request.tenant,
            subject: &request.subject,
            verified: None,
            actor: &request.actor,
            tools: request.tools.as_deref(),
            ttl: request.ttl,
        };
        let in_force = self.policies.now();
        let policy = &in_force.policy;
        let terms = policy.decide(&asked)?;
        self.require_usable(policy, &terms)?;
        let started_as = RunRow {
            client: client.clone(),
            route: request.route.clone(),
            tenant: request.tenant.clone(),
            subject: request.subject.clone(),
            actor: request.actor.clone(),
        };
        let now = self.clock.now();
        let (run, terms) = match request.run {
            None => (RunId::new(now, random_bytes()?), terms),
            Some(run) => {
                let first = self.renewable(run, &started_as).await?;
                (run, self.never_wider(policy, &asked, terms, &first)?)
            }
        };
        let grant = self.grant(&started_as, run, &terms, in_force.digest, now)?;
        let next = NextSecret::from_random(random_bytes()?);
        let text = hallpass_token::mint(&grant, &[], &self.run_key, &self.approval_keys, next)?;
        self.record(&grant, started_as).await?;
        Ok(Minted {
            text,
            token: grant.token,
            run,
            expires: grant.expires,
            route: grant.route.clone(),
            tenant: grant.tenant.clone(),
            terms,
        })
    }

    /// This release binds no token to a key, so a token whose every call needs a proof would be good for nothing.
    fn require_usable(&self, policy: &Policy, terms: &Terms) -> Result<(), Unminted> {
        let callable = terms
            .tools()
            .iter()
            .chain(terms.needs_approval())
            .any(|tool| {
                // A tool missing from the catalogue cannot be in a route; were it, the strictest rule holds.
                let known = policy.catalogue().tool(tool);
                !terms
                    .proof()
                    .demands(known.map_or(Impact::Destructive, |tool| tool.impact))
            });
        if callable {
            Ok(())
        } else {
            Err(Unminted::HolderKeyRequired)
        }
    }

    /// The tools of the run's first token, if the run was started exactly so.
    async fn renewable(&self, run: RunId, started_as: &RunRow) -> Result<RunTools, Unminted> {
        let store = Arc::clone(&self.store);
        let (found, first) = tokio::task::spawn_blocking(move || store.run(run))
            .await
            .map_err(|_| StoreError::Stopping)??
            .ok_or(Unminted::RunUnknown)?;
        if found == *started_as {
            Ok(first)
        } else {
            Err(Unminted::RunMismatch)
        }
    }

    /// The terms of a renewal: what the policy says now, of the tools the run began with. A tool that began with
    /// approvals keeps needing them: where the policy of now would waive them, the run is not renewed.
    fn never_wider(
        &self,
        policy: &Policy,
        asked: &MintRequest<'_>,
        terms: Terms,
        first: &RunTools,
    ) -> Result<Terms, Unminted> {
        let all = || terms.tools().iter().chain(terms.needs_approval());
        let terms = if all().all(|tool| first.names(tool)) {
            terms
        } else if asked.tools.is_some() {
            return Err(Unminted::RunMismatch);
        } else {
            let kept: Vec<ToolName> = all().filter(|tool| first.names(tool)).cloned().collect();
            policy.decide(&MintRequest {
                tools: Some(&kept),
                ..*asked
            })?
        };
        if terms.tools().is_subset(&first.tools) {
            Ok(terms)
        } else {
            Err(Unminted::RunMismatch)
        }
    }

    fn grant(
        &self,
        started_as: &RunRow,
        run: RunId,
        terms: &Terms,
        policy: Digest,
        now: Timestamp,
    ) -> Result<Grant, Unminted> {
        // Dates in tokens are whole seconds.
        let issued = Timestamp::from_unix_seconds(now.unix_seconds());
        let grant = Grant::new(GrantSpec {
            token: TokenId::new(now, random_bytes()?),
            run,
            tenant: started_as.tenant.clone(),
            environment: self.environment.clone(),
            subject: started_as.subject.clone(),
            assurance: SubjectAssurance::Asserted,
            actor: started_as.actor.clone(),
            client: started_as.client.clone(),
            route: started_as.route.clone(),
            roles: terms.roles().iter().cloned().collect(),
            audiences: terms.audiences().clone(),
            tools: terms.tools().clone(),
            needs_approval: terms.needs_approval().clone(),
            budgets: std::collections::BTreeMap::new(),
            holder: None,
            proof: terms.proof(),
            policy,
            issued,
            expires: issued.after(terms.ttl()),
            break_glass: None,
        })?;
        Ok(grant)
    }

    async fn record(&self, grant: &Grant, started_as: RunRow) -> Result<(), Unminted> {
        let flight = self.writer.take_off(self.recorder.written());
        let event = Event::Minted(Box::new(self.minted_record(grant)));
        let recorded = match self.recorder.append(&event, Durability::Durable).await {
            Ok(recorded) => recorded,
            Err(error) => {
                // Where there may be a record all the same, the flight stays up and the next start looks.
                if !error.is_uncertain() {
                    flight.cancel();
                }
                return Err(error.into());
            }
        };
        let row = MintedRow {
            token: grant.token,
            run: grant.run,
            started_as,
            tools: RunTools {
                tools: grant.tools.clone(),
                needs_approval: grant.needs_approval.clone(),
            },
            issued_seconds: grant.issued.unix_seconds(),
            expires_seconds: grant.expires.unix_seconds(),
            // A durable record has a place. Without one, the next start would only read more of the journal.
            record: recorded.index().unwrap_or(0),
        };
        // The token is recorded, so it is handed out whatever the store says: its rows come back from the journal.
        match self.writer.land(flight, row).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(token.id = %grant.token, "a token is recorded and not yet in the store")
            }
            Err(error) => {
                tracing::error!(token.id = %grant.token, %error, "a token is recorded and not in the store")
            }
        }
        Ok(())
    }

    fn minted_record(&self, grant: &Grant) -> MintedRecord {
        MintedRecord {
            token: grant.token,
            run: grant.run,
            client: grant.client.clone(),
            tenant: grant.tenant.clone(),
            env: grant.environment.clone(),
            subject: grant.subject.clone(),
            assurance: grant.assurance,
            actor: grant.actor.clone(),
            route: grant.route.clone(),
            audiences: grant.audiences.iter().cloned().collect(),
            tools: grant.tools.iter().cloned().collect(),
            needs_approval: grant.needs_approval.iter().cloned().collect(),
            roles: grant.roles.iter().cloned().collect(),
            proof: grant.proof,
            issued: grant.issued,
            expires: grant.expires,
            policy: grant.policy,
            key: self.run_key_id,
            idempotency_key: None,
            request_digest: None,
            token_digest: None,
            credential: None,
            caveats: Vec::new(),
            budgets: None,
            holder: None,
            parent: None,
            run_ends: None,
            labels: std::collections::BTreeMap::new(),
        }
    }
}
