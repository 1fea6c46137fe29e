//! The authority's policy: which tools exist, and which route grants what to whom, as strict TOML.
//!
//! Deny by default. A [`Policy`] is parsed from one or more files by [`Policy::parse`], which refuses unknown keys,
//! unknown names and grants that are wider than the ceilings allow, each with its file and line. [`Policy::decide`]
//! answers one request for a token: [`Terms`], or a [`PolicyRefusal`] with a stable code. It is pure: no clock, no I/O.
//!
//! ```
//! use hallpass_policy::{MintRequest, Policy, starter};
//!
//! let policy = Policy::parse(&[("starter.toml", starter())])?;
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

mod change;
mod check;
mod decide;
mod diff;
mod digest;
mod document;
mod error;
mod expectation;
mod grid;
mod nearest;
mod pattern;
mod policy;
mod question;
mod rehearsal;
mod warning;

pub use change::{Change, ChangeKind, Direction, Entry};
pub use decide::{MintRequest, PolicyRefusal, Terms, Verified};
pub use digest::digest;
pub use error::{Fault, PolicyError, PolicyErrors};
pub use expectation::{
    Difference, Expectation, ExpectationError, ExpectationErrors, ExpectationFault, Outcome,
};
pub use grid::{Cell, Grid, GridRow};
pub use pattern::{InvalidPattern, Pattern};
pub use policy::{Policy, RouteRule, Tenants};
pub use question::Question;
pub use rehearsal::CallAnswer;
pub use warning::Warning;

/// The longest life of a token, in seconds (token format: issued and expires are at most 15 minutes apart).
pub const TTL_SECONDS_MAX: u64 = 900;

/// The shortest life of a token, in seconds. Dates in tokens are whole seconds, so anything shorter is no life.
pub const TTL_SECONDS_MIN: u64 = 1;

/// The most tools in one route, with and without approval (token format: `tools` and `needs_approval` together).
pub const TOOLS_PER_ROUTE_MAX: usize = 64;

/// The most services the tools of one route may live at (token format: `audience`).
pub const AUDIENCES_PER_ROUTE_MAX: usize = 16;

/// The most roles a route may give (token format: `role`).
pub const ROLES_PER_ROUTE_MAX: usize = 16;

/// The most routes in one policy. Far above any deployment seen; bounds what a file can make the authority hold.
pub const ROUTES_PER_POLICY_MAX: usize = 1_000;

/// The largest policy file, in bytes. A thousand routes of a kilobyte.
pub const POLICY_FILE_BYTES_MAX: usize = 1024 * 1024;

/// The longest name of a policy file, in characters: what file systems take.
pub const POLICY_FILE_NAME_CHARS_MAX: usize = 255;

/// The shortest written reason for a waiver, in characters. Long enough that `ok` or `todo` is not one.
pub const REASON_CHARS_MIN: usize = 12;

/// The longest summary or reason, in characters. It is shown on one screen.
pub const PROSE_CHARS_MAX: usize = 500;

/// The commented policy a new authority starts with, as the text of its `policy/starter.toml`.
pub fn starter() -> &'static str {
    include_str!("starter.toml")
}
