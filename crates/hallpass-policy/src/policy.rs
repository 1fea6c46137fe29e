//! The policy as it is asked: checked, with everything a decision needs computed once.

use std::collections::BTreeMap;

use hallpass_keys::KeyId;
use hallpass_vocabulary::{
    Catalogue, ClientId, GroupName, IssuerName, OperatorId, Role, Route, ToolName,
};

use crate::check;
use crate::client::ClientRule;
use crate::decide::Verified;
use crate::effective::{Grants, Roles, Tools};
use crate::error::PolicyErrors;
use crate::files::PolicyFiles;
use crate::grant::{GrantRule, GrantSource};
use crate::issuer::IssuerRule;
use crate::operator::{GroupRule, OperatorKey, OperatorRule};
use crate::place::Place;
use crate::rates::Limits;
use crate::role::RoleRule;
use crate::route::RouteRule;
use crate::tool::ToolRule;
use crate::warning::Warning;

/// A checked policy. Cheap to ask; immutable, so a reload replaces it whole.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) catalogue: Catalogue,
    pub(crate) clients: BTreeMap<ClientId, ClientRule>,
    /// The rule of every client that a route's patterns fit, where none is declared.
    pub(crate) clients_by_route: Option<ClientRule>,
    pub(crate) groups: BTreeMap<GroupName, GroupRule>,
    pub(crate) issuers: BTreeMap<IssuerName, IssuerRule>,
    pub(crate) limits: Limits,
    pub(crate) operators: BTreeMap<OperatorId, OperatorRule>,
    pub(crate) operator_keys: BTreeMap<KeyId, OperatorId>,
    pub(crate) roles: Roles,
    /// Where the first is named, where none is declared.
    pub(crate) roles_by_route: Option<Place>,
    pub(crate) routes: BTreeMap<Route, RouteRule>,
    pub(crate) tools: Tools,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) digest: String,
}

impl Policy {
    /// Parses and checks the files of a policy together. Their names are used in errors and in the digest.
    ///
    /// # Errors
    /// Everything that is wrong, with file and line. A policy is refused whole.
    pub fn parse(files: &PolicyFiles) -> Result<Self, PolicyErrors> {
        check::check(files)
    }

    /// `sha256:<hex>` over the files: [`PolicyFiles::digest`].
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What is allowed but probably not meant.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Every tool, as verifiers need it.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// A tool, as people and later steps need it.
    pub fn tool(&self, tool: &ToolName) -> Option<&ToolRule> {
        self.tools.get(tool)
    }

    /// Every tool likewise, by name.
    pub fn tools(&self) -> impl Iterator<Item = (&ToolName, &ToolRule)> {
        self.tools.iter()
    }

    /// What a tool does, in its author's words.
    pub fn tool_summary(&self, tool: &ToolName) -> Option<&str> {
        self.tool(tool).map(ToolRule::summary)
    }

    /// The rule of a route.
    pub fn route(&self, route: &Route) -> Option<&RouteRule> {
        self.routes.get(route)
    }

    /// Every route, by name.
    pub fn routes(&self) -> impl Iterator<Item = (&Route, &RouteRule)> {
        self.routes.iter()
    }

    /// A role.
    pub fn role(&self, role: &Role) -> Option<&RoleRule> {
        self.roles.get(role)
    }

    /// Every role, by name.
    pub fn roles(&self) -> impl Iterator<Item = (&Role, &RoleRule)> {
        self.roles.iter()
    }

    /// The grants of which a token under a route is made, the route's own first. What the route denies is still in them.
    pub fn grants<'p>(
        &'p self,
        route: &'p RouteRule,
        verified: Option<&Verified>,
    ) -> Vec<(GrantSource, &'p GrantRule)> {
        self.grants_of(route, verified).into_sources()
    }

    pub(crate) fn grants_of<'p>(
        &'p self,
        route: &'p RouteRule,
        verified: Option<&Verified>,
    ) -> Grants<'p> {
        let proven = verified.map(|verified| &verified.roles);
        let admitted = route
            .subject_roles()
            .iter()
            .filter(|role| proven.is_some_and(|roles| roles.contains(*role)));
        Grants::of(&route.written, admitted, &self.roles)
    }

    /// A client. Where no client is declared, every name that a route's patterns fit is one.
    pub fn client(&self, client: &ClientId) -> Option<&ClientRule> {
        self.clients.get(client).or_else(|| {
            let rule = self.clients_by_route.as_ref()?;
            let mut routes = self.routes.values();
            routes
                .any(|route| route.admits_client(client))
                .then_some(rule)
        })
    }

    /// Whether clients are declared. Where they are not, routes say who is one, as in release 0.1.0.
    pub fn declares_clients(&self) -> bool {
        self.clients_by_route.is_none()
    }

    /// Every client that has a name here, by name.
    pub fn clients(&self) -> impl Iterator<Item = (&ClientId, &ClientRule)> {
        self.clients.iter()
    }

    /// The client whose workload a token fits, as [`crate::Workload::fits`] says; never more than one.
    pub fn client_of_workload<'c>(
        &self,
        issuer: &IssuerName,
        subject: &str,
        claim: impl Fn(&str) -> Option<&'c str>,
    ) -> Option<(&ClientId, &ClientRule)> {
        self.clients.iter().find(|(_, rule)| {
            let workload = rule.workload();
            workload.is_some_and(|workload| workload.fits(issuer, subject, &claim))
        })
    }

    /// The mints a client has in a minute: its own rate, or that of all.
    pub fn client_mints_per_minute(&self, client: &ClientId) -> u32 {
        self.client(client)
            .and_then(ClientRule::mints_per_minute)
            .unwrap_or(self.limits.client_mints_per_minute)
    }

    /// The rates where nothing more particular is said.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// An issuer, by the policy's name for it.
    pub fn issuer(&self, issuer: &IssuerName) -> Option<&IssuerRule> {
        self.issuers.get(issuer)
    }

    /// The issuer of this exact `iss`; no two have one.
    pub fn issuer_of(&self, iss: &str) -> Option<(&IssuerName, &IssuerRule)> {
        self.issuers.iter().find(|(_, rule)| rule.issuer == iss)
    }

    /// Every issuer, by name.
    pub fn issuers(&self) -> impl Iterator<Item = (&IssuerName, &IssuerRule)> {
        self.issuers.iter()
    }

    /// An operator.
    pub fn operator(&self, operator: &OperatorId) -> Option<&OperatorRule> {
        self.operators.get(operator)
    }

    /// The operator who signs with a key.
    pub fn operator_of_key(&self, key: &KeyId) -> Option<OperatorKey<'_>> {
        let (operator, rule) = self.operators.get_key_value(self.operator_keys.get(key)?)?;
        let key = rule.keys.iter().find(|known| known.id() == *key)?;
        Some(OperatorKey {
            operator,
            rule,
            key,
        })
    }

    /// Every operator, by name.
    pub fn operators(&self) -> impl Iterator<Item = (&OperatorId, &OperatorRule)> {
        self.operators.iter()
    }

    /// An approval group.
    pub fn group(&self, group: &GroupName) -> Option<&GroupRule> {
        self.groups.get(group)
    }

    /// Every approval group, by name.
    pub fn groups(&self) -> impl Iterator<Item = (&GroupName, &GroupRule)> {
        self.groups.iter()
    }
}
