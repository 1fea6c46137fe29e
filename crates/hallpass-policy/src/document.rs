//! The file as it is written: names already parsed, each with its place in the text; nothing checked across entries.

use std::collections::BTreeMap;

use hallpass_keys::VerifyingKey;
use hallpass_vocabulary::{
    Audience, ClientId, Environment, GroupName, Impact, IssuerName, OperatorId, OperatorRole,
    PersonId, Pointer, ProofRule, Role, Route, ToolName,
};
use serde::Deserialize;
use toml::Spanned;

use crate::issuer::{Algorithm, Vouches};

/// The sections of one kind: each name once, with its place.
pub(crate) type Sections<K, S> = BTreeMap<Spanned<K>, S>;

/// One policy file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Document {
    pub(crate) clients: Sections<ClientId, ClientSection>,
    pub(crate) groups: Sections<GroupName, GroupSection>,
    pub(crate) issuers: Sections<IssuerName, IssuerSection>,
    pub(crate) limits: Option<Spanned<LimitsSection>>,
    pub(crate) operators: Sections<OperatorId, OperatorSection>,
    pub(crate) roles: Sections<Role, RoleSection>,
    pub(crate) routes: Sections<Route, RouteSection>,
    pub(crate) tools: Sections<ToolName, ToolSection>,
}

/// `[clients."name"]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientSection {
    pub(crate) summary: Spanned<String>,
    pub(crate) actors: Spanned<String>,
    pub(crate) mints_per_minute: Option<Spanned<u64>>,
    pub(crate) issuer: Option<Spanned<IssuerName>>,
    pub(crate) subject: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) claims: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// `[groups."name"]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupSection {
    pub(crate) summary: Spanned<String>,
    pub(crate) members: Spanned<Vec<Spanned<OperatorId>>>,
}

/// `[issuers.name]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuerSection {
    pub(crate) issuer: Spanned<String>,
    pub(crate) audience: Spanned<String>,
    pub(crate) jwks_url: Option<Spanned<String>>,
    pub(crate) jwks_file: Option<Spanned<String>>,
    pub(crate) ca_file: Option<Spanned<String>>,
    pub(crate) algorithms: Spanned<Vec<Spanned<Algorithm>>>,
    #[serde(rename = "for")]
    pub(crate) vouches: Spanned<Vec<Spanned<Vouches>>>,
    pub(crate) subject_claim: Option<Spanned<String>>,
    pub(crate) subject_prefix: Option<Spanned<String>>,
    pub(crate) roles_claim: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) roles: BTreeMap<Spanned<String>, Spanned<Role>>,
    pub(crate) tenant_claim: Option<Spanned<String>>,
}

/// `[limits]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsSection {
    pub(crate) client_mints_per_minute: Option<Spanned<u64>>,
    pub(crate) tenant_mints_per_minute: Option<Spanned<u64>>,
}

/// `[operators."op:name"]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OperatorSection {
    pub(crate) person: PersonId,
    pub(crate) keys: Spanned<Vec<Spanned<VerifyingKey>>>,
    pub(crate) roles: Spanned<Vec<Spanned<OperatorRole>>>,
}

/// `[roles.name]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleSection {
    pub(crate) summary: Spanned<String>,
    #[serde(default)]
    pub(crate) includes: Vec<Spanned<Role>>,
    #[serde(default)]
    pub(crate) allow: Vec<Spanned<ToolName>>,
    #[serde(default)]
    pub(crate) require_approval: Vec<Spanned<ToolName>>,
    #[serde(default)]
    pub(crate) without_approval: BTreeMap<Spanned<ToolName>, Spanned<String>>,
    #[serde(default)]
    pub(crate) caveats: Vec<Spanned<String>>,
}

/// `[routes."/a/route"]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteSection {
    pub(crate) summary: Spanned<String>,
    pub(crate) clients: Vec<Spanned<String>>,
    pub(crate) tenants: Vec<Spanned<String>>,
    pub(crate) environments: Option<Vec<Spanned<Environment>>>,
    pub(crate) actors: Spanned<String>,
    #[serde(default)]
    pub(crate) verified: bool,
    #[serde(default)]
    pub(crate) roles: Vec<Spanned<Role>>,
    #[serde(default)]
    pub(crate) subject_roles: Vec<Spanned<Role>>,
    #[serde(default)]
    pub(crate) allow: Vec<Spanned<ToolName>>,
    #[serde(default)]
    pub(crate) require_approval: Vec<Spanned<ToolName>>,
    #[serde(default)]
    pub(crate) without_approval: BTreeMap<Spanned<ToolName>, Spanned<String>>,
    #[serde(default)]
    pub(crate) deny: Vec<Spanned<ToolName>>,
    #[serde(default)]
    pub(crate) caveats: Vec<Spanned<String>>,
    pub(crate) ttl_seconds: Spanned<u64>,
    pub(crate) run_max_seconds: Option<Spanned<u64>>,
    pub(crate) proof: Spanned<ProofRule>,
    pub(crate) waiver: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) budgets: BudgetsSection,
}

/// `[routes."/a/route".budgets]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetsSection {
    pub(crate) calls: Option<Spanned<u64>>,
    pub(crate) usd_micros: Option<Spanned<u64>>,
}

/// `[tools."noun.verb"]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolSection {
    pub(crate) audience: Audience,
    pub(crate) impact: Impact,
    pub(crate) summary: Spanned<String>,
    #[serde(default)]
    pub(crate) recorded: Vec<Spanned<Pointer>>,
    #[serde(default)]
    pub(crate) sensitive: Vec<Spanned<Pointer>>,
    pub(crate) acts_on: Option<Spanned<String>>,
    pub(crate) undo: Option<Spanned<String>>,
    pub(crate) preview: Option<Spanned<String>>,
    pub(crate) schema: Option<Spanned<toml::Value>>,
    #[serde(default)]
    pub(crate) limits: ToolLimitsSection,
}

/// `[tools."noun.verb".limits]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolLimitsSection {
    pub(crate) calls_per_minute: Option<Spanned<u64>>,
}
