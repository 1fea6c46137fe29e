//! Inclusion and consistency proofs (RFC 6962 sections 2.1.1 and 2.1.2; checked as RFC 9162 section 2.1 says).

use super::{Hash, Tree, node_hash};

/// A proof that does not prove what it was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The index lies outside the tree, or the older tree is empty or larger than the newer one.
    #[error("the sizes of the proof do not fit together")]
    Sizes,
    /// The proof has too few or too many hashes for its sizes.
    #[error("the proof has a wrong number of hashes")]
    Length,
    /// The hashes do not lead to the root.
    #[error("the proof does not lead to the root")]
    Root,
}

/// The hashes that lead from leaf `index` to the root of the tree of `leaves`.
///
/// # Errors
/// [`ProofError::Sizes`] when there is no such leaf.
pub fn prove_inclusion(leaves: &[Hash], index: u64) -> Result<Vec<Hash>, ProofError> {
    let index = usize::try_from(index).map_err(|_| ProofError::Sizes)?;
    if index >= leaves.len() {
        return Err(ProofError::Sizes);
    }
    let mut proof = Vec::new();
    path(leaves, index, &mut proof);
    Ok(proof)
}

/// The hashes that show that the tree of the first `older` leaves is a prefix of the tree of `leaves`.
///
/// # Errors
/// [`ProofError::Sizes`] when `older` is zero or larger than the tree.
pub fn prove_consistency(leaves: &[Hash], older: u64) -> Result<Vec<Hash>, ProofError> {
    let older = usize::try_from(older).map_err(|_| ProofError::Sizes)?;
    if older == 0 || older > leaves.len() {
        return Err(ProofError::Sizes);
    }
    let mut proof = Vec::new();
    subproof(leaves, older, true, &mut proof);
    Ok(proof)
}

/// Checks that `leaf` is number `index` of the tree of `size` leaves with this root.
///
/// # Errors
/// [`ProofError`], which says what does not fit.
pub fn check_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Sizes);
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            skip_right_edge(&mut node, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        Err(ProofError::Length)
    } else if hash != *root {
        Err(ProofError::Root)
    } else {
        Ok(())
    }
}

/// Checks that the tree of `older` leaves is a prefix of the tree of `newer` leaves.
///
/// An older size of zero proves nothing and is an error.
///
/// # Errors
/// [`ProofError`], which says what does not fit.
pub fn check_consistency(
    older: u64,
    newer: u64,
    proof: &[Hash],
    older_root: &Hash,
    newer_root: &Hash,
) -> Result<(), ProofError> {
    if older == 0 || older > newer {
        return Err(ProofError::Sizes);
    }
    if older == newer {
        return match (proof.is_empty(), older_root == newer_root) {
            (false, _) => Err(ProofError::Length),
            (true, false) => Err(ProofError::Root),
            (true, true) => Ok(()),
        };
    }
    // A perfect older tree is itself the first node of the proof and is left out of it.
    let mut hashes = older
        .is_power_of_two()
        .then_some(older_root)
        .into_iter()
        .chain(proof);
    let first = hashes.next().ok_or(ProofError::Length)?;
    let shift = (older - 1).trailing_ones();
    let (mut node, mut last) = (
        (older - 1).checked_shr(shift).unwrap_or(0),
        (newer - 1).checked_shr(shift).unwrap_or(0),
    );
    let (mut older_hash, mut newer_hash) = (*first, *first);
    for sibling in hashes {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            older_hash = node_hash(sibling, &older_hash);
            newer_hash = node_hash(sibling, &newer_hash);
            skip_right_edge(&mut node, &mut last);
        } else {
            newer_hash = node_hash(&newer_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        Err(ProofError::Length)
    } else if older_hash != *older_root || newer_hash != *newer_root {
        Err(ProofError::Root)
    } else {
        Ok(())
    }
}

/// A node on the right edge of the tree is lifted past the levels at which it has no sibling.
fn skip_right_edge(node: &mut u64, last: &mut u64) {
    while *node & 1 == 0 && *node != 0 {
        *node >>= 1;
        *last >>= 1;
    }
}

/// `PATH(m, D[n])` of RFC 6962.
fn path(leaves: &[Hash], index: usize, proof: &mut Vec<Hash>) {
    let Some((left, right)) = halves(leaves) else {
        return;
    };
    if index < left.len() {
        path(left, index, proof);
        proof.push(Tree::of(right).root());
    } else {
        path(right, index - left.len(), proof);
        proof.push(Tree::of(left).root());
    }
}

/// `SUBPROOF(m, D[n], b)` of RFC 6962; `whole` is its `b`: the older tree is a complete subtree known to the checker.
fn subproof(leaves: &[Hash], older: usize, whole: bool, proof: &mut Vec<Hash>) {
    if older == leaves.len() {
        if !whole {
            proof.push(Tree::of(leaves).root());
        }
        return;
    }
    let Some((left, right)) = halves(leaves) else {
        return;
    };
    if older <= left.len() {
        subproof(left, older, whole, proof);
        proof.push(Tree::of(right).root());
    } else {
        subproof(right, older - left.len(), false, proof);
        proof.push(Tree::of(left).root());
    }
}

/// The split at the largest power of two smaller than the number of leaves; none for a single leaf.
fn halves(leaves: &[Hash]) -> Option<(&[Hash], &[Hash])> {
    let top = leaves.len().checked_sub(1)?.checked_ilog2()?;
    leaves.split_at_checked(1 << top)
}
