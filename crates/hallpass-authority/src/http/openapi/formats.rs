//! Names, identifiers and times as schemas: what the vocabulary's types accept, as patterns.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::http::problem::ProblemCode;

/// A text of a pattern, with an example that matches it.
fn text(pattern: &str, max: usize, example: &str, description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .max_length(Some(max))
        .examples([example])
        .description(Some(description))
        .into()
}

macro_rules! formats {
    ($($(#[$doc:meta])* $name:ident $pattern:literal $max:literal $example:literal $description:literal;)+) => {
        $(
            $(#[$doc])*
            pub(super) struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    text($pattern, $max, $example, $description)
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    stringify!($name).into()
                }
            }
        )+

        /// Each with its example, to be tried on the types that read them.
        #[cfg(test)]
        pub(super) const EXAMPLES: &[(&str, &str)] = &[$((stringify!($name), $example)),+];
    };
}

formats! {
    Actor "^agent:[!#-&(-\\[\\]-_a-~]{1,120}$" 128 "agent:support-bot" "The agent";
    Audience "^[a-z][a-z0-9-]{0,63}$" 64 "tickets" "A service";
    AuthorityName "^[a-z][a-z0-9.-]{0,63}$" 64 "prod.hallpass" "An authority";
    ClientName "^[a-z][a-z0-9-]{0,63}$" 64 "helpdesk" "An orchestrator";
    DecisionIdText "^dec_[0-9a-f]{32}$" 36 "dec_018f3c1e5b7a7000800000000000002a" "A decision";
    DigestText "^sha256:[0-9a-f]{64}$" 71 "sha256:0000000000000000000000000000000000000000000000000000000000000000" "A SHA-256 digest";
    EnvironmentName "^[a-z][a-z0-9-]{0,31}$" 32 "prod" "An environment";
    GroupText "^[a-z][a-z0-9-]{0,63}$" 64 "support-leads" "A group of people who may approve";
    HexKey "^[0-9a-f]{64}$" 64 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" "An Ed25519 public key";
    KeyIdText "^[0-9a-f]{64}$" 64 "fe812c12f3ab4ce6ac5db69ac352f906cb1b11ef43fb33e252ef7ff552263889" "The id of a key";
    OperatorName "^op:[!#-&(-\\[\\]-_a-~]{1,120}$" 128 "op:dana" "A person who operates the authority, under one of their names";
    OriginText "^[0-9a-f]{16}$" 16 "0011223344556677" "A verifier, by the last part of the name of its journal";
    PersonName "^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$" 64 "dana" "A human being";
    RequestIdText "^req_[0-9a-f]{32}$" 36 "req_018f3c1e5b7a7000800000000000002a" "One request";
    RoleName "^[a-z][a-z0-9_-]{0,63}$" 64 "support_agent" "A role of the subject";
    RouteName "^(/[a-z0-9_-]{1,31}){1,4}$" 128 "/support/draft" "The policy a run is started under";
    RunIdText "^run_[0-9a-f]{32}$" 36 "run_018f3c1e5b7a7000800000000000002a" "A run";
    SelectorText "^(everything|(actor|audience|client|environment|route|run|subject|tenant|token|tool):[!-~]{1,128})$" 140 "tenant:acme" "What a stop is about";
    StopIdText "^stop_[0-9a-f]{32}$" 37 "stop_018f3c1e5b7a7000800000000000002a" "A stop";
    SubjectName "^(user|service):[!#-&(-\\[\\]-_a-~]{1,100}$" 128 "user:alice" "On whose behalf";
    TenantName "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" 64 "acme" "The customer whose data the run may touch";
    TokenIdText "^tok_[0-9a-f]{32}$" 36 "tok_018f3c1e5b7a7000800000000000002a" "A token, never its bytes";
    ToolText "^[a-z][a-z0-9_]{0,15}(\\.[a-z][a-z0-9_]{0,14}){1,3}$" 64 "kb.search" "A tool";
}

/// Why a request was not granted: one of a closed list.
pub(super) struct ProblemCodeText;

impl PartialSchema for ProblemCodeText {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(ProblemCode::ALL.iter().map(|code| code.as_str())))
            .into()
    }
}

impl ToSchema for ProblemCodeText {
    fn name() -> Cow<'static, str> {
        "ProblemCode".into()
    }
}

/// A moment, RFC 3339 in UTC.
pub(super) struct Moment;

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2026-11-21T12:10:00.000Z"])
            .into()
    }
}

impl ToSchema for Moment {
    fn name() -> Cow<'static, str> {
        "Moment".into()
    }
}
