//! One request for a token, answered: the terms, or a refusal with a stable code.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hallpass_token::{BudgetUnit, Caveat};
use hallpass_vocabulary::{
    Actor, Audience, Catalogue, ClientId, Environment, ProofRule, Role, Route, Subject, Tenant,
    ToolName,
};

use crate::TTL_SECONDS_MIN;
use crate::policy::{Grant, Policy};

/// How long a run goes on whose route does not say.
const RUN_SECONDS_DEFAULT: Duration = Duration::from_secs(24 * 60 * 60);

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
/// [`crate::TOOLS_PER_ROUTE_MAX`]. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    grant: Arc<Grant>,
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
    /// A requested tool is not one of the route's.
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
    /// Decides one request. The order is fixed, first refusal wins: route, client, tenant, actor, tools, life.
    ///
    /// # Errors
    /// The refusal.
    pub fn decide(&self, request: &MintRequest<'_>) -> Result<Terms, PolicyRefusal> {
        let rule = self
            .routes
            .get(request.route)
            .ok_or(PolicyRefusal::RouteUnknown)?;
        if !rule.admits_client(request.client) {
            return Err(PolicyRefusal::ClientNotAllowed);
        }
        if !rule.admits_tenant(request.tenant) {
            return Err(PolicyRefusal::TenantNotAllowed);
        }
        if !rule.admits_actor(request.actor) {
            return Err(PolicyRefusal::ActorNotAllowed);
        }
        let grant = match request.tools {
            None => Arc::clone(&rule.grant),
            Some(tools) => Arc::new(rule.grant.narrowed(tools, &self.catalogue)?),
        };
        if grant.tools.is_empty() && grant.needs_approval.is_empty() {
            return Err(PolicyRefusal::ToolsEmpty);
        }
        let ttl = request.ttl.unwrap_or(rule.ttl);
        if ttl > rule.ttl {
            return Err(PolicyRefusal::TtlTooLong);
        }
        if ttl < Duration::from_secs(TTL_SECONDS_MIN) {
            return Err(PolicyRefusal::TtlTooShort);
        }
        Ok(Terms { grant, ttl })
    }
}

impl Grant {
    fn narrowed(&self, wanted: &[ToolName], catalogue: &Catalogue) -> Result<Self, PolicyRefusal> {
        let mut narrowed = Self {
            tools: BTreeSet::new(),
            needs_approval: BTreeSet::new(),
            audiences: BTreeSet::new(),
            roles: self.roles.clone(),
            proof: self.proof,
        };
        for tool in wanted {
            let side = if self.tools.contains(tool) {
                &mut narrowed.tools
            } else if self.needs_approval.contains(tool) {
                &mut narrowed.needs_approval
            } else {
                return Err(PolicyRefusal::ToolNotInRoute);
            };
            side.insert(tool.clone());
            // Every tool of a route is in the catalogue: `check` refuses any other.
            let known = catalogue.tool(tool).ok_or(PolicyRefusal::ToolNotInRoute)?;
            narrowed.audiences.insert(known.audience.clone());
        }
        Ok(narrowed)
    }
}

impl Terms {
    /// Tools callable at once.
    pub fn tools(&self) -> &BTreeSet<ToolName> {
        &self.grant.tools
    }

    /// Tools callable only with an approval.
    pub fn needs_approval(&self) -> &BTreeSet<ToolName> {
        &self.grant.needs_approval
    }

    /// The services of all those tools.
    pub fn audiences(&self) -> &BTreeSet<Audience> {
        &self.grant.audiences
    }

    /// The roles the policy gives the subject under this route.
    pub fn roles(&self) -> &[Role] {
        &self.grant.roles
    }

    /// When a call must carry a proof of possession.
    pub fn proof(&self) -> ProofRule {
        self.grant.proof
    }

    /// What every call of the token is bound by, from the start.
    pub fn caveats(&self) -> &[Caveat] {
        &[]
    }

    /// What the run may spend in all.
    pub fn budgets(&self) -> &BTreeMap<BudgetUnit, u64> {
        const NONE: &BTreeMap<BudgetUnit, u64> = &BTreeMap::new();
        NONE
    }

    /// How long the run may go on by renewing, from its first token.
    pub fn run_max(&self) -> Duration {
        RUN_SECONDS_DEFAULT
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
