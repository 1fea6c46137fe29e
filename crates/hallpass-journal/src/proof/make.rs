//! Making a proof from a journal's directory.

use std::path::Path;

use hallpass_vocabulary::DecisionId;

use super::{PROOF_RECORDS_MAX, Proof, decision_in};
use crate::merkle::leaf_hash;
use crate::verify::{Progress, TRIES, Verification, VerifyError, Walked, walk};
use crate::{CheckpointError, merkle};

/// A proof, and what it does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// The proof.
    pub proof: Proof,
    /// Records of the decision that are not in it: not signed yet, or past [`PROOF_RECORDS_MAX`].
    pub left_out: u64,
}

/// A decision that cannot be proven.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The journal is not what was signed, or cannot be read.
    #[error("the journal does not verify")]
    Journal(#[from] VerifyError),
    /// The leaves do not fit the checkpoint. They were just compared with it.
    #[error("the records do not fit the checkpoint")]
    Leaves(#[from] merkle::ProofError),
    /// It is not signed yet.
    #[error("record {index} is not signed yet: {signed} records are")]
    NotSigned {
        /// Which.
        index: u64,
        /// How many are signed.
        signed: u64,
    },
    /// The journal has no such decision.
    #[error("the journal has no record of {decision}")]
    Unknown {
        /// Which.
        decision: DecisionId,
    },
    /// The journal has no such decision any more, if it had one.
    #[error("the journal has no record of {decision}; those below {below} were pruned")]
    UnknownOrPruned {
        /// Which.
        decision: DecisionId,
        /// The first record that is there.
        below: u64,
    },
}

/// Verifies the journal in a directory, also while it is written, and proves what it has on a decision.
///
/// Keeps the hash of every record in memory: 32 bytes each.
///
/// # Errors
/// [`ProveError`].
pub fn prove(dir: &Path, decision: DecisionId) -> Result<Proved, ProveError> {
    prove_watched(dir, decision, &mut |_| ())
}

/// As [`prove`], and says every thousand records how far it has come.
///
/// # Errors
/// [`ProveError`].
pub fn prove_watched(
    dir: &Path,
    decision: DecisionId,
    progress: &mut dyn FnMut(Progress),
) -> Result<Proved, ProveError> {
    let mut tries = 1;
    loop {
        match prove_once(dir, decision, progress) {
            Err(ProveError::Journal(VerifyError::PrunedMeanwhile)) if tries < TRIES => tries += 1,
            proved => return proved,
        }
    }
}

fn prove_once(
    dir: &Path,
    decision: DecisionId,
    progress: &mut dyn FnMut(Progress),
) -> Result<Proved, ProveError> {
    let mut leaves = Vec::new();
    let mut lines: Vec<(u64, String)> = Vec::new();
    let mut named = 0_u64;
    let mut verification = Verification::new().progress(progress);
    let walked = walk(dir, &mut verification, &mut |record| {
        leaves.push(leaf_hash(record.line));
        // The first `decided` record is the decision, as everywhere; what names it before is about nothing.
        let wanted = !lines.is_empty() || record.head.kind == "decided";
        if wanted && decision_in(record.line) == Some(decision) {
            named = named.saturating_add(1);
            if lines.len() < PROOF_RECORDS_MAX {
                let line = String::from_utf8_lossy(record.line).into_owned();
                lines.push((record.head.index, line));
            }
        }
    })?;
    let Walked {
        verified,
        note,
        before,
    } = walked;
    let signed = verified.report.signed;
    match lines.first() {
        None => {
            return Err(match verified.report.pruned_below {
                Some(below) => ProveError::UnknownOrPruned { decision, below },
                None => ProveError::Unknown { decision },
            });
        }
        Some((index, _)) if *index >= signed => {
            return Err(ProveError::NotSigned {
                index: *index,
                signed,
            });
        }
        Some(_) => {}
    }
    let kept = signed.saturating_sub(before.size());
    leaves.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
    let note = std::str::from_utf8(&note).map_err(|_| VerifyError::from(CheckpointError::Body))?;
    let provable = lines.iter().filter(|(index, _)| *index < signed);
    let count = provable.clone().count() as u64;
    let proof = Proof::new(
        note,
        &before,
        &leaves,
        provable.map(|(index, line)| (*index, line.as_str())),
    )?;
    Ok(Proved {
        proof,
        left_out: named.saturating_sub(count),
    })
}
