//! The file as it is written: names already parsed, each with its place in the text; nothing checked across entries.

use std::collections::BTreeMap;

use hallpass_vocabulary::{Audience, Impact, Pointer, ProofRule, Role, Route, ToolName};
use serde::Deserialize;
use toml::Spanned;

/// One policy file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    #[serde(default)]
    pub(crate) tools: BTreeMap<Spanned<ToolName>, ToolSection>,
    #[serde(default)]
    pub(crate) routes: BTreeMap<Spanned<Route>, RouteSection>,
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
}

/// `[routes."/a/route"]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteSection {
    pub(crate) summary: Spanned<String>,
    pub(crate) clients: Vec<Spanned<String>>,
    pub(crate) tenants: Vec<Spanned<String>>,
    pub(crate) actors: Spanned<String>,
    #[serde(default)]
    pub(crate) roles: Vec<Spanned<Role>>,
    #[serde(default)]
    pub(crate) allow: Vec<Spanned<ToolName>>,
    #[serde(default)]
    pub(crate) require_approval: Vec<Spanned<ToolName>>,
    #[serde(default)]
    pub(crate) without_approval: BTreeMap<Spanned<ToolName>, Spanned<String>>,
    pub(crate) ttl_seconds: Spanned<u64>,
    pub(crate) proof: Spanned<ProofRule>,
    pub(crate) waiver: Option<Spanned<String>>,
}
