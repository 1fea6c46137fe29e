//! The routes: who may start which runs, and what they get.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hallpass_token::BudgetUnit;
use hallpass_vocabulary::{Actor, ClientId, Environment, ProofRule, Role, Tenant, ToolName};

use crate::effective::Effective;
use crate::grant::GrantRule;
use crate::pattern::Pattern;
use crate::place::Place;

/// What one route grants, and to whom.
#[derive(Debug, Clone)]
pub struct RouteRule {
    pub(crate) base: Arc<Effective>,
    pub(crate) written: RouteWritten,
}

/// A route as it is written, names resolved.
#[derive(Debug, Clone)]
pub(crate) struct RouteWritten {
    pub(crate) place: Place,
    pub(crate) summary: String,
    pub(crate) clients: Vec<Pattern>,
    pub(crate) tenants: Tenants,
    pub(crate) environments: Option<BTreeSet<Environment>>,
    pub(crate) actors: Pattern,
    pub(crate) verified: bool,
    pub(crate) roles: BTreeSet<Role>,
    pub(crate) subject_roles: BTreeSet<Role>,
    pub(crate) grant: GrantRule,
    pub(crate) deny: BTreeSet<ToolName>,
    pub(crate) ttl: Duration,
    pub(crate) run_max: Duration,
    pub(crate) budgets: BTreeMap<BudgetUnit, u64>,
    pub(crate) proof: ProofRule,
    pub(crate) proof_waiver: Option<String>,
}

/// The tenants a route is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenants {
    /// Every tenant (`["*"]`).
    Any,
    /// These.
    Only(BTreeSet<Tenant>),
}

impl RouteRule {
    /// What the route is for, in its author's words.
    pub fn summary(&self) -> &str {
        &self.written.summary
    }

    /// The clients that may start runs under it.
    pub fn clients(&self) -> &[Pattern] {
        &self.written.clients
    }

    /// The tenants it is for.
    pub fn tenants(&self) -> &Tenants {
        &self.written.tenants
    }

    /// The environments it is for; every one when `None`.
    pub fn environments(&self) -> Option<&BTreeSet<Environment>> {
        self.written.environments.as_ref()
    }

    /// The agents that may act under it. The client's own pattern must fit too.
    pub fn actors(&self) -> &Pattern {
        &self.written.actors
    }

    /// Whether the subject must have proved itself.
    pub fn verified(&self) -> bool {
        self.written.verified
    }

    /// The roles every subject has under it, without those they include.
    pub fn roles(&self) -> &BTreeSet<Role> {
        &self.written.roles
    }

    /// The roles it admits from the token of a subject that proved itself, without those they include.
    pub fn subject_roles(&self) -> &BTreeSet<Role> {
        &self.written.subject_roles
    }

    /// What it gives by itself, without its roles and before what it denies.
    pub fn grant(&self) -> &GrantRule {
        &self.written.grant
    }

    /// Tools nobody gets under it, whatever gives them.
    pub fn deny(&self) -> &BTreeSet<ToolName> {
        &self.written.deny
    }

    /// The longest life of a token minted under it.
    pub fn ttl(&self) -> Duration {
        self.written.ttl
    }

    /// How long a run may go on by renewing.
    pub fn run_max(&self) -> Duration {
        self.written.run_max
    }

    /// What a run may spend in all.
    pub fn budgets(&self) -> &BTreeMap<BudgetUnit, u64> {
        &self.written.budgets
    }

    /// Tools callable at once by a subject with no roles of its own: the route's own and those of its roles, but what it
    /// denies.
    pub fn tools(&self) -> &BTreeSet<ToolName> {
        &self.base.tools
    }

    /// Likewise, tools callable only with an approval.
    pub fn needs_approval(&self) -> &BTreeSet<ToolName> {
        &self.base.needs_approval
    }

    /// Tools the route itself lets write without an approval, each with the reason its author gave.
    pub fn waived_writes(&self) -> &BTreeMap<ToolName, String> {
        &self.written.grant.without_approval
    }

    /// When a call must carry a proof of possession.
    pub fn proof(&self) -> ProofRule {
        self.written.proof
    }

    /// Why proofs are waived, where that needed a reason.
    pub fn proof_waiver(&self) -> Option<&str> {
        self.written.proof_waiver.as_deref()
    }

    /// Where it is written.
    pub fn place(&self) -> &Place {
        &self.written.place
    }

    pub(crate) fn admits_client(&self, client: &ClientId) -> bool {
        self.clients().iter().any(|p| p.matches(client.as_str()))
    }

    pub(crate) fn admits_tenant(&self, tenant: &Tenant) -> bool {
        match self.tenants() {
            Tenants::Any => true,
            Tenants::Only(tenants) => tenants.contains(tenant),
        }
    }

    pub(crate) fn admits_environment(&self, environment: &Environment) -> bool {
        self.environments()
            .is_none_or(|environments| environments.contains(environment))
    }

    pub(crate) fn admits_actor(&self, actor: &Actor) -> bool {
        self.actors().matches(actor.as_str())
    }
}
