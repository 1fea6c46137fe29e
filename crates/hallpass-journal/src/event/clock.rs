//! What is recorded about the time.

use hallpass_vocabulary::Timestamp;

/// A signed exchange with the authority showed another time than the wall clock. The authority's counts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClockCorrected {
    /// The authority's time.
    pub authority: Timestamp,
    /// The wall clock's, at the same moment.
    pub wall: Timestamp,
    /// How long the exchange took, in milliseconds: the authority's time is known no better.
    pub round_trip_ms: u64,
}
