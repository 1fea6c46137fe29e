//! What an authority records of verifiers.

use hallpass_keys::{Digest, VerifyingKey};
use hallpass_vocabulary::{Audience, OperatorId, Timestamp};

use crate::Text;

/// A code was issued, by which one verifier of an audience may enrol.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VerifierInvited {
    /// SHA-256 of the code. The code is 256 random bits: nothing can be guessed from this.
    pub code: Digest,
    /// The service it is for.
    pub audience: Audience,
    /// Until when it may be used.
    pub until: Timestamp,
    /// Who asked for it.
    pub by: OperatorId,
}

/// A verifier is known from here on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VerifierEnrolled {
    /// The last part of its journal's name, 16 hex digits.
    pub origin: Text,
    /// The service it is of.
    pub audience: Audience,
    /// The key that signs what it reports.
    pub key: VerifyingKey,
    /// What verifies the checkpoints of its journal, in the C2SP vkey form. Its name is the journal's.
    pub journal: Text,
    /// The code it enrolled with, by its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Digest>,
    /// The verifier it goes on from, whose key it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<Text>,
    /// Who vouched for its workload: the policy's name of an issuer, and the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Text>,
}

/// A verifier is no longer believed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VerifierRetired {
    /// Which.
    pub origin: Text,
    /// Who did it.
    pub by: OperatorId,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}

/// A checkpoint of a verifier's journal was found to go on from the last one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CheckpointWitnessed {
    /// Whose.
    pub origin: Text,
    /// How many records it covers.
    pub size: u64,
    /// The root of their Merkle tree.
    pub root: Digest,
}

/// Why a checkpoint was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointFault {
    /// The journal does not go on from what was witnessed: it was altered, or there are two of it.
    Forked,
    /// Records that were shipped are not those that were signed.
    RecordsDiffer,
    /// It covers fewer records than what was witnessed: the journal was cut, or an older copy was put back.
    Smaller,
}

/// A checkpoint of a verifier's journal contradicts what was witnessed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CheckpointRefused {
    /// Whose.
    pub origin: Text,
    /// The service it is of.
    pub audience: Audience,
    /// What is wrong.
    pub fault: CheckpointFault,
    /// How many records it covers.
    pub size: u64,
    /// The root it has.
    pub root: Digest,
    /// How many records were witnessed before.
    pub witnessed_size: u64,
    /// The root they had.
    pub witnessed_root: Digest,
}

impl CheckpointFault {
    /// As it stands in records and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forked => "forked",
            Self::RecordsDiffer => "records_differ",
            Self::Smaller => "smaller",
        }
    }
}
