//! Attenuating and sealing: what a holder does offline, without the authority and without its key.

use biscuit_auth::format::schema;
use prost::Message as _;

use crate::caveat::Caveat;
use crate::chain;
use crate::datalog::{BlockWriter, Symbols};
use crate::envelope::{Envelope, Proof};
use crate::limits::{BLOCKS_MAX, CHECKS_PER_BLOCK_MAX, TOKEN_BYTES_MAX};
use crate::text::{NextSecret, TokenText};
use crate::token::UnverifiedToken;
use crate::{AdmissionError, NotAdmitted, Profile};

/// A token that cannot be narrowed or sealed so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttenuateError {
    /// A time no token can hold.
    #[error("a caveat ends before the year 1970 or after the year 9999")]
    Date,
    /// Nothing to add.
    #[error("no caveat was given")]
    NoCaveats,
    /// The secret for the next block is that of an earlier one, so that a later block could be cut off.
    #[error("the secret for the next block was used before")]
    SecretReused,
    /// The token is sealed: nobody can change it.
    #[error("the token is sealed")]
    Sealed,
    /// No verifier would admit the narrowed token: because of a block it has already, or because the caveats name more
    /// than one block can hold.
    #[error("the narrowed token would not be admitted: {0}")]
    NotAdmitted(AdmissionError),
    /// Another block would make it more than [`BLOCKS_MAX`].
    #[error("the token has {BLOCKS_MAX} blocks already")]
    TooManyBlocks,
    /// More caveats at once than [`CHECKS_PER_BLOCK_MAX`].
    #[error("{caveats} caveats are more than {CHECKS_PER_BLOCK_MAX}")]
    TooManyCaveats {
        /// How many there are.
        caveats: usize,
    },
    /// It would be larger than [`TOKEN_BYTES_MAX`].
    #[error("the token would have {bytes} bytes, more than {TOKEN_BYTES_MAX}")]
    TooLarge {
        /// How many bytes it would have.
        bytes: usize,
    },
}

impl UnverifiedToken {
    /// This token with caveats added in one block. Needs no key but the one the token carries; the signatures are not
    /// verified, so a forged token stays forged.
    ///
    /// # Errors
    /// [`AttenuateError`].
    pub fn attenuate(
        &self,
        caveats: &[Caveat],
        next: NextSecret,
    ) -> Result<TokenText, AttenuateError> {
        let Proof::NextSecret(secret) = &self.envelope.proof else {
            return Err(AttenuateError::Sealed);
        };
        if caveats.is_empty() {
            return Err(AttenuateError::NoCaveats);
        }
        if caveats.len() > CHECKS_PER_BLOCK_MAX {
            return Err(AttenuateError::TooManyCaveats {
                caveats: caveats.len(),
            });
        }
        if self.blocks() >= BLOCKS_MAX {
            return Err(AttenuateError::TooManyBlocks);
        }
        if !caveats.iter().all(Caveat::is_writable) {
            return Err(AttenuateError::Date);
        }
        let block = self.blocks();
        let payload = block_of(&self.envelope, caveats).map_err(|reason| {
            AttenuateError::NotAdmitted(AdmissionError::NotAdmitted { block, reason })
        })?;
        let next_key = next.signing_key().verifying_key().to_bytes();
        if self
            .envelope
            .blocks()
            .any(|block| block.next_key == next_key)
        {
            return Err(AttenuateError::SecretReused);
        }
        let appended = chain::append(payload, next_key, &self.envelope, &secret.signing_key());
        let later = self
            .envelope
            .later
            .iter()
            .cloned()
            .chain([appended])
            .collect();
        let (token, text) = self.with(later, Proof::NextSecret(next))?;
        token
            .content(Profile::Extended)
            .map_err(AttenuateError::NotAdmitted)?;
        Ok(text)
    }

    /// This token, sealed: it can still be used, but no longer narrowed, and a service that sees it cannot extend it.
    ///
    /// # Errors
    /// [`AttenuateError::Sealed`] when it is sealed already.
    pub fn seal(&self) -> Result<TokenText, AttenuateError> {
        let Proof::NextSecret(secret) = &self.envelope.proof else {
            return Err(AttenuateError::Sealed);
        };
        let seal = chain::seal(self.envelope.last(), &secret.signing_key());
        self.with(self.envelope.later.clone(), Proof::Seal(seal))
            .map(|(_, text)| text)
    }

    fn with(
        &self,
        later: Vec<crate::envelope::SignedBlock>,
        proof: Proof,
    ) -> Result<(Self, TokenText), AttenuateError> {
        let Envelope {
            key_hint,
            authority,
            ..
        } = &self.envelope;
        let envelope = Envelope {
            key_hint: *key_hint,
            authority: authority.clone(),
            later,
            proof,
        };
        let bytes = envelope.to_bytes();
        if bytes.len() > TOKEN_BYTES_MAX {
            return Err(AttenuateError::TooLarge { bytes: bytes.len() });
        }
        let text = TokenText::of(&bytes);
        Ok((Self { envelope }, text))
    }
}

fn block_of(envelope: &Envelope, caveats: &[Caveat]) -> Result<Vec<u8>, NotAdmitted> {
    let before = envelope
        .blocks()
        .map(|block| match block.external {
            // Its symbols are its own; it adds none to the table.
            Some(_) => Ok(Vec::new()),
            None => schema::Block::decode(block.payload.as_slice())
                .map(|block| block.symbols)
                .map_err(|_| NotAdmitted::Undecodable),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut symbols = Symbols::default();
    for block in &before {
        symbols.extend(block)?;
    }
    let mut writer = BlockWriter::after(&symbols);
    for caveat in caveats {
        writer.check(&caveat.to_check());
    }
    Ok(writer.finish())
}
