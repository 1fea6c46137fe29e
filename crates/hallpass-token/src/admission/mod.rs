//! Admission: the structural check of a verified token, and its decoding to a typed grant and typed caveats.
//!
//! Everything here is linear in the bytes of the token, up to the sorting of its symbols and the pairing of its caveats, of
//! which there are at most 128. No engine runs.

mod error;
mod read;

use hallpass_keys::VerifyingKey;
use hallpass_vocabulary::Timestamp;

use crate::caveat::Caveat;
use crate::grant::Grant;
use crate::token::VerifiedToken;

pub use error::{AdmissionError, NotAdmitted};
pub(crate) use read::Content;
#[cfg(test)]
pub(crate) use read::decode_block;

/// Where a caveat stands in its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The block; 0 is the authority block.
    pub block: usize,
    /// The check in that block, from 0.
    pub check: usize,
}

/// A caveat and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedCaveat {
    /// Where.
    pub place: Place,
    /// What.
    pub caveat: Caveat,
}

/// What a token says, decoded once. Only a token whose signatures verified becomes one; deciding reads it and
/// nothing else.
#[derive(Debug, Clone)]
pub struct AdmittedToken {
    content: Content,
}

impl AdmittedToken {
    /// What it grants before its caveats.
    pub fn grant(&self) -> &Grant {
        &self.content.grant
    }

    /// What it was minted with and what its holders gave up, in order.
    pub fn caveats(&self) -> &[PlacedCaveat] {
        &self.content.caveats
    }

    /// The public keys whose approvals its checks accept.
    pub fn approval_keys(&self) -> &[VerifyingKey] {
        &self.content.approval_keys
    }

    /// Bytes its checks hold, at most: what a cache of tokens counts beside the names of its grant.
    pub fn check_bytes_held(&self) -> usize {
        let caveats = self.content.caveats.iter().map(|placed| {
            placed
                .caveat
                .bytes_held()
                .saturating_add(size_of::<PlacedCaveat>())
        });
        let others = self.content.others.iter();
        caveats
            .chain(others.map(|other| other.bytes_held()))
            .fold(0, usize::saturating_add)
    }

    /// Whether nobody can append to it.
    pub fn is_sealed(&self) -> bool {
        self.content.sealed
    }

    /// How many blocks it has, the authority block included.
    pub fn blocks(&self) -> usize {
        self.content.blocks
    }

    /// The first moment at which it no longer allows anything: the earliest of `expires` and every caveat on time.
    pub fn not_after(&self) -> Timestamp {
        self.content.not_after
    }

    pub(crate) fn content(&self) -> &Content {
        &self.content
    }
}

/// Which checks a service admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// Also checks that are no published caveats, within bounds, for the engine.
    Extended,
    /// Published caveats only.
    #[default]
    Standard,
}

impl VerifiedToken {
    /// Checks the structure and decodes the token, in the standard profile.
    ///
    /// # Errors
    /// [`AdmissionError`]: `token_not_admitted`, `vocabulary_unsupported`, `grant_malformed` or `caveat_unknown`.
    pub fn admit(&self) -> Result<AdmittedToken, AdmissionError> {
        self.admit_as(Profile::Standard)
    }

    /// Checks the structure and decodes the token. What only [`Profile::Extended`] admits is decided by
    /// [`AdmittedToken::check_in_engine`]; without it, such a token allows nothing.
    ///
    /// # Errors
    /// As [`VerifiedToken::admit`].
    pub fn admit_as(&self, profile: Profile) -> Result<AdmittedToken, AdmissionError> {
        self.token
            .content(profile)
            .map(|content| AdmittedToken { content })
    }
}
