//! The policy as it is asked: checked, with everything a decision needs computed once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hallpass_vocabulary::{
    Actor, Audience, Catalogue, ClientId, ProofRule, Role, Route, Tenant, ToolName,
};

use crate::check;
use crate::digest::digest;
use crate::error::PolicyErrors;
use crate::pattern::Pattern;
use crate::warning::Warning;

/// A checked policy. Cheap to ask; immutable, so a reload replaces it whole.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) catalogue: Catalogue,
    pub(crate) summaries: BTreeMap<ToolName, String>,
    pub(crate) routes: BTreeMap<Route, RouteRule>,
    pub(crate) warnings: Vec<Warning>,
    digest: String,
}

/// What one route grants, and to whom.
#[derive(Debug, Clone)]
pub struct RouteRule {
    pub(crate) summary: String,
    pub(crate) clients: Vec<Pattern>,
    pub(crate) tenants: Tenants,
    pub(crate) actors: Pattern,
    pub(crate) ttl: Duration,
    pub(crate) grant: Arc<Grant>,
    pub(crate) waived_writes: BTreeMap<ToolName, String>,
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

/// The part of the terms that every unnarrowed token of a route shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) tools: BTreeSet<ToolName>,
    pub(crate) needs_approval: BTreeSet<ToolName>,
    pub(crate) audiences: BTreeSet<Audience>,
    pub(crate) roles: Vec<Role>,
    pub(crate) proof: ProofRule,
}

impl Policy {
    /// Parses and checks a policy of several files, each `(name, text)`. The names are used in errors and in the digest.
    ///
    /// # Errors
    /// Everything that is wrong, with file and line. A policy is refused whole.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, PolicyErrors> {
        let checked = check::check(files)?;
        Ok(Self {
            catalogue: checked.catalogue,
            summaries: checked.summaries,
            routes: checked.routes,
            warnings: checked.warnings,
            digest: digest(files),
        })
    }

    /// `sha256:<hex>` over the files: what `LC_ALL=C sha256sum *.toml | sha256sum` prints in the policy directory.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Every tool, as verifiers need it.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// What a tool does, in its author's words.
    pub fn tool_summary(&self, tool: &ToolName) -> Option<&str> {
        self.summaries.get(tool).map(String::as_str)
    }

    /// The rule of a route.
    pub fn route(&self, route: &Route) -> Option<&RouteRule> {
        self.routes.get(route)
    }

    /// Every route, by name.
    pub fn routes(&self) -> impl Iterator<Item = (&Route, &RouteRule)> {
        self.routes.iter()
    }

    /// What is allowed but probably not meant.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl RouteRule {
    /// What the route is for, in its author's words.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The clients that may start runs under it.
    pub fn clients(&self) -> &[Pattern] {
        &self.clients
    }

    /// The tenants it is for.
    pub fn tenants(&self) -> &Tenants {
        &self.tenants
    }

    /// The agents that may act under it.
    pub fn actors(&self) -> &Pattern {
        &self.actors
    }

    /// The longest life of a token minted under it.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Tools callable at once.
    pub fn tools(&self) -> &BTreeSet<ToolName> {
        &self.grant.tools
    }

    /// Tools callable only with an approval.
    pub fn needs_approval(&self) -> &BTreeSet<ToolName> {
        &self.grant.needs_approval
    }

    /// Tools that write and are callable without an approval, each with the reason its author gave.
    pub fn waived_writes(&self) -> &BTreeMap<ToolName, String> {
        &self.waived_writes
    }

    /// When a call must carry a proof of possession.
    pub fn proof(&self) -> ProofRule {
        self.grant.proof
    }

    /// Why proofs are waived, where that needed a reason.
    pub fn proof_waiver(&self) -> Option<&str> {
        self.proof_waiver.as_deref()
    }

    pub(crate) fn admits_client(&self, client: &ClientId) -> bool {
        self.clients.iter().any(|p| p.matches(client.as_str()))
    }

    pub(crate) fn admits_tenant(&self, tenant: &Tenant) -> bool {
        match &self.tenants {
            Tenants::Any => true,
            Tenants::Only(tenants) => tenants.contains(tenant),
        }
    }

    pub(crate) fn admits_actor(&self, actor: &Actor) -> bool {
        self.actors.matches(actor.as_str())
    }
}
