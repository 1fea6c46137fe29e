//! The blocks of a token, read into what they say.

use biscuit_auth::format::schema;
use hallpass_keys::VerifyingKey;
use hallpass_vocabulary::Timestamp;
use prost::Message as _;

use super::{AdmissionError, NotAdmitted, Place, PlacedCaveat, Profile};
use crate::authority::{self, Authority, GRANT_CHECKS, VOCABULARY_VERSION};
use crate::caveat::{Caveat, Test};
use crate::datalog::{BlockReader, Check, Predicate, Symbols, Term, Unreadable, oldest_version};
use crate::envelope::SignedBlock;
use crate::extended::{OtherCheck, Unbounded};
use crate::grant::{Grant, GrantError};
use crate::limits::{APPROVAL_KEYS_MAX, BLOCKS_MAX, CHECKS_PER_BLOCK_MAX, FACTS_MAX};
use crate::token::UnverifiedToken;

/// The decoded content of a token, whether its signatures are known to hold or not.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) grant: Grant,
    pub(crate) approval_keys: Vec<VerifyingKey>,
    pub(crate) caveats: Vec<PlacedCaveat>,
    /// For each caveat, the next that looks at the same quality of the same argument; all are numbered below 128.
    pub(crate) alike: Vec<Option<u8>>,
    /// Checks that are no published caveats; none in the standard profile.
    pub(crate) others: Vec<OtherCheck>,
    pub(crate) sealed: bool,
    pub(crate) blocks: usize,
    pub(crate) not_after: Timestamp,
}

impl UnverifiedToken {
    pub(crate) fn content(&self, profile: Profile) -> Result<Content, AdmissionError> {
        let authority = decode(0, &self.envelope.authority)?;
        let later = (1..)
            .zip(&self.envelope.later)
            .map(|(position, signed)| decode(position, signed))
            .collect::<Result<Vec<_>, _>>()?;

        let mut symbols = Symbols::default();
        add_symbols(0, &authority, &mut symbols)?;
        let mut checks = Checks {
            profile,
            caveats: Vec::new(),
            others: Vec::new(),
        };
        let Authority {
            grant,
            approval_keys,
        } = read_authority(&authority, &symbols, &mut checks)?;
        for (position, block) in (1..).zip(&later) {
            add_symbols(position, block, &mut symbols)?;
            read_attenuation(position, block, &symbols, &mut checks)?;
        }
        let Checks {
            caveats, others, ..
        } = checks;
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
            alike: alike(&caveats),
            caveats,
            others,
            sealed,
            blocks,
            not_after,
        })
    }
}

// A number fits eight bits, and a set of them 128.
const _: () = assert!(BLOCKS_MAX * CHECKS_PER_BLOCK_MAX <= 128);

fn alike(caveats: &[PlacedCaveat]) -> Vec<Option<u8>> {
    fn test(placed: &PlacedCaveat) -> Option<&Test> {
        match &placed.caveat {
            Caveat::Argument(argument) => argument.test(),
            _ => None,
        }
    }
    let next = |(number, placed)| {
        let this = test(placed)?;
        let mut behind = caveats.iter().enumerate().skip(number).skip(1);
        let next = behind.find(|(_, other)| test(other).is_some_and(|other| this.is_alike(other)));
        next.and_then(|(number, _)| u8::try_from(number).ok())
    };
    caveats.iter().enumerate().map(next).collect()
}

/// A block of the shape every block must have.
fn decode(position: usize, signed: &SignedBlock) -> Result<schema::Block, AdmissionError> {
    decode_block(signed).map_err(|reason| AdmissionError::NotAdmitted {
        block: position,
        reason,
    })
}

fn add_symbols<'a>(
    position: usize,
    block: &'a schema::Block,
    symbols: &mut Symbols<'a>,
) -> Result<(), AdmissionError> {
    symbols
        .extend(&block.symbols)
        .map_err(|reason| AdmissionError::NotAdmitted {
            block: position,
            reason,
        })
}

pub(crate) fn decode_block(signed: &SignedBlock) -> Result<schema::Block, NotAdmitted> {
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
    Ok(block)
}

/// `own` is how many checks the block has beside its caveats.
fn check_count(block: &schema::Block, own: usize) -> Result<(), NotAdmitted> {
    if block.checks.len().saturating_sub(own) > CHECKS_PER_BLOCK_MAX {
        return Err(NotAdmitted::TooManyChecks);
    }
    Ok(())
}

