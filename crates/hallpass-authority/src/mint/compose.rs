//! From a request to the record of a token: everything that is decided, and nothing that is signed.

use std::collections::BTreeSet;
use std::time::Duration;

use hallpass_journal::Minted as MintedRecord;
use hallpass_keys::{KeyId, random_bytes};
use hallpass_policy::{ClientRule, MintRequest, Pattern, Policy, PolicyRefusal, Verified};
use hallpass_vocabulary::{
    Actor, Audience, ClientId, Impact, RunId, Subject, SubjectAssurance, Timestamp, TokenId,
};

use super::Minter;
use super::draft::{self, Draft};
use super::lineage::{self, Asking, Begun, RUN_DEPTH_MAX};
use super::unminted::{Misfit, Named, Unminted};
use crate::client::AuthenticatedClient;
use crate::request::{Behalf, TokenRequest};

/// What a token lives at least: dates in tokens are whole seconds.
const LIFE_MIN: Duration = Duration::from_secs(1);

/// On whose behalf, and what vouches for it.
struct Known {
    subject: Subject,
    verified: Option<Verified>,
    /// What vouches for it does so until then.
    until: Option<Timestamp>,
}

impl Minter {
    /// Decides, and writes down what the token says.
    pub(super) async fn compose(
        &self,
        asker: &AuthenticatedClient,
        request: &TokenRequest,
        key: KeyId,
        now: Timestamp,
    ) -> Result<MintedRecord, Unminted> {
        let in_force = self.policies.now();
        let policy = &in_force.policy;
        let client = &asker.id;
        let actor = actor(policy, client, request)?;
        let renewed = match request.run {
            Some(run) => Some(self.begun(client, run, Named::Run, now).await?),
            None => None,
        };
        let known = self.subject(request, renewed.as_ref(), now).await?;
        let asking = Asking {
            client,
            subject: &known.subject,
            actor: &actor,
        };
        let parent = match (&renewed, request.parent) {
            (Some(renewed), _) => {
                lineage::is_renewal_of(renewed, asking, request)?;
                None
            }
            (None, Some(parent)) => {
                let parent = self.begun(client, parent, Named::Parent, now).await?;
                lineage::is_child_of(&parent, asking, request)?;
                if self.depth(&parent.row).await? >= RUN_DEPTH_MAX {
                    return Err(Unminted::RunTooDeep);
                }
                Some(parent)
            }
            (None, None) => None,
        };
        let above = renewed.as_ref().or(parent.as_ref());
        let draft = self.decide(policy, asking, request, &known, above, now)?;
        let holder = match &renewed {
            Some(renewed) => renewed.row.holder,
            None => request.holder,
        };
        if holder.is_none() && demands_everywhere(policy, &draft) {
            return Err(Unminted::HolderKeyRequired);
        }
        // Dates in tokens are whole seconds.
        let issued = Timestamp::from_unix_seconds(now.unix_seconds());
        let expires = Timestamp::from_unix_seconds(draft.expires.unix_seconds());
        self.admit_tenant(policy, &request.tenant, now).await?;
        let run = match request.run {
            Some(run) => run,
            None => RunId::new(now, random_bytes()?),
        };
        let audiences: BTreeSet<Audience> = draft.audiences(policy.catalogue());
        Ok(MintedRecord {
            token: TokenId::new(now, random_bytes()?),
            run,
            client: client.clone(),
            tenant: request.tenant.clone(),
            env: self.environment.clone(),
            assurance: match known.verified {
                Some(_) => SubjectAssurance::Verified,
                None => SubjectAssurance::Asserted,
            },
            subject: known.subject,
            actor,
            route: request.route.clone(),
            audiences: audiences.into_iter().collect(),
            tools: draft.tools.into_iter().collect(),
            needs_approval: draft.needs_approval.into_iter().collect(),
            roles: draft.roles.into_iter().collect(),
            proof: draft.proof,
            issued,
            expires,
            policy: in_force.digest,
            key,
            idempotency_key: None,
            request_digest: None,
            token_digest: None,
            credential: Some(asker.credential.clone()),
            caveats: draft.caveats.iter().map(ToString::to_string).collect(),
            budgets: draft::recorded(&draft.budgets),
            holder,
            parent: match &renewed {
                Some(renewed) => renewed.row.parent,
                None => request.parent,
            },
            run_ends: Some(draft.run_ends),
            subject_until: known.until,
            labels: request.labels.clone(),
        })
    }

