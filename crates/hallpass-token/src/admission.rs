//! Admission: the structural check of a verified token, and its decoding to a typed grant and typed caveats.
//!
//! Everything here is linear in the bytes of the token, up to the sorting of its symbols. No engine runs.

use biscuit_auth::format::schema;
use hallpass_keys::PUBLIC_KEY_BYTES;
use hallpass_vocabulary::{DenialCode, Timestamp};
use prost::Message as _;

use crate::authority::{self, VOCABULARY_VERSION};
use crate::caveat::Caveat;
use crate::datalog::{BlockReader, DATALOG_3_0, DATALOG_3_1, Predicate, Symbols, Term, Unreadable};
use crate::envelope::{Envelope, KeyBytes, SignedBlock};
use crate::grant::{Grant, GrantError};
use crate::limits::{APPROVAL_KEYS_MAX, CHECKS_PER_BLOCK_MAX, FACTS_MAX};
use crate::token::{UnverifiedToken, VerifiedToken};

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
    /// Public keys that are doubled, unused, too many or not Ed25519.
    #[error("the public keys of the authority block are doubled, unused, too many or not Ed25519")]
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
    /// A check of an attenuation block is no published caveat.
    #[error("check {check} of block {block} is not a published caveat")]
    CaveatUnknown {
        /// Which block, from 1.
        block: usize,
        /// Which check of it, from 0.
        check: usize,
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
            Self::CaveatUnknown { .. } => DenialCode::CaveatUnknown,
            Self::GrantMalformed(_) => DenialCode::GrantMalformed,
            Self::NotAdmitted { .. } => DenialCode::TokenNotAdmitted,
            Self::VocabularyUnsupported => DenialCode::VocabularyUnsupported,
        }
    }
}

/// Where a caveat stands in its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The block, from 1.
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

    /// What its holders gave up, in order.
    pub fn caveats(&self) -> &[PlacedCaveat] {
        &self.content.caveats
    }

    /// The public keys whose approvals its checks accept.
    pub fn approval_keys(&self) -> &[[u8; PUBLIC_KEY_BYTES]] {
        &self.content.approval_keys
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

impl VerifiedToken {
    /// Checks the structure and decodes the token.
    ///
    /// # Errors
    /// [`AdmissionError`]: `token_not_admitted`, `vocabulary_unsupported`, `grant_malformed` or `caveat_unknown`.
    pub fn admit(&self) -> Result<AdmittedToken, AdmissionError> {
        self.token
            .content()
            .map(|content| AdmittedToken { content })
    }
}

/// The decoded content of a token, whether its signatures are known to hold or not.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) grant: Grant,
    pub(crate) approval_keys: Vec<KeyBytes>,
    pub(crate) caveats: Vec<PlacedCaveat>,
    pub(crate) sealed: bool,
    pub(crate) blocks: usize,
    pub(crate) not_after: Timestamp,
}

impl UnverifiedToken {
    pub(crate) fn content(&self) -> Result<Content, AdmissionError> {
        let blocks = decode_blocks(&self.envelope)?;
        let mut symbols = Symbols::default();
        let mut content = None;
        let mut caveats = Vec::new();
        for (position, block) in blocks.iter().enumerate() {
            let refused = |reason| AdmissionError::NotAdmitted {
                block: position,
                reason,
            };
            symbols.extend(&block.symbols).map_err(refused)?;
            if position == 0 {
                content = Some(read_authority(block, &symbols)?);
            } else {
                read_attenuation(position, block, &symbols, &mut caveats)?;
            }
        }
        // An envelope has an authority block, so there is content.
        let missing = AdmissionError::NotAdmitted {
            block: 0,
            reason: NotAdmitted::Undecodable,
        };
        let (grant, approval_keys) = content.ok_or(missing)?;
        let ends = caveats
            .iter()
            .filter_map(|placed: &PlacedCaveat| match placed.caveat {
                Caveat::ExpiresBefore(end) => Some(end),
                _ => None,
            });
        let not_after = ends.fold(grant.expires, Ord::min);
        let (sealed, blocks) = (self.is_sealed(), self.blocks());
        Ok(Content {
            grant,
            approval_keys,
            caveats,
            sealed,
            blocks,
            not_after,
        })
    }
}

/// The blocks, each of the shape every block must have.
fn decode_blocks(envelope: &Envelope) -> Result<Vec<schema::Block>, AdmissionError> {
    envelope
        .blocks()
        .enumerate()
        .map(|(position, signed)| {
            decode_block(signed).map_err(|reason| AdmissionError::NotAdmitted {
                block: position,
                reason,
            })
        })
        .collect()
}

fn decode_block(signed: &SignedBlock) -> Result<schema::Block, NotAdmitted> {
    if signed.external.is_some() {
        return Err(NotAdmitted::ThirdParty);
    }
    let block =
        schema::Block::decode(signed.payload.as_slice()).map_err(|_| NotAdmitted::Undecodable)?;
    // Unknown fields are somebody's future meaning: what is not understood is refused.
    if block.encode_to_vec() != signed.payload {
        return Err(NotAdmitted::NotCanonical);
    }
    if block.context.is_some() {
        return Err(NotAdmitted::Context);
    }
    if !block.rules.is_empty() {
        return Err(NotAdmitted::Rules);
    }
    if !block.scope.is_empty() {
        return Err(NotAdmitted::Scopes);
    }
    if block.facts.len() > FACTS_MAX {
        return Err(NotAdmitted::FactsTooMany);
    }
    if block.checks.len() > CHECKS_PER_BLOCK_MAX {
        return Err(NotAdmitted::TooManyChecks);
    }
    Ok(block)
}

