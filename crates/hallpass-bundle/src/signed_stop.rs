//! A stop that an operator has signed, for where the authority cannot be asked: dropped as a file beside a verifier.

use hallpass_keys::dsse::{DsseError, Envelope};
use hallpass_keys::{SigningKey, VerifyingKey};
use hallpass_vocabulary::{AuthorityId, Environment, OperatorId, OperatorRole, StopId, Timestamp};

use crate::document::{self, FORMAT_VERSION};
use crate::{IdSet, ListedOperator, Selector, Snapshot, Stop};

/// The DSSE payload type of a signed stop.
pub const STOP_PAYLOAD_TYPE: &str = "application/vnd.hallpass.stop+json";
/// The largest file with a signed stop, in bytes. Real ones have about 600.
pub const SIGNED_STOP_BYTES_MAX: usize = 16 * 1024;

/// A signed stop that is not obeyed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignedStopError {
    /// Not of the form of a signed stop.
    #[error("not a stop that an operator has signed, of format {FORMAT_VERSION}")]
    Malformed,
    /// Signed by nobody who may stop, as far as the bundle in force says.
    #[error("signed by no operator who may stop")]
    NotAnOperator(#[source] DsseError),
    /// For another authority or environment.
    #[error("the stop is for `{environment}` of `{authority}`")]
    NotOurs {
        /// Which authority.
        authority: AuthorityId,
        /// Which environment.
        environment: Environment,
    },
}

/// A stop that is obeyed, and who has signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedStop {
    /// The stop.
    pub stop: Stop,
    /// Who.
    pub operator: OperatorId,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    format: u32,
    authority: AuthorityId,
    environment: Environment,
    id: StopId,
    selector: Selector,
    issued: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl SignedStop {
    /// Signs a stop as an operator. The runs that come from what it is about are not in it: only the authority knows them.
    ///
    /// # Errors
    /// When the envelope cannot be made.
    pub fn sign(
        stop: &Stop,
        authority: &AuthorityId,
        environment: &Environment,
        key: &SigningKey,
    ) -> Result<Envelope, DsseError> {
        let payload = document::write(&Fields {
            format: FORMAT_VERSION,
            authority: authority.clone(),
            environment: environment.clone(),
            id: stop.id,
            selector: stop.selector.clone(),
            issued: stop.issued,
            until: stop.until,
        });
        Envelope::sign(STOP_PAYLOAD_TYPE, payload, &[key])
    }

    /// Reads a signed stop, and believes it if an operator of this bundle who may stop has signed it. When it was issued is
    /// not looked at: the clock of whoever stops in an emergency may be wrong.
    ///
    /// # Errors
    /// [`SignedStopError`].
    pub fn read(json: &[u8], bundle: &Snapshot) -> Result<Self, SignedStopError> {
        if json.len() > SIGNED_STOP_BYTES_MAX {
            return Err(SignedStopError::Malformed);
        }
        let envelope = Envelope::from_json(json).map_err(|_| SignedStopError::Malformed)?;
        let (operator, payload) = signer(&envelope, bundle.operators())?;
        let fields: Fields = document::read(payload)
            .filter(|fields: &Fields| fields.format == FORMAT_VERSION)
            .filter(|fields| fields.until.is_none_or(|until| until > fields.issued))
            .ok_or(SignedStopError::Malformed)?;
        if fields.authority != *bundle.authority() || fields.environment != *bundle.environment() {
            return Err(SignedStopError::NotOurs {
                authority: fields.authority,
                environment: fields.environment,
            });
        }
        let stop = Stop {
            id: fields.id,
            selector: fields.selector,
            issued: fields.issued,
            until: fields.until,
            runs: IdSet::default(),
        };
        let operator = operator.clone();
        Ok(Self { stop, operator })
    }
}

/// The first operator who may stop and has signed, with what was signed.
fn signer<'a>(
    envelope: &'a Envelope,
    operators: &'a [ListedOperator],
) -> Result<(&'a OperatorId, &'a [u8]), SignedStopError> {
    let may_stop = |operator: &&ListedOperator| {
        let roles = [OperatorRole::Admin, OperatorRole::Operator];
        roles.iter().any(|role| operator.roles.contains(role))
    };
    let verified = |keys: &[VerifyingKey]| envelope.verify(STOP_PAYLOAD_TYPE, keys, 1);
    // Only keys that claim to have signed cost a verification.
    for operator in operators.iter().filter(may_stop) {
        if let Ok(payload) = verified(&operator.keys) {
            return Ok((&operator.operator, payload));
        }
    }
    match verified(&[]) {
        Ok(_) => Err(SignedStopError::Malformed),
        Err(source) => Err(SignedStopError::NotAnOperator(source)),
    }
}
