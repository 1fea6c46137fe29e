//! Inclusion and consistency proofs (RFC 6962 sections 2.1.1 and 2.1.2; checked as RFC 9162 section 2.1 says).

use std::ops::Range;

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
    subproof(leaves, 0..older, true, &mut proof);
    Ok(proof)
}

/// The hashes that show that the tree of `leaves` has these as a subtree.
///
/// # Errors
/// [`ProofError::Sizes`] when they are no subtree, or not in the tree.
pub fn prove_subtree_consistency(
    leaves: &[Hash],
    part: Range<u64>,
) -> Result<Vec<Hash>, ProofError> {
    subtree_size(&part)?;
    let (Ok(start), Ok(end)) = (usize::try_from(part.start), usize::try_from(part.end)) else {
        return Err(ProofError::Sizes);
    };
    if end > leaves.len() {
        return Err(ProofError::Sizes);
    }
    let mut proof = Vec::new();
    subproof(leaves, start..end, true, &mut proof);
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
    check_subtree_consistency(0..older, newer, proof, older_root, newer_root)
}

/// Checks that `leaf` is number `index` of a tree of which a subtree has these leaves and this root.
///
/// A subtree starts at a multiple of a power of two that is not below its number of leaves (draft-ietf-plants-merkle-tree-certs
/// section 4.1), so that its nodes are nodes of the tree.
///
/// # Errors
/// [`ProofError`], which says what does not fit.
pub fn check_subtree_inclusion(
    leaf: &Hash,
    index: u64,
    leaves: Range<u64>,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    let size = subtree_size(&leaves)?;
    let within = index.checked_sub(leaves.start).ok_or(ProofError::Sizes)?;
    check_inclusion(leaf, within, size, proof, root)
}

/// Checks that the tree of `size` leaves has at these leaves the subtree of this root; one that starts at 0 is an older tree
/// (draft-ietf-plants-merkle-tree-certs section 4.4).
///
/// # Errors
/// [`ProofError`], which says what does not fit.
pub fn check_subtree_consistency(
    leaves: Range<u64>,
    size: u64,
    proof: &[Hash],
    subtree_root: &Hash,
    root: &Hash,
) -> Result<(), ProofError> {
    subtree_size(&leaves)?;
    if leaves.end > size {
        return Err(ProofError::Sizes);
    }
    let mut edge = Edge {
        first: leaves.start,
        node: leaves.end - 1,
        last: size - 1,
    };
    edge.skip_to_first_node();
    // A subtree that is one node of the tree is itself the first hash, and is left out of the proof.
    let known = (edge.first == edge.node).then_some(subtree_root);
    let mut hashes = known.into_iter().chain(proof);
    let first = hashes.next().ok_or(ProofError::Length)?;
    let (mut subtree_hash, mut tree_hash) = (*first, *first);
    for sibling in hashes {
        if edge.last == 0 {
            return Err(ProofError::Length);
        }
        if edge.node & 1 == 1 || edge.node == edge.last {
            if edge.first < edge.node {
                subtree_hash = node_hash(sibling, &subtree_hash);
            }
            tree_hash = node_hash(sibling, &tree_hash);
            while edge.node & 1 == 0 && edge.node != 0 {
                edge.rise();
            }
        } else {
            tree_hash = node_hash(&tree_hash, sibling);
        }
        edge.rise();
    }
    if edge.last != 0 {
        Err(ProofError::Length)
    } else if subtree_hash != *subtree_root || tree_hash != *root {
        Err(ProofError::Root)
    } else {
        Ok(())
    }
}

/// How many leaves a subtree has.
fn subtree_size(leaves: &Range<u64>) -> Result<u64, ProofError> {
    let size = leaves.end.saturating_sub(leaves.start);
    let width = size.checked_next_power_of_two();
    let aligned = width.is_some_and(|width| leaves.start.is_multiple_of(width));
    if size == 0 || !aligned {
        return Err(ProofError::Sizes);
    }
    Ok(size)
}

/// On one level of the tree: where the subtree starts, the node on its right edge, and the last node of the tree.
struct Edge {
    first: u64,
    node: u64,
    last: u64,
}

impl Edge {
    fn rise(&mut self) {
        self.first >>= 1;
        self.node >>= 1;
        self.last >>= 1;
    }

    /// Rises to the lowest level at which the proof has a hash: where the subtree's right edge is not its whole width.
    fn skip_to_first_node(&mut self) {
        let at_the_end = self.node == self.last;
        while self.first != self.node && (at_the_end || self.node & 1 == 1) {
            self.rise();
        }
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

/// `SUBTREE_SUBPROOF(start, end, D[n], b)` of the draft, which is `SUBPROOF` of RFC 6962 where it starts at 0; `whole` is its `b`:
/// the part is a complete subtree known to the checker.
fn subproof(leaves: &[Hash], part: Range<usize>, whole: bool, proof: &mut Vec<Hash>) {
    if part == (0..leaves.len()) {
        if !whole {
            proof.push(Tree::of(leaves).root());
        }
        return;
    }
    let Some((left, right)) = halves(leaves) else {
        return;
    };
    if part.end <= left.len() {
        subproof(left, part, whole, proof);
        proof.push(Tree::of(right).root());
    } else {
        // What lies on both sides starts at 0, and its left half is all of the left.
        let whole = whole && part.start >= left.len();
        let within = part.start.saturating_sub(left.len())..part.end - left.len();
        subproof(right, within, whole, proof);
        proof.push(Tree::of(left).root());
    }
}

/// The split at the largest power of two smaller than the number of leaves; none for a single leaf.
fn halves(leaves: &[Hash]) -> Option<(&[Hash], &[Hash])> {
    let top = leaves.len().checked_sub(1)?.checked_ilog2()?;
    leaves.split_at_checked(1 << top)
}
