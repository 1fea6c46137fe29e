//! The words every other crate uses: identifiers, names, impacts, the tool catalogue, denial codes and the clock.
//!
//! Floor 0. Nothing here knows what a token is made of: no cryptography, no JSON policy, no Biscuit. Everything is
//! plain data that parses on the way in ([`Tenant::new`], [`TokenId`]'s `FromStr`) and cannot be wrong afterwards.

mod answered_by;
mod catalogue;
mod clock;
mod clock_exchange;
mod denial;
mod id;
mod impact;
mod mcp_form;
mod name;
mod operator_role;
mod origin;
mod pointer;
mod pointers;
mod proof_rule;
mod timestamp;

pub use answered_by::AnsweredBy;
pub use catalogue::{
    Catalogue, CatalogueError, POINTERS_PER_CATALOGUE_BYTES_MAX, TOOLS_PER_CATALOGUE_MAX, Tool,
};
pub use clock::{Clock, ClockBasis, SystemClock};
pub use clock_exchange::{CLOCK_ROUND_TRIP_MAX, ClockExchange};
pub use denial::{DenialCode, UnknownDenialCode};
pub use id::{DecisionId, InvalidId, RequestId, RunId, StopId, TokenId};
pub use impact::{Impact, UnknownImpact};
pub use mcp_form::McpForm;
pub use name::{
    Actor, Audience, AuthorityId, ClientId, Environment, GroupName, IncidentId, InvalidName,
    IssuerName, NAME_BYTES_MAX, OperatorId, PersonId, Role, Route, Subject, Tenant, ToolName,
};
pub use operator_role::OperatorRole;
pub use origin::{InvalidOrigin, OriginId};
pub use pointer::{
    InvalidPointer, POINTER_BYTES_MAX, Pointer, is_same_name_in_any_case, name_in_one_case,
};
pub use pointers::{InvalidPointers, POINTERS_BYTES_MAX, POINTERS_PER_LIST_MAX, Pointers};
pub use proof_rule::{ProofRule, SubjectAssurance, UnknownWord};
pub use timestamp::{InvalidTimestamp, Timestamp};
