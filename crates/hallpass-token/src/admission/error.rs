//! What is not admitted.

use hallpass_vocabulary::DenialCode;

use crate::authority::VOCABULARY_VERSION;
use crate::extended::Unbounded;
use crate::grant::GrantError;

/// A structure no token may have, whatever it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NotAdmitted {
    /// The block version is not the one its content calls for.
    #[error("the block version is not the one its content calls for")]
    BlockVersion,
    /// A free text beside the Datalog.
    #[error("a block carries a context")]
    Context,
    /// A fact outside the authority block.
    #[error("an attenuation block states facts")]
    Facts,
    /// More facts than any grant has.
    #[error("the authority block has too many facts")]
    FactsTooMany,
    /// An attenuation block that restricts nothing.
    #[error("an attenuation block has no checks")]
    NoChecks,
    /// The same block can be written in other bytes.
    #[error("a block is not in canonical encoding")]
    NotCanonical,
    /// Public keys outside the authority block.
    #[error("an attenuation block names public keys")]
    PublicKeys,
    /// Public keys that are doubled, unused, too many, weak or not Ed25519.
    #[error(
        "the public keys of the authority block are doubled, unused, too many, weak or not Ed25519"
    )]
    PublicKeyTable,
    /// A check trusts a key the block does not list.
    #[error("a check trusts a public key that is not listed")]
    PublicKeyOutOfRange,
    /// A fact only a call or a known third-party block may state.
    #[error("the authority block states a fact of a reserved name")]
    ReservedFact,
    /// A rule.
    #[error("a block has rules")]
    Rules,
    /// A scope for the whole block.
    #[error("a block changes whom it trusts")]
    Scopes,
    /// A set holds an element twice.
    #[error("a set repeats an element")]
    SetElementRepeated,
    /// A set with more elements than any grant has.
    #[error("a set has too many elements")]
    SetTooLarge,
    /// A string outside the symbol table.
    #[error("a symbol is out of range")]
    SymbolOutOfRange,
    /// A symbol that is in the table already.
    #[error("a symbol is in the table twice")]
    SymbolRepeated,
    /// A symbol longer than any name.
    #[error("a symbol is too long")]
    SymbolTooLong,
    /// A symbol no fact or check uses.
    #[error("a symbol is not used")]
    SymbolUnused,
    /// More symbols than any grant needs.
    #[error("a block adds too many symbols")]
    SymbolsTooMany,
    /// More checks than a block may have.
    #[error("a block has too many checks")]
    TooManyChecks,
    /// A block signed by a third party.
    #[error("a third-party block is not known")]
    ThirdParty,
    /// Not the protobuf of a block, or an empty term.
    #[error("a block cannot be decoded")]
    Undecodable,
}

/// A verified token that is not admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdmissionError {
    /// A check beside those of the grant is no published caveat.
    #[error("check {check} of block {block} is not a published caveat")]
    CaveatUnknown {
        /// Which block; 0 is the authority block.
        block: usize,
        /// Which check of it, from 0.
        check: usize,
    },
    /// A check that is no published caveat, in the extended profile, and not within its bounds either.
    #[error("check {check} of block {block} is not admitted: {reason}")]
    CheckUnbounded {
        /// Which block; 0 is the authority block.
        block: usize,
        /// Which check of it, from 0.
        check: usize,
        /// What is beyond the bounds.
        reason: Unbounded,
    },
    /// The authority block is not that of a grant.
    #[error("{0}")]
    GrantMalformed(GrantError),
    /// A refused structure.
    #[error("block {block} is not admitted: {reason}")]
    NotAdmitted {
        /// Which block; 0 is the authority block.
        block: usize,
        /// What is refused.
        reason: NotAdmitted,
    },
    /// Another vocabulary than ours.
    #[error("the token is of another vocabulary version than {VOCABULARY_VERSION}")]
    VocabularyUnsupported,
}

impl AdmissionError {
    /// The denial this is.
    pub fn code(&self) -> DenialCode {
        match self {
            Self::CaveatUnknown { .. } | Self::CheckUnbounded { .. } => DenialCode::CaveatUnknown,
            Self::GrantMalformed(_) => DenialCode::GrantMalformed,
            Self::NotAdmitted { .. } => DenialCode::TokenNotAdmitted,
            Self::VocabularyUnsupported => DenialCode::VocabularyUnsupported,
        }
    }
}
