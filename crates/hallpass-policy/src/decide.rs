//! One request for a token, answered: the terms, or a refusal with a stable code.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hallpass_token::{BudgetUnit, Caveat};
use hallpass_vocabulary::{
    Actor, Audience, ClientId, Environment, ProofRule, Role, Route, Subject, Tenant, ToolName,
};

use crate::TTL_SECONDS_MIN;
use crate::effective::Effective;
use crate::policy::Policy;
use crate::route::RouteRule;

/// Who asks for what. The client is authenticated, and so is the subject where `verified` says so; everything else is what
/// the client said.
#[derive(Debug, Clone, Copy)]
pub struct MintRequest<'a> {
    /// The authenticated client.
    pub client: &'a ClientId,
    /// The environment of the authority that is asked.
    pub environment: &'a Environment,
    /// The route the run is started under.
    pub route: &'a Route,
    /// The tenant whose data the run may touch.
    pub tenant: &'a Tenant,
    /// On whose behalf.
    pub subject: &'a Subject,
    /// What the subject's own token said, when the authority verified one; the client's word alone when `None`.
    pub verified: Option<&'a Verified>,
    /// The agent.
    pub actor: &'a Actor,
    /// Only these tools of the route; all of them when `None`.
    pub tools: Option<&'a [ToolName]>,
    /// A shorter life than the route's; the route's when `None`.
    pub ttl: Option<Duration>,
}

/// A subject that proved itself with a token of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// The roles its token gives it, as the policy maps them. A route admits those it names, and no others.
    pub roles: BTreeSet<Role>,
}

/// What a token may say. Tools with and without approval are disjoint and together at most
/// [`crate::TOOLS_PER_ROUTE_MAX`]; the caveats are at most [`crate::CAVEATS_MAX`]. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    effective: Arc<Effective>,
    ttl: Duration,
}

/// Why no token is minted. Closed and stable.
///
/// [`PolicyRefusal::code`] is the whole truth, for the journal. [`PolicyRefusal::public_code`] is for the client, which
/// must not learn from it which routes exist that it may not use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PolicyRefusal {
    /// The route does not admit this actor.
    #[error("the route does not admit this actor")]
    ActorNotAllowed,
    /// The route is not for this environment.
    #[error("the route is not for this environment")]
    EnvironmentNotAllowed,
    /// The route demands a subject that proved itself.
    #[error("the route demands a verified subject")]
    SubjectUnverified,
    /// The route exists, but not for this client.
    #[error("the route does not admit this client")]
    ClientNotAllowed,
    /// No such route.
    #[error("there is no such route")]
    RouteUnknown,
    /// The route is not for this tenant.
    #[error("the route is not for this tenant")]
    TenantNotAllowed,
    /// A requested tool is not one that the route, for this subject, gives.
    #[error("a requested tool is not one of the route's")]
    ToolNotInRoute,
    /// No tool is left to grant.
    #[error("the request leaves no tool to grant")]
    ToolsEmpty,
    /// The requested life is longer than the route's.
    #[error("the requested life is longer than the route allows")]
    TtlTooLong,
    /// The requested life is shorter than a second.
    #[error("the requested life is shorter than a second")]
    TtlTooShort,
}

impl PolicyRefusal {
    /// Every refusal, alphabetically.
    pub const ALL: [Self; 10] = [
        Self::ActorNotAllowed,
        Self::ClientNotAllowed,
        Self::EnvironmentNotAllowed,
        Self::RouteUnknown,
        Self::SubjectUnverified,
        Self::TenantNotAllowed,
        Self::ToolNotInRoute,
        Self::ToolsEmpty,
        Self::TtlTooLong,
        Self::TtlTooShort,
    ];

    /// The stable code, for the journal.
    pub fn code(self) -> &'static str {
        match self {
            Self::ActorNotAllowed => "actor_not_allowed",
            Self::ClientNotAllowed => "client_not_allowed",
            Self::EnvironmentNotAllowed => "environment_not_allowed",
            Self::RouteUnknown => "route_unknown",
            Self::SubjectUnverified => "subject_unverified",
            Self::TenantNotAllowed => "tenant_not_allowed",
            Self::ToolNotInRoute => "tool_not_in_route",
            Self::ToolsEmpty => "tools_empty",
            Self::TtlTooLong => "ttl_too_long",
            Self::TtlTooShort => "ttl_too_short",
        }
    }

    /// The code the client sees: the same for a route that does not exist and one it may not use.
    pub fn public_code(self) -> &'static str {
        match self {
            Self::ClientNotAllowed | Self::RouteUnknown => "route_not_allowed",
            other => other.code(),
        }
    }
}

