//! The authority's policy: which tools exist, and which route grants what to whom, as strict TOML.
//!
//! Deny by default. A [`Policy`] is parsed from one or more files ([`PolicyFiles`]) by [`Policy::parse`], which refuses unknown keys,
//! unknown names and grants that are wider than the ceilings allow, each with its file and line. [`Policy::decide`]
//! answers one request for a token: [`Terms`], or a [`PolicyRefusal`] with a stable code. It is pure: no clock, no I/O.
//!
//! ```
//! use hallpass_policy::{MintRequest, Policy, PolicyFiles, starter};
//!
//! let policy = Policy::parse(&PolicyFiles::from([("starter.toml", starter())]))?;
//! let terms = policy.decide(&MintRequest {
//!     client: &"demo-orchestrator".parse()?,
//!     environment: &"dev".parse()?,
//!     route: &"/support/send".parse()?,
//!     tenant: &"acme".parse()?,
//!     subject: &"user:alice".parse()?,
//!     verified: None,
//!     actor: &"agent:support-bot".parse()?,
//!     tools: None,
//!     ttl: None,
//! })?;
//! assert!(terms.needs_approval().contains("ticket.update"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The format is described in `docs/policy.md`; [`starter`] is a commented example.

mod ceilings;
mod change;
mod check;
mod client;
mod decide;
mod diff;
mod digest;
mod directory;
mod document;
mod effective;
mod error;
mod expectation;
mod explanation;
mod fault;
mod files;
mod grant;
mod grid;
mod issuer;
mod narrowing;
mod nearest;
mod operator;
mod pattern;
mod place;
mod policy;
mod question;
mod rates;
mod rehearsal;
mod role;
mod route;
mod tool;
mod union;
mod warning;
mod words;

pub use ceilings::{
    APPROVAL_ARGUMENTS_MAX, AUDIENCES_PER_ROUTE_MAX, BOUND_ROLES_PER_ROUTE_MAX,
    CAVEAT_WORDS_BYTES_MAX, CAVEATS_MAX, CLAIMS_PER_CLIENT_MAX, CLIENT_MINTS_PER_MINUTE_DEFAULT,
    CLIENTS_PER_POLICY_MAX, CLIENTS_PER_ROUTE_MAX, FAULTS_PER_FILE_MAX, GROUPS_PER_POLICY_MAX,
    INCLUDE_DEPTH_MAX, ISSUERS_PER_POLICY_MAX, KEYS_PER_OPERATOR_MAX, MEMBERS_PER_GROUP_MAX,
    OPERATORS_PER_POLICY_MAX, OUTSIDE_NAME_CHARS_MAX, PER_MINUTE_MAX, POLICY_FILE_BYTES_MAX,
    POLICY_FILE_NAME_CHARS_MAX, POLICY_FILES_MAX, PREVIEW_CHARS_MAX, PROSE_CHARS_MAX,
    REASON_CHARS_MIN, ROLES_PER_ISSUER_MAX, ROLES_PER_POLICY_MAX, ROLES_PER_ROUTE_MAX,
    ROUTES_PER_POLICY_MAX, RUN_SECONDS_DEFAULT, RUN_SECONDS_MAX, TENANT_MINTS_PER_MINUTE_DEFAULT,
    TOOLS_PER_ROUTE_MAX, TTL_SECONDS_MAX, TTL_SECONDS_MIN,
};
pub use change::{Change, ChangeKind, Direction, Entry};
pub use client::{ClientRule, Workload};
pub use decide::{MintRequest, PolicyRefusal, Terms, Verified};
pub use directory::DirectoryError;
pub use error::{PolicyError, PolicyErrors};
pub use expectation::{
    Difference, Expectation, ExpectationError, ExpectationErrors, ExpectationFault, Outcome,
};
pub use explanation::{Condition, Explanation, Given, RoleReason, ToolReason};
pub use fault::Fault;
pub use files::PolicyFiles;
pub use grant::{BoundCaveat, GrantRule, GrantSource};
pub use grid::{Cell, Grid, GridRow};
pub use issuer::{Algorithm, IssuerRule, KeySource, SubjectClaims, Vouches};
pub use narrowing::{Edit, Narrowed, NarrowingError, Unneeded};
pub use nearest::nearest;
pub use operator::{GroupRule, OperatorKey, OperatorRule};
pub use pattern::{InvalidPattern, Pattern};
pub use place::Place;
pub use policy::Policy;
pub use question::Question;
pub use rates::Limits;
pub use rehearsal::CallAnswer;
pub use role::RoleRule;
pub use route::{RouteRule, Tenants};
pub use tool::{ToolLimits, ToolRule, Undo};
pub use warning::{Concern, Unusable, Warning};
pub use words::caveat_words_bytes;

/// The commented policy a new authority starts with, as the text of its `policy/starter.toml`.
pub fn starter() -> &'static str {
    include_str!("starter.toml")
}
