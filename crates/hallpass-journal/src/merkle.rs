//! The Merkle tree of RFC 6962 section 2.1: leaves are hashed with a `0x00` prefix, nodes with `0x01`.
//!
//! [`Tree`] keeps only the roots of the perfect subtrees (at most 64 hashes), so a journal of any size is extended in
//! constant memory. Proofs are made from all leaf hashes and checked from the proof alone.

use sha2::{Digest, Sha256};

mod extension;
mod proof;
mod pruned;

pub use extension::Extension;
pub use proof::{
    ProofError, check_consistency, check_inclusion, check_subtree_consistency,
    check_subtree_inclusion, prove_consistency, prove_inclusion, prove_subtree_consistency,
};
pub use pruned::prove_inclusion_after;

/// A SHA-256 hash of a leaf or a node.
pub type Hash = [u8; 32];

/// The hash of a leaf: its bytes after `0x00`.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    hasher.update(leaf);
    hasher.finalize().into()
}

/// The hash of an inner node: its children after `0x01`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x01]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// An append-only tree, reduced to what is needed to extend it and to name its root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    size: u64,
    /// Roots of the perfect subtrees from left to right, one for each bit set in `size`.
    perfect: Vec<Hash>,
}

impl Tree {
    /// A tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// A tree of these leaf hashes.
    pub fn of<'a>(leaves: impl IntoIterator<Item = &'a Hash>) -> Self {
        let mut tree = Self::new();
        for leaf in leaves {
            tree.push(*leaf);
        }
        tree
    }

    /// A tree of this size from its [`Tree::frontier`]; none if that is not as many hashes as such a tree has.
    pub fn of_frontier(size: u64, frontier: Vec<Hash>) -> Option<Self> {
        let fits = u32::try_from(frontier.len()) == Ok(size.count_ones());
        fits.then_some(Self {
            size,
            perfect: frontier,
        })
    }

    /// The roots of its perfect subtrees from left to right, one for each bit set in its size: all that is needed to
    /// extend it.
    pub fn frontier(&self) -> &[Hash] {
        &self.perfect
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut merged = leaf;
        // Each trailing one of the size is a perfect subtree as large as the one in hand.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.perfect.pop() {
                merged = node_hash(&left, &merged);
            }
        }
        self.perfect.push(merged);
        self.size = self.size.saturating_add(1);
    }

    /// The root; of an empty tree, the hash of nothing.
    pub fn root(&self) -> Hash {
        self.perfect
            .iter()
            .copied()
            .rev()
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(|| Sha256::digest([]).into())
    }
}

#[cfg(test)]
mod tests;
