//! Proof of one decision without its journal: its lines, the hashes that lead from each to the root, and the signed
//! checkpoint of that root.
//!
//! A [`Proof`] is data from anywhere. [`Proof::verify`] makes it a [`Proven`], given the journal's key, from the proof
//! alone; [`prove`] makes one from a directory. What a proof cannot show is that nothing was left out of it: an
//! outcome that is not in it may be in the journal all the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_keys::VerifyingKey;
use hallpass_keys::note::NoteVerifier;
use hallpass_vocabulary::DecisionId;

use crate::merkle::{self, Hash, Tree, check_inclusion, leaf_hash, prove_inclusion_after};
use crate::read::Record;
use crate::verify::name_in;
use crate::{Checkpoint, CheckpointError, Event, LineDefect};

mod make;

pub use make::{ProveError, Proved, prove, prove_watched};

/// The value of the member `format`.
pub const PROOF_FORMAT: &str = "hallpass-proof/1";
/// The largest proof read, in bytes: room for [`PROOF_RECORDS_MAX`] of the longest lines with everything in them escaped,
/// and a note of 64 KiB.
pub const PROOF_BYTES_MAX: usize = 1024 * 1024;
/// The most records in a proof: a decision has one outcome and at most a few remarks.
pub const PROOF_RECORDS_MAX: usize = 16;

/// What a proof file says. Nothing in it is to be believed before [`Proof::verify`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    format: String,
    /// The signed note, whole.
    checkpoint: String,
    records: Vec<Included>,
}

/// A line and its way to the root.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Included {
    index: u64,
    line: String,
    path: Vec<Node>,
}

/// A hash as base64.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Node(Hash);

impl From<Node> for String {
    fn from(node: Node) -> Self {
        STANDARD.encode(node.0)
    }
}

impl TryFrom<String> for Node {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = STANDARD.decode(text).ok();
        let hash = bytes.and_then(|bytes| bytes.try_into().ok());
        hash.map(Self)
            .ok_or("a hash is the base64 of 32 bytes, padded")
    }
}

/// Who must have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// This journal, by its name and key.
    Journal(NoteVerifier),
    /// Whatever journal this key signs.
    Key(VerifyingKey),
}

/// A decision that was recorded: each line is, byte for byte, in the tree that the journal's key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    origin: String,
    signed: u64,
    decision: DecisionId,
    records: Vec<Record>,
}

