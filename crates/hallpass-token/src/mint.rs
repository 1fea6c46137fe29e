//! Minting: a grant becomes a token.

use hallpass_keys::{Purpose, SigningKey, VerifyingKey};
use hallpass_vocabulary::Environment;

use crate::authority;
use crate::caveat::Caveat;
use crate::chain;
use crate::datalog::{BlockWriter, Symbols};
use crate::envelope::{Envelope, Layout, Proof, SignedBlock};
use crate::grant::Grant;
use crate::limits::{APPROVAL_KEYS_MAX, CHECKS_PER_BLOCK_MAX, TOKEN_BYTES_MAX};
use crate::text::{NextSecret, TokenText};
use crate::token::UnverifiedToken;
use crate::{AdmissionError, Profile};

/// A token that must not be minted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// A time no token can hold.
    #[error("a caveat ends before the year 1970 or after the year 9999")]
    Date,
    /// The key belongs to another environment.
    #[error("the grant is for `{grant}` but the key is for `{key}`")]
    Environment {
        /// The environment of the grant.
        grant: Environment,
        /// The environment of the key.
        key: Environment,
    },
    /// No verifier would admit the token: the caveats name more than one block can hold.
    #[error("the token would not be admitted: {0}")]
    NotAdmitted(AdmissionError),
    /// The key does not sign tokens of this kind.
    #[error("the key is for `{purpose}`, the grant calls for one for `{expected}`")]
    Purpose {
        /// What the key is for.
        purpose: Purpose,
        /// What the key of this grant is for.
        expected: Purpose,
    },
    /// More approval keys than [`APPROVAL_KEYS_MAX`].
    #[error("{keys} approval keys are more than {APPROVAL_KEYS_MAX}")]
    TooManyApprovalKeys {
        /// How many there are.
        keys: usize,
    },
    /// More caveats than [`CHECKS_PER_BLOCK_MAX`].
    #[error("{caveats} caveats are more than {CHECKS_PER_BLOCK_MAX}")]
    TooManyCaveats {
        /// How many there are.
        caveats: usize,
    },
    /// The token would be larger than [`TOKEN_BYTES_MAX`].
    #[error("the token would have {bytes} bytes, more than {TOKEN_BYTES_MAX}")]
    TooLarge {
        /// How many bytes it would have.
        bytes: usize,
    },
}

/// Mints a token: signs the grant with a key of its environment, a run key or, for break-glass, a break-glass key. What is minted here is admitted everywhere.
///
/// `caveats` bind the token from the start, such as those of its route. `approval_keys` are the keys whose approvals the token accepts for `needs_approval`; with none, those tools cannot
/// be called. `next` is the secret the token carries for whoever narrows it.
///
/// # Errors
/// [`MintError`].
pub fn mint(
    grant: &Grant,
    caveats: &[Caveat],
    signer: &SigningKey,
    approval_keys: &[VerifyingKey],
    next: NextSecret,
) -> Result<TokenText, MintError> {
    if signer.purpose() != grant.key_purpose() {
        return Err(MintError::Purpose {
            purpose: signer.purpose(),
            expected: grant.key_purpose(),
        });
    }
    if *signer.environment() != grant.environment {
        let (grant, key) = (grant.environment.clone(), signer.environment().clone());
        return Err(MintError::Environment { grant, key });
    }
    let mut approval_keys = approval_keys.to_vec();
    approval_keys.sort_unstable();
    approval_keys.dedup();
    if approval_keys.len() > APPROVAL_KEYS_MAX {
        return Err(MintError::TooManyApprovalKeys {
            keys: approval_keys.len(),
        });
    }

    if caveats.len() > CHECKS_PER_BLOCK_MAX {
        return Err(MintError::TooManyCaveats {
            caveats: caveats.len(),
        });
    }
    if !caveats.iter().all(Caveat::is_writable) {
        return Err(MintError::Date);
    }
    let mut block = BlockWriter::after(&Symbols::default());
    for fact in authority::facts(grant) {
        block.fact(&fact);
    }
    for check in authority::checks(grant, &approval_keys) {
        block.check(&check);
    }
    for caveat in caveats {
        block.check(&caveat.to_check());
    }
    let payload = block.finish();
    let next_key = next.signing_key().verifying_key().to_bytes();
    let signature = signer.sign(&chain::authority_bytes(&payload, &next_key));
    let envelope = Envelope {
        key_hint: signer.id().hint(),
        authority: SignedBlock {
            payload,
            next_key,
            signature,
            layout: Layout::V0,
            external: None,
        },
        later: Vec::new(),
        proof: Proof::NextSecret(next),
    };
    let bytes = envelope.to_bytes();
    if bytes.len() > TOKEN_BYTES_MAX {
        return Err(MintError::TooLarge { bytes: bytes.len() });
    }
    // A grant alone always fits; with caveats it may need more symbols than a block may have.
    if !caveats.is_empty() {
        UnverifiedToken { envelope }
            .content(Profile::Standard)
            .map_err(MintError::NotAdmitted)?;
    }
    Ok(TokenText::of(&bytes))
}
