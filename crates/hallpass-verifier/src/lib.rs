//! The embedded verifier: checks a token and a call, records the decision, and only then hands out a [`Permit`].
//!
//! Floor 3. No async runtime, no sockets, no clock of its own: bundles arrive as [`hallpass_bundle::Snapshots`], time
//! as a [`hallpass_vocabulary::Clock`], and what it returns is a standard future that can also be waited for.
//!
//! ```no_run
//! use hallpass_args::ToolCall;
//! use hallpass_verifier::{Outcome, Refusal, Verifier};
//!
//! fn serve(verifier: &Verifier, token: Option<&str>, call: ToolCall) -> Result<(), Refusal> {
//!     // Not one line of the handler runs before the decision is on record.
//!     let permit = verifier.authorize(token, call).wait()?;
//!     println!("{} may see the data of {}", permit.subject(), permit.tenant());
//!     let _on_record = permit.finish(Outcome::succeeded(b"{}"));
//!     Ok(())
//! }
//! ```

mod cache;
mod checked;
mod commit;
mod engine_threads;
mod gate;
mod ids;
mod journalled;
mod judge;
mod later;
mod outcome;
mod permit;
mod policy;
mod record;
mod recording;
mod refusal;
mod restriction;
mod setup;
mod spend;
mod token_clock;
mod verifier;

pub use checked::Checked;
pub use commit::{Commit, RECORD_WAIT_SECONDS_MAX};
pub use gate::Drain;
pub use hallpass_token::{DatalogPolicy, InvalidDatalogPolicy};
pub use journalled::JournalledArguments;
pub use outcome::{ErrorClass, Outcome};
pub use permit::Permit;
pub use policy::{
    InvalidRule, NAMES_PER_LIST_MAX, REASON_CHARS_MAX, REQUIREMENTS_PER_RULE_MAX, RULES_MAX, Rule,
    RuleFault, ServicePolicy,
};
pub use recording::Recording;
pub use refusal::{ApprovalRequired, Denied, Refusal};
pub use restriction::Stopped;
pub use setup::{Disclosure, Profile, Setup, Tenancy};
pub use spend::{SharedSpend, Spend, SpendAnswer};
pub use token_clock::TokenClock;
pub use verifier::Verifier;

/// The Rust of docs/extended-profile.md compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/extended-profile.md")]
struct ExtendedProfile;
