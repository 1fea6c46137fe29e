//! Consistency proofs (RFC 6962 section 2.1.2) from the frontier of the older tree and the leaves that came after it: what a
//! writer of a long journal has, which keeps no hash of its old leaves.

use std::ops::Range;

use super::{Hash, ProofError, Tree};

/// A proof in the making that one tree is a prefix of a longer one.
#[derive(Debug, Clone)]
pub struct Extension {
    parts: Vec<Part>,
    /// Where the new subtrees of the proof end, in order.
    ends: Vec<u64>,
    /// Their roots, as far as the leaves have come.
    roots: Vec<Hash>,
    under_way: Tree,
    whole: Tree,
    size: u64,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    /// A subtree of the older tree.
    Old(Hash),
    /// One of the new subtrees.
    New(usize),
}

impl Extension {
    /// From a tree to one of this size.
    ///
    /// # Errors
    /// [`ProofError::Sizes`] when the older tree is empty or larger than the newer one.
    pub fn of(older: &Tree, size: u64) -> Result<Self, ProofError> {
        if older.size() == 0 || older.size() > size {
            return Err(ProofError::Sizes);
        }
        let mut ranges = Vec::new();
        subtrees(older.size(), 0..size, true, &mut ranges);
        let mut extension = Self {
            parts: Vec::new(),
            ends: Vec::new(),
            roots: Vec::new(),
            under_way: Tree::new(),
            whole: older.clone(),
            size,
        };
        for range in ranges {
            let part = if range.end <= older.size() {
                Part::Old(perfect(older, range.start).ok_or(ProofError::Sizes)?)
            } else {
                extension.ends.push(range.end);
                Part::New(extension.ends.len() - 1)
            };
            extension.parts.push(part);
        }
        Ok(extension)
    }

    /// How many leaves are still to come.
    pub fn missing(&self) -> u64 {
        self.size.saturating_sub(self.whole.size())
    }

    /// Takes the next leaf; those beyond the size are passed over.
    pub fn push(&mut self, leaf: Hash) {
        if self.missing() == 0 {
            return;
        }
        self.whole.push(leaf);
        self.under_way.push(leaf);
        if self.ends.get(self.roots.len()) == Some(&self.whole.size()) {
            self.roots.push(self.under_way.root());
            self.under_way = Tree::new();
        }
    }

    /// The proof, and the newer tree.
    ///
    /// # Errors
    /// [`ProofError::Length`] when leaves are missing.
    pub fn finish(self) -> Result<(Vec<Hash>, Tree), ProofError> {
        if self.missing() > 0 {
            return Err(ProofError::Length);
        }
        let hash = |part: &Part| match part {
            Part::Old(hash) => Some(*hash),
            Part::New(which) => self.roots.get(*which).copied(),
        };
        let proof: Option<Vec<Hash>> = self.parts.iter().map(hash).collect();
        Ok((proof.ok_or(ProofError::Length)?, self.whole))
    }
}

/// The leaves under each hash of the proof, in its order: `SUBPROOF(older, range, whole)` of the RFC.
fn subtrees(older: u64, range: Range<u64>, whole: bool, out: &mut Vec<Range<u64>>) {
    if older == range.end {
        if !whole {
            out.push(range);
        }
        return;
    }
    let last = range.end.saturating_sub(range.start).saturating_sub(1);
    let Some(top) = last.checked_ilog2() else {
        return;
    };
    let middle = range.start + (1 << top);
    if older <= middle {
        subtrees(older, range.start..middle, whole, out);
        out.push(middle..range.end);
    } else {
        subtrees(older, middle..range.end, false, out);
        out.push(range.start..middle);
    }
}

/// The root of the perfect subtree of a tree that starts at this leaf.
fn perfect(tree: &Tree, start: u64) -> Option<Hash> {
    let mut at = 0;
    let bits = (0..u64::BITS)
        .rev()
        .filter(|bit| tree.size() >> bit & 1 == 1);
    for (bit, hash) in bits.zip(tree.frontier()) {
        if at == start {
            return Some(*hash);
        }
        at += 1 << bit;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{check_consistency, leaf_hash, prove_consistency};
    use super::*;

    #[test]
    fn is_the_proof_that_all_leaves_give() {
        let leaves: Vec<Hash> = (0..70_u8).map(|n| leaf_hash(&[n])).collect();
        for newer in 1..=leaves.len() {
            let all = &leaves[..newer];
            for older in 1..=newer {
                let tree = Tree::of(&leaves[..older]);
                let mut extension = Extension::of(&tree, newer as u64).unwrap();
                for leaf in &leaves[older..] {
                    extension.push(*leaf);
                }
                let (proof, whole) = extension.finish().unwrap();
                assert_eq!(proof, prove_consistency(all, older as u64).unwrap());
                assert_eq!(whole, Tree::of(all));
                let (older, newer) = (older as u64, newer as u64);
                let (old, new) = (tree.root(), whole.root());
                assert_eq!(check_consistency(older, newer, &proof, &old, &new), Ok(()));
            }
        }
    }

    #[test]
    fn leaves_that_are_missing_are_no_proof() {
        let tree = Tree::of(&[[1; 32], [2; 32]]);
        let extension = Extension::of(&tree, 3).unwrap();
        assert_eq!(extension.missing(), 1);
        assert_eq!(extension.finish(), Err(ProofError::Length));
        assert!(Extension::of(&tree, 1).is_err());
        assert!(Extension::of(&Tree::new(), 1).is_err());
    }
}
