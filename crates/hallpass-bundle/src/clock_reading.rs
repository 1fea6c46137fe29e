//! What time it is at the authority, signed for whoever sent a nonce.

use hallpass_keys::dsse::{DsseError, Envelope};
use hallpass_vocabulary::{AuthorityId, Environment, Timestamp};

use crate::Root;
use crate::document::{self, FORMAT_VERSION};

/// The DSSE payload type of a reading of the authority's clock.
pub const CLOCK_PAYLOAD_TYPE: &str = "application/vnd.hallpass.clock+json";
/// The largest answer to a question for the time, in bytes. Real ones have about 500 with one signature; heartbeat roles
/// may have sixteen.
pub const CLOCK_BYTES_MAX: usize = 8 * 1024;

/// What a question for the time has in it that no earlier one had.
pub type ClockNonce = [u8; 16];

/// An answer to a question for the time that says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClockError {
    /// It answers another question: somebody keeps answers.
    #[error("the authority's time answers another question")]
    Nonce,
    /// Of another authority or environment.
    #[error("the time is not of this authority and environment")]
    NotOurs,
    /// Signed, and not of the form of such an answer.
    #[error("the authority's time is malformed or holds something unknown")]
    Malformed,
    /// Not signed as it must be.
    #[error("the authority's time is not signed as it must be")]
    Signature(#[source] DsseError),
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Reading {
    format: u32,
    authority: AuthorityId,
    environment: Environment,
    nonce: String,
    time: Timestamp,
}

/// The time in the answer to a question with this nonce, signed by the heartbeat keys of this root.
///
/// # Errors
/// [`ClockError`].
pub fn read_clock(answer: &[u8], root: &Root, nonce: &ClockNonce) -> Result<Timestamp, ClockError> {
    if answer.len() > CLOCK_BYTES_MAX {
        return Err(ClockError::Malformed);
    }
    let envelope = Envelope::from_json(answer).map_err(ClockError::Signature)?;
    let role = root.heartbeat();
    let payload = envelope
        .verify(CLOCK_PAYLOAD_TYPE, role.keys(), role.threshold())
        .map_err(ClockError::Signature)?;
    let reading: Reading = document::read(payload)
        .filter(|reading: &Reading| reading.format == FORMAT_VERSION)
        .ok_or(ClockError::Malformed)?;
    if reading.authority != *root.authority() || reading.environment != *root.environment() {
        return Err(ClockError::NotOurs);
    }
    if reading.nonce != hex::encode(nonce) {
        return Err(ClockError::Nonce);
    }
    Ok(reading.time)
}
