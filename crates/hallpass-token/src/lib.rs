//! Biscuit tokens: mint, admit, decode to typed caveats, attenuate.
//!
//! Floor 2, and the only crate that names the Biscuit library; nothing of it is in the public API. Text becomes an
//! [`UnverifiedToken`], then a [`VerifiedToken`] (its signatures hold), then an [`AdmittedToken`] (its structure is
//! admitted and every check is a published one), and only that decides. docs/token-format.md is the format.
//!
//! ```
//! use std::collections::{BTreeMap, BTreeSet};
//! use std::time::Duration;
//!
//! use hallpass_args::Arguments;
//! use hallpass_keys::{Digest, Purpose, SigningKey, random_bytes};
//! use hallpass_token::{CallFacts, Caveat, Clearance, Grant, GrantSpec, NextSecret, UnverifiedToken, mint};
//! use hallpass_vocabulary::{DenialCode, ProofRule, RunId, SubjectAssurance, Timestamp, TokenId};
//!
//! let issued: Timestamp = "2026-11-21T09:30:00Z".parse()?;
//! let grant = Grant::new(GrantSpec {
//!     token: TokenId::new(issued, random_bytes()?),
//!     run: RunId::new(issued, random_bytes()?),
//!     tenant: "acme".parse()?,
//!     environment: "dev".parse()?,
//!     subject: "user:alice".parse()?,
//!     assurance: SubjectAssurance::Verified,
//!     actor: "agent:support-bot".parse()?,
//!     client: "helpdesk".parse()?,
//!     route: "/support/draft".parse()?,
//!     roles: BTreeSet::new(),
//!     audiences: BTreeSet::from(["tickets".parse()?]),
//!     tools: BTreeSet::from(["kb.search".parse()?, "tickets.get".parse()?]),
//!     needs_approval: BTreeSet::new(),
//!     budgets: BTreeMap::new(),
//!     holder: None,
//!     proof: ProofRule::Waived,
//!     policy: Digest::of(b"the policy"),
//!     issued,
//!     expires: issued.after(Duration::from_secs(900)),
//!     break_glass: None,
//! })?;
//! let root = SigningKey::from_seed(Purpose::Run, "dev".parse()?, random_bytes()?);
//! let text = mint(&grant, &[], &root, &[], NextSecret::from_random(random_bytes()?))?;
//!
//! // Whoever holds it narrows it, offline and without the root key.
//! let narrowed = UnverifiedToken::parse(text.expose())?
//!     .attenuate(
//!         &["only tools kb.search".parse()?, Caveat::arg("/limit").at_most(100)?],
//!         NextSecret::from_random(random_bytes()?),
//!     )?;
//!
//! // Whoever receives it verifies, admits and decides.
//! let token = UnverifiedToken::parse(narrowed.expose())?.verify(&root.verifying_key())?.admit()?;
//! let call = |tool: &str, arguments: &str| {
//!     token.decide(&CallFacts {
//!         now: issued.after(Duration::from_secs(5)),
//!         audience: &"tickets".parse().unwrap(),
//!         environment: &"dev".parse().unwrap(),
//!         tool: &tool.parse().unwrap(),
//!         arguments: &Arguments::parse(arguments.as_bytes()).unwrap(),
//!     })
//! };
//! assert_eq!(call("kb.search", r#"{"limit":10}"#), Ok(Clearance::Allow));
//! assert_eq!(call("kb.search", r#"{"limit":1000}"#).unwrap_err().code, DenialCode::CaveatFailed);
//! assert_eq!(call("tickets.get", r#"{"limit":10}"#).unwrap_err().code, DenialCode::CaveatFailed);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod admission;
mod attenuate;
mod authority;
mod call_facts;
mod caveat;
mod chain;
mod datalog;
mod date;
mod decide;
pub mod describe;
pub mod engine;
mod envelope;
mod excerpt;
mod explain;
mod extended;
pub mod given_up;
mod grant;
pub mod limits;
mod mint;
mod names;
mod text;
mod token;
pub mod useless;

pub use admission::{AdmissionError, AdmittedToken, NotAdmitted, Place, PlacedCaveat, Profile};
pub use attenuate::AttenuateError;
pub use authority::VOCABULARY_VERSION;
pub use caveat::{
    ArgumentBuilder, ArgumentCaveat, ArgumentRule, BlockCount, Caveat, Doubt,
    InvalidArgumentCaveat, InvalidCaveat, Literal, Unmet,
};
pub use decide::{CallFacts, Clearance, Denial};
pub use envelope::Malformed;
pub use excerpt::Excerpt;
pub use explain::{CaveatOutcome, ExplainedCaveat, failed_block};
pub use extended::{DatalogPolicy, InvalidDatalogPolicy, Unbounded};
pub use grant::{BreakGlass, BudgetUnit, Grant, GrantError, GrantSpec, UnknownBudget};
pub use mint::{MintError, mint};
pub use names::{InvalidNameSet, NameSet};
pub use text::{NextSecret, PREFIX, TokenText};
pub use token::{ParseError, UnverifiedToken, VerifiedToken, VerifyError};
