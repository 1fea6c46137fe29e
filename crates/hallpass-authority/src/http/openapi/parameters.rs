//! Parameters of paths, queries and headers.

use utoipa::PartialSchema;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Required, Schema};

use super::formats::{
    Actor, ClientName, Moment, OriginText, RouteName, RunIdText, StopIdText, SubjectName,
    TenantName, TokenIdText, ToolText,
};
use crate::http::queries::decisions::{KINDS, VERIFIER_KINDS};
use crate::store::PAGE_ROWS_MAX;

/// A name in a path, with anything in it: what is no id is the id of nothing.
pub(super) fn in_path(name: &str, description: &str) -> Parameter {
    parameter(
        name,
        ParameterIn::Path,
        Required::True,
        plain(),
        description,
    )
}

/// The header that makes a request the same request again.
pub(super) fn idempotency_key() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[!-~]{1,128}$"))
        .into();
    parameter(
        "Idempotency-Key",
        ParameterIn::Header,
        Required::False,
        schema,
        "The same key and the same request are answered with the same token, for 24 hours.",
    )
}

/// For how long a secret that is retired is still good.
pub(super) fn after_seconds() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .into();
    query(
        "after_seconds",
        schema,
        "For how many seconds it is still good.",
    )
}

/// The index of the first record that is shipped.
pub(super) fn from() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .into();
    query("from", schema, "The index of the first record.")
}

/// The version of the bundle that a list of verifiers is asked about.
pub(super) fn version() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .into();
    query(
        "version",
        schema,
        "Tell which verifiers hold neither this version of the bundle nor a later one.",
    )
}

/// What is behind the first record that is shipped.
pub(super) fn frontier() -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).into();
    query(
        "frontier",
        schema,
        "Where earlier records were pruned before anything was shipped: the roots of the perfect subtrees over them, in base64url.",
    )
}

/// The filters of runs.
pub(super) fn of_runs() -> Vec<Parameter> {
    vec![
        flag("active", "Only runs that are neither ended nor over."),
        query("actor", Actor::schema(), "The agent."),
        query(
            "after",
            RunIdText::schema(),
            "The `next` of the page before.",
        ),
        query("client", ClientName::schema(), "Who started it."),
        limit(),
        query(
            "route",
            RouteName::schema(),
            "The policy it was started under.",
        ),
        query("since", Moment::schema(), "Started then or later."),
        query("subject", SubjectName::schema(), "On whose behalf."),
        query("tenant", TenantName::schema(), "Whose data."),
        query(
            "tool",
            ToolText::schema(),
            "May call it, with an approval or without.",
        ),
    ]
}

/// The filters of tokens.
pub(super) fn of_tokens() -> Vec<Parameter> {
    vec![
        flag("active", "Only tokens that have not expired."),
        query(
            "after",
            TokenIdText::schema(),
            "The `next` of the page before.",
        ),
        query("client", ClientName::schema(), "Who asked for it."),
        limit(),
        query("run", RunIdText::schema(), "Of this run."),
        query("tenant", TenantName::schema(), "Whose data."),
    ]
}

/// The filters of stops.
pub(super) fn of_stops() -> Vec<Parameter> {
    vec![
        flag("active", "Only stops that are in force."),
        query(
            "after",
            StopIdText::schema(),
            "The `next` of the page before.",
        ),
        limit(),
    ]
}

/// The filters of decisions.
pub(super) fn of_decisions() -> Vec<Parameter> {
    let kind = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(KINDS.iter().chain(&VERIFIER_KINDS).copied()))
        .into();
    let index = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[0-9]{1,18}$"))
        .into();
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[a-z_]{1,64}$"))
        .into();
    vec![
        query("after", index, "The `next` of the page before."),
        query("client", ClientName::schema(), "About this client."),
        query("code", code, "Refused with this code."),
        query("kind", kind, "Of this kind."),
        limit(),
        query("run", RunIdText::schema(), "About this run."),
        query("since", Moment::schema(), "Recorded then or later."),
        query("subject", SubjectName::schema(), "On whose behalf."),
        query("tenant", TenantName::schema(), "About this tenant."),
        query("token", TokenIdText::schema(), "About this token."),
        query("tool", ToolText::schema(), "About this tool."),
        query("until", Moment::schema(), "Recorded before."),
        query(
            "verifier",
            OriginText::schema(),
            "From the journal of this verifier, as it was shipped, and not from the authority's own.",
        ),
    ]
}

fn limit() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(PAGE_ROWS_MAX))
        .into();
    query("limit", schema, "At most so many; 50 unless it says.")
}

fn flag(name: &str, description: &str) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::Boolean).into();
    query(name, schema, description)
}

fn plain() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[A-Za-z0-9_-]{1,64}$"))
        .into()
}

fn query(name: &str, schema: RefOr<Schema>, description: &str) -> Parameter {
    parameter(
        name,
        ParameterIn::Query,
        Required::False,
        schema,
        description,
    )
}

fn parameter(
    name: &str,
    place: ParameterIn,
    required: Required,
    schema: RefOr<Schema>,
    description: &str,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .schema(Some(schema))
        .description(Some(description))
        .build()
}
