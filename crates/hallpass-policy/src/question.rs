//! A request for a token, as people ask about it: owned, and not yet made.

use std::time::Duration;

use hallpass_vocabulary::{Actor, ClientId, Environment, Route, Subject, Tenant, ToolName};

use crate::decide::{MintRequest, Verified};

/// Who would ask for what. [`Question::request`] is what [`Policy::decide`](crate::Policy::decide) takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The client that would ask.
    pub client: ClientId,
    /// The environment of the authority that would be asked.
    pub environment: Environment,
    /// The route.
    pub route: Route,
    /// The tenant.
    pub tenant: Tenant,
    /// On whose behalf.
    pub subject: Subject,
    /// What the subject's own token would say; the client's word alone when `None`.
    pub verified: Option<Verified>,
    /// The agent.
    pub actor: Actor,
    /// Only these tools; all of them when `None`.
    pub tools: Option<Vec<ToolName>>,
    /// A shorter life than the route's; the route's when `None`.
    pub ttl: Option<Duration>,
}

impl Question {
    /// The request it would be.
    pub fn request(&self) -> MintRequest<'_> {
        MintRequest {
            client: &self.client,
            environment: &self.environment,
            route: &self.route,
            tenant: &self.tenant,
            subject: &self.subject,
            verified: self.verified.as_ref(),
            actor: &self.actor,
            tools: self.tools.as_deref(),
            ttl: self.ttl,
        }
    }
}
