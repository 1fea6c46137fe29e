//! What journals tell when they are laid beside each other.
//!
//! Floor 3. Pure over records: no clock, no files, no network. A [`Reconciliation`] takes the records of authorities and of
//! the services that use their tokens, each origin as an iterator, wherever they come from: a directory, an export, or
//! what was shipped. A [`Replay`] asks another policy what was asked and decided. Whether the records are those that were signed is for whoever brings them
//! ([`hallpass_journal::verify`]); what is missing from an iterator is found here.

mod finding;
mod reconcile;
mod replay;
mod usage;

pub use finding::{Finding, FindingKind, LISTED_MAX, Severity, Tally};
pub use reconcile::{
    Counts, Full, IN_FLIGHT_MAX, OPEN_CALLS_MAX, RUNS_MAX, Reconciled, Reconciliation, SKEW_MAX,
    STOPS_MAX, TOKENS_MAX, UNKNOWN_TOKENS_MAX,
};
pub use replay::{
    Answer, Asked, Difference, EXAMPLES_MAX, Often, ROWS_MAX, Replay, Replayed, Replays,
};
pub use usage::{Kept, UnusedGrant, Usage, Used};