/// A proof that proves nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidProof {
    /// The checkpoint cannot be believed.
    #[error("the checkpoint in the proof is not one of the journal of this key")]
    Checkpoint(#[from] CheckpointError),
    /// The records are not a decision and what came of it.
    #[error("record {index} is not about the decision of the first one, or not in order")]
    Decision {
        /// Which.
        index: u64,
    },
    /// Of another version, or something else.
    #[error("the format is not `{PROOF_FORMAT}`")]
    Format,
    /// The line says it has another place than the proof does.
    #[error("the proof is of record {claimed}, and its line has index {found}")]
    Index {
        /// What the proof says.
        claimed: u64,
        /// What the line says.
        found: u64,
    },
    /// A line is no record.
    #[error("the line of record {index} is none: {defect}")]
    Line {
        /// Which.
        index: u64,
        /// What is wrong.
        defect: LineDefect,
    },
    /// Not the JSON of a proof.
    #[error("not a proof file")]
    NotAProof(#[source] serde_json::Error),
    /// The record lies above the signed size.
    #[error("record {index} is not under the checkpoint: {signed} records are signed")]
    NotSigned {
        /// Which.
        index: u64,
        /// How many are signed.
        signed: u64,
    },
    /// The hashes do not lead from the line to the signed root.
    #[error("record {index} is not the one that was signed")]
    Path {
        /// Which.
        index: u64,
        /// What does not fit.
        #[source]
        source: merkle::ProofError,
    },
    /// No record, or more than [`PROOF_RECORDS_MAX`].
    #[error("a proof has 1 to {PROOF_RECORDS_MAX} records")]
    RecordCount,
    /// Larger than [`PROOF_BYTES_MAX`].
    #[error("the proof is larger than {PROOF_BYTES_MAX} bytes")]
    TooLarge,
}

impl Proof {
    /// A proof of these lines, by the hashes of every leaf under the checkpoint: those that were pruned `before`, and the
    /// others.
    ///
    /// # Errors
    /// When a line lies outside the tree.
    pub fn new<'a>(
        checkpoint: &str,
        before: &Tree,
        leaves: &[Hash],
        lines: impl IntoIterator<Item = (u64, &'a str)>,
    ) -> Result<Self, merkle::ProofError> {
        let include = |(index, line): (u64, &str)| {
            let path = prove_inclusion_after(before, leaves, index)?;
            Ok(Included {
                index,
                line: line.to_owned(),
                path: path.into_iter().map(Node).collect(),
            })
        };
        Ok(Self {
            format: PROOF_FORMAT.to_owned(),
            checkpoint: checkpoint.to_owned(),
            records: lines.into_iter().map(include).collect::<Result<_, _>>()?,
        })
    }

    /// Reads a proof file.
    ///
    /// # Errors
    /// When it is none, or of a format this version does not know.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidProof> {
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(InvalidProof::TooLarge);
        }
        let proof: Self = serde_json::from_slice(bytes).map_err(InvalidProof::NotAProof)?;
        // The deserializer takes an array for an object's members; the format does not.
        let value: serde_json::Value =
            serde_json::from_slice(bytes).map_err(InvalidProof::NotAProof)?;
        if serde_json::to_value(&proof).map_err(InvalidProof::NotAProof)? != value {
            let other = serde::de::Error::custom("not in the one form of a proof");
            return Err(InvalidProof::NotAProof(other));
        }
        if proof.format != PROOF_FORMAT {
            return Err(InvalidProof::Format);
        }
        Ok(proof)
    }

    /// Checks the signature, the root, and that each line is at its place in the signed tree.
    ///
    /// # Errors
    /// [`InvalidProof`], which says what does not fit.
    pub fn verify(&self, signer: &Signer) -> Result<Proven, InvalidProof> {
        if !(1..=PROOF_RECORDS_MAX).contains(&self.records.len()) {
            return Err(InvalidProof::RecordCount);
        }
        let note = self.checkpoint.as_bytes();
        let checkpoint = match signer {
            Signer::Journal(verifier) => Checkpoint::verify(note, verifier)?,
            Signer::Key(key) => Checkpoint::verify(note, &NoteVerifier::new(name_in(note)?, *key))?,
        };
        let mut records: Vec<Record> = Vec::new();
        let mut decision = None;
        for included in &self.records {
            let index = included.index;
            let record = included.verify(&checkpoint)?;
            let about = named_decision(&record).filter(|about| match decision {
                None => matches!(record.event(), Ok(Event::Decided(_))),
                Some(first) => first == *about,
            });
            let in_order = records.last().is_none_or(|last| last.index() < index);
            decision = about.filter(|_| in_order);
            if decision.is_none() {
                return Err(InvalidProof::Decision { index });
            }
            records.push(record);
        }
        Ok(Proven {
            origin: checkpoint.origin,
            signed: checkpoint.size,
            decision: decision.ok_or(InvalidProof::RecordCount)?,
            records,
        })
    }
}

impl Included {
    fn verify(&self, checkpoint: &Checkpoint) -> Result<Record, InvalidProof> {
        let (index, line) = (self.index, self.line.as_bytes());
        if index >= checkpoint.size {
            return Err(InvalidProof::NotSigned {
                index,
                signed: checkpoint.size,
            });
        }
        let record = Record::parse(line).map_err(|defect| InvalidProof::Line { index, defect })?;
        if record.index() != index {
            return Err(InvalidProof::Index {
                claimed: index,
                found: record.index(),
            });
        }
        let path: Vec<Hash> = self.path.iter().map(|node| node.0).collect();
        check_inclusion(
            &leaf_hash(line),
            index,
            checkpoint.size,
            &path,
            &checkpoint.root,
        )
        .map_err(|source| InvalidProof::Path { index, source })?;
        Ok(record)
    }
}

impl Proven {
    /// The journal.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many records were signed together.
    pub fn signed(&self) -> u64 {
        self.signed
    }

    /// The decision it is about.
    pub fn decision(&self) -> DecisionId {
        self.decision
    }

    /// The `decided` record first, then what the proof has of what came of it.
    pub fn records(&self) -> &[Record] {
        &self.records
    }
}

/// The decision a record is about.
fn named_decision(record: &Record) -> Option<DecisionId> {
    decision_in(record.line().as_bytes())
}

fn decision_in(line: &[u8]) -> Option<DecisionId> {
    #[derive(serde::Deserialize)]
    struct About {
        decision: DecisionId,
    }
    let about: About = serde_json::from_slice(line).ok()?;
    Some(about.decision)
}