/// The oldest version that holds the content, so that there is one way to write it: Datalog 3.0, and 3.1 for `trusting`,
/// which is what public keys are for. Looked at last: newer Datalog is better refused by what it says.
fn check_version(block: &schema::Block) -> Result<(), NotAdmitted> {
    let version = if block.public_keys.is_empty() {
        DATALOG_3_0
    } else {
        DATALOG_3_1
    };
    if block.version == Some(version) {
        Ok(())
    } else {
        Err(NotAdmitted::BlockVersion)
    }
}

fn read_authority<'a>(
    block: &'a schema::Block,
    symbols: &Symbols<'a>,
) -> Result<(Grant, Vec<KeyBytes>), AdmissionError> {
    let refused = |reason| AdmissionError::NotAdmitted { block: 0, reason };
    let keys = public_keys(&block.public_keys).map_err(refused)?;
    let mut reader = BlockReader::new(symbols, &keys);

    let mut facts: Vec<Predicate<'_>> = Vec::with_capacity(block.facts.len());
    let mut unpublished = false;
    for fact in &block.facts {
        match reader.fact(fact) {
            Ok(fact) if authority::is_reserved(fact.name) => {
                return Err(refused(NotAdmitted::ReservedFact));
            }
            Ok(fact) => facts.push(fact),
            Err(Unreadable::Refused(reason)) => return Err(refused(reason)),
            Err(Unreadable::Unpublished) => unpublished = true,
        }
    }
    // Before anything is said about facts: another vocabulary may have others.
    let vocabulary = facts
        .iter()
        .find(|fact| fact.name == "hallpass")
        .map(|fact| fact.terms.as_slice());
    if vocabulary.is_some_and(|terms| terms != [Term::Integer(VOCABULARY_VERSION)]) {
        return Err(AdmissionError::VocabularyUnsupported);
    }
    if unpublished {
        return Err(AdmissionError::GrantMalformed(GrantError::FactKind));
    }

    let mut checks = Vec::with_capacity(block.checks.len());
    for (position, check) in block.checks.iter().enumerate() {
        match reader.check(check) {
            Ok(check) => checks.push(check),
            Err(Unreadable::Refused(reason)) => return Err(refused(reason)),
            Err(Unreadable::Unpublished) => {
                return Err(AdmissionError::GrantMalformed(GrantError::Check {
                    check: position,
                }));
            }
        }
    }
    let (grant, approval_keys) =
        authority::read(&facts, &checks).map_err(AdmissionError::GrantMalformed)?;
    if approval_keys != keys {
        return Err(refused(NotAdmitted::PublicKeyTable));
    }
    reader.finish(block.symbols.len()).map_err(refused)?;
    check_version(block).map_err(refused)?;
    Ok((grant, approval_keys))
}

fn public_keys(keys: &[schema::PublicKey]) -> Result<Vec<KeyBytes>, NotAdmitted> {
    let mut table: Vec<KeyBytes> = Vec::with_capacity(keys.len().min(APPROVAL_KEYS_MAX));
    for key in keys {
        let bytes =
            KeyBytes::try_from(key.key.as_slice()).map_err(|_| NotAdmitted::PublicKeyTable)?;
        let ed25519 = key.algorithm == schema::public_key::Algorithm::Ed25519 as i32;
        if !ed25519 || table.contains(&bytes) || table.len() == APPROVAL_KEYS_MAX {
            return Err(NotAdmitted::PublicKeyTable);
        }
        table.push(bytes);
    }
    Ok(table)
}

fn read_attenuation<'a>(
    position: usize,
    block: &'a schema::Block,
    symbols: &Symbols<'a>,
    caveats: &mut Vec<PlacedCaveat>,
) -> Result<(), AdmissionError> {
    let refused = |reason| AdmissionError::NotAdmitted {
        block: position,
        reason,
    };
    if !block.facts.is_empty() {
        return Err(refused(NotAdmitted::Facts));
    }
    if !block.public_keys.is_empty() {
        return Err(refused(NotAdmitted::PublicKeys));
    }
    if block.checks.is_empty() {
        return Err(refused(NotAdmitted::NoChecks));
    }
    let mut reader = BlockReader::new(symbols, &[]);
    for (check, encoded) in block.checks.iter().enumerate() {
        let unknown = AdmissionError::CaveatUnknown {
            block: position,
            check,
        };
        let decoded = reader
            .check(encoded)
            .map_err(|unreadable| match unreadable {
                Unreadable::Refused(reason) => refused(reason),
                Unreadable::Unpublished => unknown.clone(),
            })?;
        let caveat = Caveat::from_check(&decoded).ok_or(unknown)?;
        caveats.push(PlacedCaveat {
            place: Place {
                block: position,
                check,
            },
            caveat,
        });
    }
    reader.finish(block.symbols.len()).map_err(refused)?;
    check_version(block).map_err(refused)
}
