//! The file as it is written.

use hallpass_vocabulary::{Actor, ClientId, Environment, Role, Route, Subject, Tenant, ToolName};
use serde::Deserialize;
use toml::Spanned;

use super::CallWord;

/// One file of expectations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(default)]
    pub(super) defaults: Asked,
    #[serde(default)]
    pub(super) expect: Vec<Spanned<Section>>,
}

/// `[defaults]`: who asks, where an expectation does not say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    pub(super) client: Option<ClientId>,
    pub(super) environment: Option<Environment>,
    pub(super) route: Option<Route>,
    pub(super) tenant: Option<Tenant>,
    pub(super) subject: Option<Subject>,
    pub(super) actor: Option<Actor>,
}

/// `[[expect]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    pub(super) name: Spanned<String>,
    pub(super) client: Option<ClientId>,
    pub(super) environment: Option<Environment>,
    pub(super) route: Option<Spanned<Route>>,
    pub(super) tenant: Option<Tenant>,
    pub(super) subject: Option<Subject>,
    pub(super) actor: Option<Actor>,
    #[serde(default)]
    pub(super) verified: bool,
    pub(super) subject_roles: Option<Vec<Spanned<Role>>>,
    pub(super) tools: Option<Vec<Spanned<ToolName>>>,
    pub(super) ttl_seconds: Option<u64>,

    pub(super) allow: Option<Vec<Spanned<ToolName>>>,
    pub(super) needs_approval: Option<Vec<Spanned<ToolName>>>,
    #[serde(default)]
    pub(super) deny: Vec<Spanned<ToolName>>,
    pub(super) refused: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) calls: Vec<Spanned<Call>>,
}

/// `[[expect.calls]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    pub(super) tool: Spanned<ToolName>,
    pub(super) arguments: Option<Spanned<toml::Value>>,
    pub(super) answer: CallWord,
}
