//! Outside vectors: inclusion and consistency proofs, good and bad. Found through `HALLPASS_VECTORS`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_journal::merkle::{
    Hash, check_consistency, check_inclusion, check_subtree_consistency, check_subtree_inclusion,
    leaf_hash,
};
use serde_json::Value;

fn vectors(kind: &str) -> Vec<(PathBuf, Value)> {
    let Some(root) = std::env::var_os("HALLPASS_VECTORS") else {
        println!("HALLPASS_VECTORS is unset: the RFC 6962 vectors are not checked");
        return Vec::new();
    };
    let mut found = Vec::new();
    collect(&Path::new(&root).join("rfc6962").join(kind), &mut found);
    assert!(!found.is_empty(), "no {kind} vectors");
    found
}

fn collect(dir: &Path, found: &mut Vec<(PathBuf, Value)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            let value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            found.push((path, value));
        }
    }
}

/// A hash of another length than 32 bytes cannot be given to the checks at all: it reads as none.
fn hash(value: &Value) -> Option<Hash> {
    STANDARD.decode(value.as_str()?).ok()?.try_into().ok()
}

/// Some cases name roots by words. Only whether two are equal matters for them, and hashing keeps that.
fn root(value: &Value) -> Option<Hash> {
    let bytes = STANDARD.decode(value.as_str()?).ok()?;
    Some(<Hash>::try_from(bytes.as_slice()).unwrap_or_else(|_| leaf_hash(&bytes)))
}

fn proof(value: &Value) -> Option<Vec<Hash>> {
    match value {
        Value::Null => Some(Vec::new()),
        other => other.as_array()?.iter().map(hash).collect(),
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64()
}

/// Puts every case of a kind to a check, which must hold where the case says so, and counts those that hold. A part of a
/// tree without leaves proves nothing, whatever the tree; the source of the vectors accepts it, and we do not.
fn each(kind: &str, holds: impl Fn(&Value) -> Option<()>) {
    let (mut good, mut nothing) = (0, 0);
    for (path, case) in vectors(kind) {
        let accepted = !case["wantErr"].as_bool().unwrap();
        let empty = leaves(&case).is_some_and(|leaves| leaves.is_empty());
        let wanted = accepted && !(empty && kind == "subtreeconsistency");
        good += usize::from(wanted);
        nothing += usize::from(accepted && !wanted);
        assert_eq!(holds(&case).is_some(), wanted, "{}", path.display());
    }
    println!("{kind}: {good} hold, {nothing} of nothing are refused");
}

fn leaves(case: &Value) -> Option<std::ops::Range<u64>> {
    Some(number(&case["start"])?..number(&case["end"])?)
}

#[test]
fn consistency_proofs() {
    each("consistency", |case| {
        check_consistency(
            number(&case["size1"])?,
            number(&case["size2"])?,
            &proof(&case["proof"])?,
            &root(&case["root1"])?,
            &root(&case["root2"])?,
        )
        .ok()
    });
}

#[test]
fn inclusion_proofs() {
    each("inclusion", |case| {
        check_inclusion(
            &hash(&case["leafHash"])?,
            number(&case["leafIdx"])?,
            number(&case["treeSize"])?,
            &proof(&case["proof"])?,
            &hash(&case["root"])?,
        )
        .ok()
    });
}

#[test]
fn subtree_inclusion_proofs() {
    each("subtreeinclusion", |case| {
        check_subtree_inclusion(
            &hash(&case["leafHash"])?,
            number(&case["leafIdx"])?,
            leaves(case)?,
            &proof(&case["proof"])?,
            &hash(&case["root"])?,
        )
        .ok()
    });
}

#[test]
fn subtree_consistency_proofs() {
    each("subtreeconsistency", |case| {
        check_subtree_consistency(
            leaves(case)?,
            number(&case["size"])?,
            &proof(&case["proof"])?,
            &root(&case["root1"])?,
            &root(&case["root2"])?,
        )
        .ok()
    });
}
