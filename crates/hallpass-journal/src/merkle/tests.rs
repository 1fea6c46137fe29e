use proptest::prelude::*;

use super::*;

/// The definition of RFC 6962 section 2.1, word for word.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [one] => *one,
        many => {
            let mut split = 1;
            while split * 2 < many.len() {
                split *= 2;
            }
            node_hash(&naive_root(&many[..split]), &naive_root(&many[split..]))
        }
    }
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

#[test]
fn a_leaf_is_proven_when_those_before_are_gone_but_for_their_frontier() {
    let all: Vec<_> = (0..35_u8).map(|n| leaf_hash(&[n])).collect();
    for size in 1..=all.len() {
        for gone in 0..size {
            let before = Tree::of(&all[..gone]);
            let again = Tree::of_frontier(gone as u64, before.frontier().to_vec()).unwrap();
            for index in 0..size as u64 {
                let proof = prove_inclusion_after(&again, &all[gone..size], index);
                if index < gone as u64 {
                    assert_eq!(proof, Err(ProofError::Sizes));
                } else {
                    assert_eq!(proof, prove_inclusion(&all[..size], index));
                }
            }
        }
    }
    assert_eq!(Tree::of_frontier(3, vec![[0; 32]]), None);
}

#[test]
fn the_empty_tree_is_the_hash_of_nothing() {
    assert_eq!(
        hex::encode(Tree::new().root()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    // RFC 6962 test data: the leaf hash of the empty string.
    assert_eq!(
        hex::encode(leaf_hash(b"")),
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    );
}

#[test]
fn every_proof_of_every_small_tree_checks_and_only_in_its_place() {
    for size in 1..=20_usize {
        let all = leaves(size);
        let root = Tree::of(&all).root();
        for (index, leaf) in all.iter().enumerate() {
            let proof = prove_inclusion(&all, index as u64).unwrap();
            check_inclusion(leaf, index as u64, size as u64, &proof, &root).unwrap();
            for other in (0..size).filter(|other| *other != index) {
                assert!(check_inclusion(leaf, other as u64, size as u64, &proof, &root).is_err());
            }
        }
        for older in 1..=size {
            let older_root = Tree::of(&all[..older]).root();
            let proof = prove_consistency(&all, older as u64).unwrap();
            check_consistency(older as u64, size as u64, &proof, &older_root, &root).unwrap();
            for other in (1..=size).filter(|other| *other != older) {
                assert!(
                    check_consistency(other as u64, size as u64, &proof, &older_root, &root)
                        .is_err()
                );
            }
        }
    }
}

#[test]
fn every_subtree_of_every_small_tree_checks_and_only_in_its_place() {
    let mut subtrees = 0;
    for size in 1..=20_u64 {
        let all = leaves(size as usize);
        let root = Tree::of(&all).root();
        for start in 0..size {
            for end in start + 1..=size {
                let Ok(proof) = prove_subtree_consistency(&all, start..end) else {
                    let width = (end - start).next_power_of_two();
                    assert_ne!(start % width, 0);
                    continue;
                };
                subtrees += 1;
                let part = &all[start as usize..end as usize];
                let part_root = Tree::of(part).root();
                let check = |leaves, size, proof: &[Hash]| {
                    check_subtree_consistency(leaves, size, proof, &part_root, &root)
                };
                check(start..end, size, &proof).unwrap();
                assert!(
                    check(start + (end - start).next_power_of_two()..end, size, &proof).is_err()
                );
                let longer = [&proof[..], &[root]].concat();
                assert!(check(start..end, size, &longer).is_err());
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(check(start..end, size, shorter).is_err());
                }
                for other in (0..size).filter(|other| *other != start) {
                    assert!(check(other..other + (end - start), size, &proof).is_err());
                }
                for index in start..end {
                    let path = prove_inclusion(part, index - start).unwrap();
                    let leaf = &all[index as usize];
                    check_subtree_inclusion(leaf, index, start..end, &path, &part_root).unwrap();
                    assert!(
                        check_subtree_inclusion(leaf, index + 1, start..end, &path, &part_root)
                            .is_err()
                    );
                }
            }
        }
    }
    assert!(subtrees > 500);
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let all = leaves(3);
    assert_eq!(prove_inclusion(&all, 3), Err(ProofError::Sizes));
    assert_eq!(prove_consistency(&all, 0), Err(ProofError::Sizes));
    assert_eq!(prove_consistency(&all, 4), Err(ProofError::Sizes));
    let root = Tree::of(&all).root();
    assert_eq!(
        check_inclusion(&all[0], u64::MAX, u64::MAX, &[], &root),
        Err(ProofError::Sizes)
    );
    assert!(check_consistency(u64::MAX - 1, u64::MAX, &[root; 70], &root, &root).is_err());
}

proptest! {
    #[test]
    fn the_compact_tree_equals_the_definition(count in 0_usize..600) {
        let all = leaves(count);
        prop_assert_eq!(Tree::of(&all).root(), naive_root(&all));
    }

    #[test]
    fn proofs_of_larger_trees_check(size in 1_usize..600, a in any::<prop::sample::Index>()) {
        let all = leaves(size);
        let root = naive_root(&all);
        let index = a.index(size);
        let proof = prove_inclusion(&all, index as u64).unwrap();
        prop_assert_eq!(check_inclusion(&all[index], index as u64, size as u64, &proof, &root), Ok(()));
        let older = index + 1;
        let older_root = naive_root(&all[..older]);
        let proof = prove_consistency(&all, older as u64).unwrap();
        prop_assert_eq!(
            check_consistency(older as u64, size as u64, &proof, &older_root, &root),
            Ok(())
        );
    }
}