    /// On whose behalf. A renewal without the subject's token goes on as verified for as long as the one it began with
    /// vouches for it, and as asserted afterwards.
    async fn subject(
        &self,
        request: &TokenRequest,
        renewed: Option<&Begun>,
        now: Timestamp,
    ) -> Result<Known, Unminted> {
        match &request.behalf {
            Behalf::Token(token) => {
                let verified = self.identity.verify_subject(token.expose(), now).await?;
                if verified
                    .tenant
                    .is_some_and(|tenant| tenant != request.tenant)
                {
                    return Err(Unminted::SubjectOfOtherTenant);
                }
                Ok(Known {
                    subject: verified.subject,
                    verified: Some(Verified {
                        roles: verified.roles,
                    }),
                    until: Some(verified.expires),
                })
            }
            Behalf::Asserted(subject) => {
                let vouched = renewed
                    .filter(|begun| begun.row.subject == *subject)
                    .and_then(|begun| Some((begun, begun.vouched_until()?)))
                    .filter(|(_, until)| until.since(now) >= LIFE_MIN);
                Ok(Known {
                    subject: subject.clone(),
                    verified: vouched.map(|(begun, _)| Verified {
                        roles: begun.first.roles.iter().cloned().collect(),
                    }),
                    until: vouched.map(|(_, until)| until),
                })
            }
        }
    }

    /// What the token may say: the policy's terms of now, held below the run's, or below those of the run that starts it.
    fn decide(
        &self,
        policy: &Policy,
        asking: Asking<'_>,
        request: &TokenRequest,
        known: &Known,
        above: Option<&Begun>,
        now: Timestamp,
    ) -> Result<Draft, Unminted> {
        let terms = policy.decide(&MintRequest {
            client: asking.client,
            environment: &self.environment,
            route: &request.route,
            tenant: &request.tenant,
            subject: asking.subject,
            verified: known.verified.as_ref(),
            actor: asking.actor,
            tools: request.tools.as_deref(),
            ttl: request.ttl,
        })?;
        let named = match request.run {
            Some(_) => Named::Run,
            None => Named::Parent,
        };
        let began = match (above, request.run) {
            (Some(run), Some(_)) => run.row.started,
            _ => now,
        };
        let mut draft = Draft::of(&terms, began, now);
        if let Some(above) = above {
            let ceiling = above.ceiling().map_err(super::signing::Unsigned::from)?;
            draft = ceiling
                .hold(draft, request.tools.as_deref())
                .map_err(|above| Unminted::RunMismatch {
                    named,
                    misfit: Misfit::Tool(above.0),
                })?;
            let words = hallpass_policy::caveat_words_bytes(&draft.caveats);
            if draft.caveats.len() > hallpass_policy::CAVEATS_MAX
                || words > hallpass_policy::CAVEAT_WORDS_BYTES_MAX
            {
                let misfit = Misfit::Caveats;
                return Err(Unminted::RunMismatch { named, misfit });
            }
        }
        if let Some(audience) = &request.audience {
            let catalogue = policy.catalogue();
            let is_there = |tool: &_| {
                catalogue
                    .tool(tool)
                    .is_some_and(|it| it.audience == *audience)
            };
            draft.keep(is_there);
            if draft.is_empty() {
                return Err(Unminted::AudienceNotAllowed);
            }
        }
        self.without_stopped(&mut draft, request, policy, now)?;
        if draft.is_empty() {
            return Err(PolicyRefusal::ToolsEmpty.into());
        }
        draft.expires = draft.expires.min(draft.run_ends);
        if !lives(draft.expires, now) {
            return Err(Unminted::RunTooLong(named));
        }
        if let Some(until) = known.until {
            draft.expires = draft.expires.min(until);
            if !lives(draft.expires, now) {
                return Err(Unminted::SubjectTokenSpent);
            }
        }
        Ok(draft)
    }
}

/// The agent: the one that is named, or the only one the client may name.
fn actor(policy: &Policy, client: &ClientId, request: &TokenRequest) -> Result<Actor, Unminted> {
    if let Some(actor) = &request.actor {
        return Ok(actor.clone());
    }
    match policy.client(client).map(ClientRule::actors) {
        Some(Pattern::Exact(only)) => only.parse().map_err(|_| Unminted::ActorMissing),
        _ => Err(Unminted::ActorMissing),
    }
}

/// Whether a token issued now and expiring then is one: both are whole seconds.
fn lives(expires: Timestamp, now: Timestamp) -> bool {
    expires.unix_seconds() > now.unix_seconds()
}

/// Whether every call of the token would need a proof of possession.
fn demands_everywhere(policy: &Policy, draft: &Draft) -> bool {
    draft.all_tools().all(|tool| {
        // A tool missing from the catalogue cannot be in a route; were it, the strictest rule holds.
        let known = policy.catalogue().tool(tool);
        draft
            .proof
            .demands(known.map_or(Impact::Destructive, |tool| tool.impact))
    })
}
