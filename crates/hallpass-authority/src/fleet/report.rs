//! What a verifier says of itself every few seconds. Nothing of it is believed about anybody else.

use hallpass_vocabulary::{DecisionId, RunId, Timestamp, ToolName};

/// Calls in flight that one report names; the rest is a number.
pub(crate) const CALLS_MAX: usize = 256;

/// Stops that one report names.
pub(crate) const STOPS_MAX: usize = 4_096;

/// Hashes of one proof: more than any tree of 2^64 leaves needs.
pub(crate) const PROOF_HASHES_MAX: usize = 130;

/// The longest name a report has for anything.
const NAME_BYTES_MAX: usize = 128;

/// A report.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Report {
    /// Which start of the verifier it is of: a random text that is new with every start.
    pub(crate) start: String,
    /// Which report of that start, from 1.
    pub(crate) number: u64,
    pub(crate) mode: Mode,
    #[serde(default)]
    pub(crate) software: Option<String>,
    #[serde(default)]
    pub(crate) bundle: Option<BundleHeld>,
    #[serde(default)]
    pub(crate) staleness: Option<Staleness>,
    pub(crate) journal: JournalSize,
    #[serde(default)]
    pub(crate) checkpoint: Option<Claim>,
    #[serde(default)]
    pub(crate) calls: Vec<Call>,
    /// Calls in flight besides those named.
    #[serde(default)]
    pub(crate) more_calls: u64,
    /// The stops it enforces.
    #[serde(default)]
    pub(crate) stops: Vec<String>,
}

/// What a verifier does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// It ends those under way and begins none.
    Draining,
    /// It denies every one of them.
    Halted,
    /// It decides.
    Serving,
}

/// The bundle it decides by.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
pub(crate) struct BundleHeld {
    pub(crate) version: u64,
    /// The time of the last heartbeat.
    pub(crate) heartbeat: Timestamp,
}

/// How old the last heartbeat may be, in seconds.
#[derive(Debug, Clone, Copy, serde::Deserialize, serde::Serialize)]
pub(crate) struct Staleness {
    pub(crate) destructive: u64,
    pub(crate) write: u64,
    pub(crate) read: u64,
}

/// How long its journal is.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
pub(crate) struct JournalSize {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    /// Whether records can be written.
    pub(crate) writable: bool,
}

/// A checkpoint, and the proof that it goes on from an earlier one.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Claim {
    /// The signed note.
    pub(crate) note: String,
    /// The size of the earlier one; 0 where there is none.
    #[serde(default)]
    pub(crate) older: u64,
    /// The hashes, each as standard base64.
    #[serde(default)]
    pub(crate) proof: Vec<String>,
}

/// A call in flight.
#[derive(Debug, Clone, serde::Deserialize, serde::Serialize)]
pub(crate) struct Call {
    pub(crate) decision: DecisionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<RunId>,
    pub(crate) tool: ToolName,
    pub(crate) since: Timestamp,
}

impl Report {
    /// Whether it is within its bounds.
    pub(crate) fn is_bounded(&self) -> bool {
        let short =
            |text: &String| text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control);
        short(&self.start)
            && !self.start.is_empty()
            && self.software.iter().all(short)
            && self.calls.len() <= CALLS_MAX
            && self.stops.len() <= STOPS_MAX
            && self.stops.iter().all(short)
            && self
                .checkpoint
                .iter()
                .all(|claim| claim.proof.len() <= PROOF_HASHES_MAX)
    }

    /// How many calls are in flight.
    pub(crate) fn in_flight(&self) -> u64 {
        self.more_calls.saturating_add(self.calls.len() as u64)
    }
}
