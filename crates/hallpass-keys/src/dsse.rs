//! DSSE version 1 envelopes: a payload, its type, and signatures over both.
//!
//! <https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md>. What is signed is the pre-authentication
//! encoding ([`pae`]) of type and payload, so a signature for one type of document never stands for another. We are
//! stricter than the protocol: standard base64 with padding only, no unknown members, `keyid` required (it is
//! [`KeyId`]), and every size bounded.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{KeyId, Signature, SigningKey, VerifyingKey};

/// The largest payload, in bytes. A bundle of 10,000 tools takes about 2 MiB.
pub const PAYLOAD_BYTES_MAX: usize = 24 * 1024 * 1024;
/// The most signatures on one envelope. Twice the keys of a generous root, for a rotation.
pub const SIGNATURES_MAX: usize = 32;
/// The longest payload type, in bytes.
pub const PAYLOAD_TYPE_BYTES_MAX: usize = 128;

/// A signed document. Nothing in it is to be believed before [`Envelope::verify`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<(KeyId, Signature)>,
}

/// An envelope that cannot be made, read or believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DsseError {
    /// Two signatures by one key.
    #[error("two signatures name the same key")]
    KeyIdRepeated,
    /// Not the JSON of an envelope.
    #[error("not a DSSE envelope")]
    Malformed,
    /// The payload is larger than [`PAYLOAD_BYTES_MAX`].
    #[error("the payload is larger than {PAYLOAD_BYTES_MAX} bytes")]
    PayloadTooLarge,
    /// The payload type is empty or longer than [`PAYLOAD_TYPE_BYTES_MAX`].
    #[error("the payload type must have 1 to {PAYLOAD_TYPE_BYTES_MAX} bytes")]
    PayloadTypeLength,
    /// No signature, or more than [`SIGNATURES_MAX`].
    #[error("an envelope has 1 to {SIGNATURES_MAX} signatures")]
    SignatureCount,
    /// Another type of document than the one asked for.
    #[error("the payload type is not `{expected}`")]
    WrongPayloadType {
        /// The type asked for.
        expected: String,
    },
    /// Fewer distinct allowed keys have signed than needed.
    #[error("{valid} of {threshold} needed signatures are valid")]
    BelowThreshold {
        /// Distinct allowed keys with a valid signature.
        valid: usize,
        /// How many there must be; zero is never reached.
        threshold: usize,
    },
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<WireSignature>,
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    keyid: KeyId,
    sig: String,
}

/// The pre-authentication encoding: what a signature is made over.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    )
    .into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

impl Envelope {
    /// Signs a payload with every one of these keys.
    ///
    /// # Errors
    /// When there is no key or too many, or type or payload are too large.
    pub fn sign(
        payload_type: &str,
        payload: Vec<u8>,
        keys: &[&SigningKey],
    ) -> Result<Self, DsseError> {
        let message = pae(payload_type, &payload);
        let signatures = keys
            .iter()
            .map(|key| (key.id(), key.sign(&message)))
            .collect();
        Self {
            payload_type: payload_type.to_owned(),
            payload,
            signatures,
        }
        .within_limits()
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// When it is not exactly an envelope, or larger than the limits.
    pub fn from_json(json: &[u8]) -> Result<Self, DsseError> {
        serde_json::from_slice::<Wire>(json)
            .map_err(|_| DsseError::Malformed)?
            .try_into()
    }

    /// Writes the JSON form.
    pub fn to_json(&self) -> Vec<u8> {
        // Strings and arrays only: writing them to memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The type the envelope claims; unverified.
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// The payload before verification. For showing and for finding the keys to verify it with, never for acting on.
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// The ids of the keys that claim to have signed; unverified.
    pub fn key_ids(&self) -> impl Iterator<Item = &KeyId> {
        self.signatures.iter().map(|(id, _)| id)
    }

    /// The payload, if it is of this type and at least `threshold` distinct keys of `allowed` signed it.
    ///
    /// Signatures by other keys, and invalid ones, do not count; they do no harm either.
    ///
    /// # Errors
    /// [`DsseError::WrongPayloadType`] and [`DsseError::BelowThreshold`].
    pub fn verify(
        &self,
        payload_type: &str,
        allowed: &[VerifyingKey],
        threshold: usize,
    ) -> Result<&[u8], DsseError> {
        if self.payload_type != payload_type {
            return Err(DsseError::WrongPayloadType {
                expected: payload_type.to_owned(),
            });
        }
        let message = pae(&self.payload_type, &self.payload);
        // A set: a key that is listed twice counts once.
        let signed: BTreeSet<&VerifyingKey> = allowed
            .iter()
            .filter(|key| self.is_signed_by(key, &message))
            .collect();
        let valid = signed.len();
        if threshold == 0 || valid < threshold {
            return Err(DsseError::BelowThreshold { valid, threshold });
        }
        Ok(&self.payload)
    }

    fn is_signed_by(&self, key: &VerifyingKey, message: &[u8]) -> bool {
        let id = key.id();
        self.signatures
            .iter()
            .any(|(signer, signature)| *signer == id && key.verify(message, signature).is_ok())
    }

    fn within_limits(self) -> Result<Self, DsseError> {
        if self.payload.len() > PAYLOAD_BYTES_MAX {
            return Err(DsseError::PayloadTooLarge);
        }
        if !(1..=PAYLOAD_TYPE_BYTES_MAX).contains(&self.payload_type.len()) {
            return Err(DsseError::PayloadTypeLength);
        }
        if !(1..=SIGNATURES_MAX).contains(&self.signatures.len()) {
            return Err(DsseError::SignatureCount);
        }
        // Each allowed key then costs one verification, however many signatures an envelope brings.
        let ids: BTreeSet<&KeyId> = self.key_ids().collect();
        if ids.len() != self.signatures.len() {
            return Err(DsseError::KeyIdRepeated);
        }
        Ok(self)
    }
}

impl From<Envelope> for Wire {
    fn from(envelope: Envelope) -> Self {
        Self {
            payload_type: envelope.payload_type,
            payload: STANDARD.encode(&envelope.payload),
            signatures: envelope
                .signatures
                .into_iter()
                .map(|(keyid, signature)| WireSignature {
                    keyid,
                    sig: STANDARD.encode(signature.as_bytes()),
                })
                .collect(),
        }
    }
}

impl TryFrom<Wire> for Envelope {
    type Error = DsseError;

    fn try_from(wire: Wire) -> Result<Self, DsseError> {
        // Before decoding: four characters carry three bytes.
        if wire.payload.len() > PAYLOAD_BYTES_MAX.div_ceil(3) * 4 {
            return Err(DsseError::PayloadTooLarge);
        }
        if wire.signatures.len() > SIGNATURES_MAX {
            return Err(DsseError::SignatureCount);
        }
        let payload = STANDARD
            .decode(&wire.payload)
            .map_err(|_| DsseError::Malformed)?;
        let signatures = wire
            .signatures
            .into_iter()
            .map(|signature| {
                let bytes = STANDARD
                    .decode(&signature.sig)
                    .map_err(|_| DsseError::Malformed)?;
                let bytes =
                    Signature::try_from(bytes.as_slice()).map_err(|_| DsseError::Malformed)?;
                Ok((signature.keyid, bytes))
            })
            .collect::<Result<_, DsseError>>()?;
        Self {
            payload_type: wire.payload_type,
            payload,
            signatures,
        }
        .within_limits()
    }
}
