//! What all three documents have in common: how they are read, checked and signed.

use hallpass_keys::dsse::{DsseError, Envelope};
use hallpass_keys::{KeyId, Purpose, SigningKey};
use hallpass_vocabulary::{Environment, OriginId, StopId};

use crate::Role;

/// The version of the format of roots, heartbeats and saved bundles.
pub const FORMAT_VERSION: u32 = 1;

/// A document that contradicts itself. The signer does not make one; a verifier does not believe one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDocument {
    /// A format version that is not read here.
    #[error("format version {found} is unknown")]
    Format {
        /// The version found.
        found: u32,
    },
    /// Something is listed that format 1 has no meaning for.
    #[error("format 1 has no restrictions, operators and verifiers")]
    NotInFormat1,
    /// The document expires before it is issued.
    #[error("it expires before it is issued")]
    Lifetime,
    /// A version of zero.
    #[error("versions start at 1")]
    VersionZero,
    /// A role without keys, with too many, or with a threshold that its keys cannot meet.
    #[error("role `{role}` has {keys} keys and a threshold of {threshold}")]
    Role {
        /// Whose role.
        role: Purpose,
        /// How many keys it has.
        keys: usize,
        /// How many must sign.
        threshold: usize,
    },
    /// One key in two places: a key has one purpose and one environment.
    #[error("key `{id}` is listed twice")]
    KeyTwice {
        /// Which key.
        id: KeyId,
    },
    /// One verifier in two places.
    #[error("verifier `{origin}` is listed twice")]
    OriginTwice {
        /// Which verifier.
        origin: OriginId,
    },
    /// Two stops of one id.
    #[error("stop `{id}` is listed twice")]
    StopTwice {
        /// Which stop.
        id: StopId,
    },
    /// Two token keys whose ids start with the same four bytes: a token could not say which it means.
    #[error("two token keys share the hint {hint:#010x}")]
    HintTwice {
        /// What they share.
        hint: u32,
    },
    /// More entries than a list may have.
    #[error("`{list}` has {count} entries, more than {max}")]
    TooMany {
        /// Which list.
        list: &'static str,
        /// How many entries it has.
        count: usize,
        /// How many it may have.
        max: usize,
    },
    /// No active run key of the document's own environment: a bundle that would silence everything.
    #[error("there is no active run key for environment `{environment}`")]
    NoActiveKey {
        /// The document's environment.
        environment: Environment,
    },
}

/// A document that cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The key is for something else.
    #[error("key `{id}` is for purpose `{found}`, not `{expected}`")]
    WrongPurpose {
        /// Which key.
        id: KeyId,
        /// What is signed needs this purpose.
        expected: Purpose,
        /// What the key is for.
        found: Purpose,
    },
    /// The key belongs to another environment.
    #[error("key `{id}` belongs to environment `{found}`, not `{expected}`")]
    WrongEnvironment {
        /// Which key.
        id: KeyId,
        /// The document's environment.
        expected: Environment,
        /// The key's environment.
        found: Environment,
    },
    /// The root does not list enough of the keys.
    #[error("the root does not let these keys sign")]
    NotListed {
        /// Why the signatures do not suffice.
        #[source]
        source: DsseError,
    },
    /// The envelope cannot be made.
    #[error(transparent)]
    Envelope(#[from] DsseError),
}

/// Reads a signed payload. The error carries nothing of it: it may be hostile, and the signer knows what it signed.
pub(crate) fn read<T: serde::de::DeserializeOwned>(payload: &[u8]) -> Option<T> {
    serde_json::from_slice(payload).ok()
}

/// Writes a payload.
pub(crate) fn write<T: serde::Serialize>(fields: &T) -> Vec<u8> {
    // Plain structures with string keys: writing them to memory cannot fail, and an empty payload would be refused.
    serde_json::to_vec(fields).unwrap_or_default()
}

pub(crate) fn check_format(found: u32) -> Result<(), InvalidDocument> {
    if found == FORMAT_VERSION {
        Ok(())
    } else {
        Err(InvalidDocument::Format { found })
    }
}

pub(crate) fn check_count(
    list: &'static str,
    count: usize,
    max: usize,
) -> Result<(), InvalidDocument> {
    if count <= max {
        Ok(())
    } else {
        Err(InvalidDocument::TooMany { list, count, max })
    }
}

/// Signs a payload for a role, and makes sure that a verifier will believe it.
pub(crate) fn sign(
    payload_type: &str,
    payload: Vec<u8>,
    purpose: Purpose,
    environment: &Environment,
    role: &Role,
    keys: &[&SigningKey],
) -> Result<Envelope, SignError> {
    for key in keys {
        if key.purpose() != purpose {
            return Err(SignError::WrongPurpose {
                id: key.id(),
                expected: purpose,
                found: key.purpose(),
            });
        }
        if key.environment() != environment {
            return Err(SignError::WrongEnvironment {
                id: key.id(),
                expected: environment.clone(),
                found: key.environment().clone(),
            });
        }
    }
    let envelope = Envelope::sign(payload_type, payload, keys)?;
    envelope
        .verify(payload_type, role.keys(), role.threshold())
        .map_err(|source| SignError::NotListed { source })?;
    Ok(envelope)
}