/// One way to write a block: under the oldest version that holds it. Looked at last: newer Datalog is better refused by
/// what it says.
fn check_version(block: &schema::Block) -> Result<(), NotAdmitted> {
    if block.version == Some(oldest_version(block)) {
        Ok(())
    } else {
        Err(NotAdmitted::BlockVersion)
    }
}

fn read_authority<'a>(
    block: &'a schema::Block,
    symbols: &Symbols<'a>,
    read: &mut Checks,
) -> Result<Authority, AdmissionError> {
    let refused = |reason| AdmissionError::NotAdmitted { block: 0, reason };
    check_count(block, GRANT_CHECKS).map_err(refused)?;
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
            Err(Unreadable::Unpublished) if position >= GRANT_CHECKS => {
                return Err(read.unreadable(Place {
                    block: 0,
                    check: position,
                }));
            }
            Err(Unreadable::Unpublished) => {
                return Err(AdmissionError::GrantMalformed(GrantError::Check {
                    check: position,
                }));
            }
        }
    }
    let authority = authority::read(&facts, &checks).map_err(AdmissionError::GrantMalformed)?;
    for (check, decoded) in checks.iter().enumerate().skip(GRANT_CHECKS) {
        read.add(Place { block: 0, check }, decoded)?;
    }
    if authority.approval_keys != keys {
        return Err(refused(NotAdmitted::PublicKeyTable));
    }
    reader.finish(block.symbols.len()).map_err(refused)?;
    check_version(block).map_err(refused)?;
    Ok(authority)
}

/// The checks of a token beside those of its grant.
struct Checks {
    profile: Profile,
    caveats: Vec<PlacedCaveat>,
    others: Vec<OtherCheck>,
}

impl Checks {
    fn add(&mut self, place: Place, check: &Check<'_>) -> Result<(), AdmissionError> {
        if let Some(caveat) = Caveat::from_check(check) {
            self.caveats.push(PlacedCaveat { place, caveat });
            return Ok(());
        }
        let Place {
            block,
            check: number,
        } = place;
        match self.profile {
            Profile::Standard => Err(AdmissionError::CaveatUnknown {
                block,
                check: number,
            }),
            Profile::Extended => OtherCheck::admit(place, check)
                .map(|other| self.others.push(other))
                .map_err(|reason| AdmissionError::CheckUnbounded {
                    block,
                    check: number,
                    reason,
                }),
        }
    }

    /// The refusal of a check that uses Datalog beyond both profiles.
    fn unreadable(&self, place: Place) -> AdmissionError {
        let Place { block, check } = place;
        match self.profile {
            Profile::Standard => AdmissionError::CaveatUnknown { block, check },
            Profile::Extended => AdmissionError::CheckUnbounded {
                block,
                check,
                reason: Unbounded::NotAdmitted,
            },
        }
    }
}

fn public_keys(keys: &[schema::PublicKey]) -> Result<Vec<VerifyingKey>, NotAdmitted> {
    let mut table: Vec<VerifyingKey> = Vec::with_capacity(keys.len().min(APPROVAL_KEYS_MAX));
    for key in keys {
        let ed25519 = key.algorithm == schema::public_key::Algorithm::Ed25519 as i32;
        // Counted before it is decompressed.
        if !ed25519 || table.len() == APPROVAL_KEYS_MAX {
            return Err(NotAdmitted::PublicKeyTable);
        }
        let key = key
            .key
            .as_slice()
            .try_into()
            .ok()
            .and_then(|bytes| VerifyingKey::from_bytes(bytes).ok());
        match key {
            Some(key) if !table.contains(&key) => table.push(key),
            _ => return Err(NotAdmitted::PublicKeyTable),
        }
    }
    Ok(table)
}

fn read_attenuation<'a>(
    position: usize,
    block: &'a schema::Block,
    symbols: &Symbols<'a>,
    read: &mut Checks,
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
    check_count(block, 0).map_err(refused)?;
    if block.checks.is_empty() {
        return Err(refused(NotAdmitted::NoChecks));
    }
    let mut reader = BlockReader::new(symbols, &[]);
    for (check, encoded) in block.checks.iter().enumerate() {
        let place = Place {
            block: position,
            check,
        };
        let decoded = reader
            .check(encoded)
            .map_err(|unreadable| match unreadable {
                Unreadable::Refused(reason) => refused(reason),
                Unreadable::Unpublished => read.unreadable(place),
            })?;
        read.add(place, &decoded)?;
    }
    reader.finish(block.symbols.len()).map_err(refused)?;
    check_version(block).map_err(refused)
}
