//! Biscuit tokens: mint, admit, decode to typed caveats, attenuate.
//!
//! Floor 2, and the only crate that names the Biscuit library; nothing of it is in the public API. Text becomes an
//! [`UnverifiedToken`], then a [`VerifiedToken`] (its signatures hold), then an [`AdmittedToken`] (its structure is
//! admitted and every check is a published one), and only that decides. docs/token-format.md is the format.

mod admission;
mod attenuate;
mod authority;
mod caveat;
mod chain;
mod datalog;
mod date;
mod decide;
pub mod describe;
pub mod engine;
mod envelope;
mod excerpt;
mod grant;
pub mod limits;
mod mint;
mod names;
mod text;
mod token;

pub use admission::{AdmissionError, AdmittedToken, NotAdmitted, Place, PlacedCaveat};
pub use attenuate::AttenuateError;
pub use authority::VOCABULARY_VERSION;
pub use caveat::{Caveat, InvalidCaveat};
pub use decide::{CallFacts, Clearance, Denial};
pub use envelope::Malformed;
pub use excerpt::Excerpt;
pub use grant::{BudgetUnit, Grant, GrantError, GrantSpec, UnknownBudget};
pub use mint::{MintError, mint};
pub use names::{InvalidNameSet, NameSet};
pub use text::{NextSecret, PREFIX, TokenText};
pub use token::{ParseError, UnverifiedToken, VerifiedToken, VerifyError};
