//! Inclusion proofs in a tree whose first leaves are gone, and only their frontier is left.

use super::{Hash, ProofError, Tree, node_hash};

/// The hashes that lead from leaf `index` to the root of the tree of the leaves `before` and then `leaves`.
///
/// # Errors
/// [`ProofError::Sizes`] when there is no such leaf, or it is one of those before.
pub fn prove_inclusion_after(
    before: &Tree,
    leaves: &[Hash],
    index: u64,
) -> Result<Vec<Hash>, ProofError> {
    let known = Known { before, leaves };
    let size = before.size().saturating_add(leaves.len() as u64);
    if index >= size || index < before.size() {
        return Err(ProofError::Sizes);
    }
    let mut proof = Vec::new();
    known.path(0, size, index, &mut proof)?;
    Ok(proof)
}

struct Known<'a> {
    before: &'a Tree,
    leaves: &'a [Hash],
}

impl Known<'_> {
    /// `PATH` of RFC 6962, of the leaves from `low` up to `high`.
    fn path(
        &self,
        low: u64,
        high: u64,
        index: u64,
        proof: &mut Vec<Hash>,
    ) -> Result<(), ProofError> {
        let Some(middle) = split(low, high) else {
            return Ok(());
        };
        if index < middle {
            self.path(low, middle, index, proof)?;
            proof.push(self.root(middle, high)?);
        } else {
            self.path(middle, high, index, proof)?;
            proof.push(self.root(low, middle)?);
        }
        Ok(())
    }

    fn root(&self, low: u64, high: u64) -> Result<Hash, ProofError> {
        let gone = self.before.size();
        if high <= gone {
            // A subtree beside one with a leaf that is there, so it is one of the perfect ones of the frontier.
            return self.perfect(low, high).ok_or(ProofError::Sizes);
        }
        if low >= gone {
            let at = |leaf: u64| usize::try_from(leaf - gone).map_err(|_| ProofError::Sizes);
            let leaves = self.leaves.get(at(low)?..at(high)?);
            return Ok(Tree::of(leaves.ok_or(ProofError::Sizes)?).root());
        }
        let middle = split(low, high).ok_or(ProofError::Sizes)?;
        Ok(node_hash(
            &self.root(low, middle)?,
            &self.root(middle, high)?,
        ))
    }

    fn perfect(&self, low: u64, high: u64) -> Option<Hash> {
        let mut start = 0_u64;
        let mut left = self.before.size();
        for hash in self.before.frontier() {
            let size = 1_u64.checked_shl(left.checked_ilog2()?)?;
            if (start, start.checked_add(size)?) == (low, high) {
                return Some(*hash);
            }
            start = start.checked_add(size)?;
            left -= size;
        }
        None
    }
}

/// The split at the largest power of two smaller than the number of leaves; none for a single leaf.
fn split(low: u64, high: u64) -> Option<u64> {
    let top = high.checked_sub(low)?.checked_sub(1)?.checked_ilog2()?;
    low.checked_add(1_u64.checked_shl(top)?)
}