impl Policy {
    /// Decides one request. The order is fixed, first refusal wins: route, client, environment, tenant, subject, actor, tools,
    /// life.
    ///
    /// # Errors
    /// The refusal.
    pub fn decide(&self, request: &MintRequest<'_>) -> Result<Terms, PolicyRefusal> {
        let rule = self
            .route(request.route)
            .ok_or(PolicyRefusal::RouteUnknown)?;
        let client = self
            .client(request.client)
            .filter(|_| rule.admits_client(request.client))
            .ok_or(PolicyRefusal::ClientNotAllowed)?;
        if !rule.admits_environment(request.environment) {
            return Err(PolicyRefusal::EnvironmentNotAllowed);
        }
        if !rule.admits_tenant(request.tenant) {
            return Err(PolicyRefusal::TenantNotAllowed);
        }
        if rule.verified() && request.verified.is_none() {
            return Err(PolicyRefusal::SubjectUnverified);
        }
        if !rule.admits_actor(request.actor) || !client.admits_actor(request.actor) {
            return Err(PolicyRefusal::ActorNotAllowed);
        }
        let effective = self.effective(rule, request.verified, request.tools)?;
        if effective.tools.is_empty() && effective.needs_approval.is_empty() {
            return Err(PolicyRefusal::ToolsEmpty);
        }
        let ttl = request.ttl.unwrap_or(rule.ttl());
        if ttl > rule.ttl() {
            return Err(PolicyRefusal::TtlTooLong);
        }
        if ttl < Duration::from_secs(TTL_SECONDS_MIN) {
            return Err(PolicyRefusal::TtlTooShort);
        }
        Ok(Terms { effective, ttl })
    }

    fn effective(
        &self,
        rule: &RouteRule,
        verified: Option<&Verified>,
        wanted: Option<&[ToolName]>,
    ) -> Result<Arc<Effective>, PolicyRefusal> {
        if verified.is_none() && wanted.is_none() {
            return Ok(Arc::clone(&rule.base));
        }
        let grants = self.grants_of(rule, verified);
        let (mut tools, mut needs_approval) = grants.tools();
        if let Some(wanted) = wanted {
            let given = |tool| tools.contains(tool) || needs_approval.contains(tool);
            if !wanted.iter().all(given) {
                return Err(PolicyRefusal::ToolNotInRoute);
            }
            tools.retain(|tool| wanted.contains(tool));
            needs_approval.retain(|tool| wanted.contains(tool));
        }
        // A policy in which some roles together have caveats that no token can say is refused when it is checked.
        grants
            .effective(tools, needs_approval, &self.tools)
            .map(Arc::new)
            .map_err(|_| PolicyRefusal::ToolsEmpty)
    }
}

impl Terms {
    /// Tools callable at once.
    pub fn tools(&self) -> &BTreeSet<ToolName> {
        &self.effective.tools
    }

    /// Tools callable only with an approval.
    pub fn needs_approval(&self) -> &BTreeSet<ToolName> {
        &self.effective.needs_approval
    }

    /// The services of all those tools.
    pub fn audiences(&self) -> &BTreeSet<Audience> {
        &self.effective.audiences
    }

    /// The roles of the subject under this route: those the route gives, those of its own that the route admits, and all they
    /// include.
    pub fn roles(&self) -> &[Role] {
        &self.effective.roles
    }

    /// When a call must carry a proof of possession.
    pub fn proof(&self) -> ProofRule {
        self.effective.proof
    }

    /// What every call of the token is bound by, from the start. Each names the tools it binds.
    pub fn caveats(&self) -> &[Caveat] {
        &self.effective.caveats
    }

    /// What the run may spend in all.
    pub fn budgets(&self) -> &BTreeMap<BudgetUnit, u64> {
        &self.effective.budgets
    }

    /// How long the run may go on by renewing, from its first token.
    pub fn run_max(&self) -> Duration {
        self.effective.run_max
    }

    /// The life of the token, in whole seconds at most [`crate::TTL_SECONDS_MAX`].
    pub fn ttl(&self) -> Duration {
        self.ttl
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_only_the_two_route_refusals_share_a_public_one() {
        let codes: BTreeSet<_> = PolicyRefusal::ALL.iter().map(|r| r.code()).collect();
        let public: BTreeSet<_> = PolicyRefusal::ALL.iter().map(|r| r.public_code()).collect();
        assert_eq!(codes.len(), PolicyRefusal::ALL.len());
        assert_eq!(public.len(), PolicyRefusal::ALL.len() - 1);
        assert_eq!(
            PolicyRefusal::RouteUnknown.public_code(),
            PolicyRefusal::ClientNotAllowed.public_code()
        );
    }
}
