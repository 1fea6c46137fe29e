//! The bodies that are sent.
#![allow(dead_code, reason = "only their schemas are used")]

use std::collections::BTreeMap;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::formats::{
    Actor, Audience, HexKey, Moment, RouteName, RunIdText, SelectorText, SubjectName, TenantName,
    TokenIdText, ToolText,
};
use super::key_documents::{RetireKey, RootEnvelope, RotateKey, TaintKey};

/// Every schema of a request by its name.
pub(super) fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = Vec::new();
    macro_rules! add {
        ($($name:ident)+) => {
            $(
                <$name as ToSchema>::schemas(&mut schemas);
                schemas.push((<$name as ToSchema>::name().into_owned(), <$name as PartialSchema>::schema()));
            )+
        };
    }
    add!(
        ClockQuestion EndRun NewSecret NewStop RetireKey RevokeToken RootEnvelope RotateKey TaintKey TokenExchange TokenRequest
    );
    schemas
}

/// What a token is asked for with: `subject` or `subject_token`.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenRequest {
    route: RouteName,
    tenant: TenantName,
    /// On whose behalf, in the client's words.
    #[schema(required = false, nullable = false)]
    subject: Option<SubjectName>,
    /// The subject's own token, a JSON Web Token.
    #[schema(required = false, nullable = false, max_length = 8192)]
    subject_token: Option<String>,
    /// The agent; may be left out where the client may name only one.
    #[schema(required = false, nullable = false)]
    actor: Option<Actor>,
    /// The run to renew.
    #[schema(required = false, nullable = false)]
    run_id: Option<RunIdText>,
    /// The run this one is started by.
    #[schema(required = false, nullable = false)]
    parent_run_id: Option<RunIdText>,
    /// A shorter life than the route's.
    #[schema(required = false, nullable = false, minimum = 1, maximum = 900)]
    ttl_seconds: Option<u64>,
    /// Only these of the route's tools.
    #[schema(required = false, nullable = false, max_items = 64)]
    tools: Option<Vec<ToolText>>,
    /// The key the run is bound to.
    #[schema(required = false, nullable = false)]
    holder_key: Option<HexKey>,
    /// What the client calls the run by.
    #[schema(required = false, nullable = false)]
    labels: Option<BTreeMap<String, String>>,
}

/// A token exchange (RFC 8693).
#[derive(ToSchema)]
pub(super) struct TokenExchange {
    grant_type: String,
    subject_token: String,
    subject_token_type: String,
    route: RouteName,
    tenant: TenantName,
    #[schema(required = false, nullable = false)]
    audience: Option<Audience>,
    /// Tools, separated by spaces.
    #[schema(required = false, nullable = false)]
    scope: Option<String>,
    #[schema(required = false, nullable = false)]
    actor: Option<Actor>,
    #[schema(required = false, nullable = false)]
    run_id: Option<RunIdText>,
    #[schema(required = false, nullable = false)]
    parent_run_id: Option<RunIdText>,
    #[schema(required = false, nullable = false)]
    ttl_seconds: Option<u64>,
    #[schema(required = false, nullable = false)]
    holder_key: Option<HexKey>,
    #[schema(required = false, nullable = false)]
    client_id: Option<String>,
    #[schema(required = false, nullable = false)]
    client_secret: Option<String>,
    #[schema(required = false, nullable = false)]
    client_assertion: Option<String>,
    #[schema(required = false, nullable = false)]
    client_assertion_type: Option<String>,
}

/// What the time is asked for with.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockQuestion {
    /// 16 random bytes in hex.
    #[schema(min_length = 32, max_length = 32)]
    nonce: String,
}

/// Why a run is ended.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndRun {
    #[schema(required = false, nullable = false, min_length = 1, max_length = 512)]
    reason: Option<String>,
}

/// What is to be stopped, and why.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewStop {
    selector: SelectorText,
    #[schema(min_length = 1, max_length = 512)]
    reason: String,
    /// When it ends by itself.
    #[schema(required = false, nullable = false)]
    until: Option<Moment>,
}

/// What is not to be good any more: `token_id` or `secret_id`.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokeToken {
    #[schema(required = false, nullable = false)]
    token_id: Option<TokenIdText>,
    #[schema(required = false, nullable = false)]
    secret_id: Option<String>,
    #[schema(required = false, nullable = false, min_length = 1, max_length = 512)]
    reason: Option<String>,
}

/// What a new secret is asked for with.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSecret {
    /// For how many seconds it is good; for ever when absent.
    #[schema(required = false, nullable = false, minimum = 1)]
    valid_seconds: Option<u64>,
}
