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

#[test]
fn consistency_proofs() {
    let mut good = 0;
    for (path, case) in vectors("consistency") {
        let holds = || {
            check_consistency(
                number(&case["size1"])?,
                number(&case["size2"])?,
                &proof(&case["proof"])?,
                &root(&case["root1"])?,
                &root(&case["root2"])?,
            )
            .ok()
        };
        let wanted = !case["wantErr"].as_bool().unwrap();
        good += usize::from(wanted);
        assert_eq!(holds().is_some(), wanted, "{}", path.display());
    }
    println!("{good} consistency proofs hold");
}

#[test]
fn inclusion_proofs() {
    let mut good = 0;
    for (path, case) in vectors("inclusion") {
        let holds = || {
            check_inclusion(
                &hash(&case["leafHash"])?,
                number(&case["leafIdx"])?,
                number(&case["treeSize"])?,
                &proof(&case["proof"])?,
                &hash(&case["root"])?,
            )
            .ok()
        };
        let wanted = !case["wantErr"].as_bool().unwrap();
        good += usize::from(wanted);
        assert_eq!(holds().is_some(), wanted, "{}", path.display());
    }
    println!("{good} inclusion proofs hold");
}

fn leaves(case: &Value) -> Option<std::ops::Range<u64>> {
    Some(number(&case["start"])?..number(&case["end"])?)
}

#[test]
fn subtree_inclusion_proofs() {
    let mut good = 0;
    for (path, case) in vectors("subtreeinclusion") {
        let holds = || {
            check_subtree_inclusion(
                &hash(&case["leafHash"])?,
                number(&case["leafIdx"])?,
                leaves(&case)?,
                &proof(&case["proof"])?,
                &hash(&case["root"])?,
            )
            .ok()
        };
        let wanted = !case["wantErr"].as_bool().unwrap();
        good += usize::from(wanted);
        assert_eq!(holds().is_some(), wanted, "{}", path.display());
    }
    println!("{good} inclusion proofs of subtrees hold");
}

#[test]
fn subtree_consistency_proofs() {
    let (mut good, mut nothing) = (0, 0);
    for (path, case) in vectors("subtreeconsistency") {
        let holds = || {
            check_subtree_consistency(
                leaves(&case)?,
                number(&case["size"])?,
                &proof(&case["proof"])?,
                &root(&case["root1"])?,
                &root(&case["root2"])?,
            )
            .ok()
        };
        let accepted = !case["wantErr"].as_bool().unwrap();
        // Without leaves it proves nothing, whatever the tree; the source of the vectors accepts it, and we do not.
        let empty = case["start"] == case["end"];
        let wanted = accepted && !empty;
        good += usize::from(wanted);
        nothing += usize::from(accepted && empty);
        assert_eq!(holds().is_some(), wanted, "{}", path.display());
    }
    println!("{good} consistency proofs of subtrees hold, {nothing} of nothing are refused");
}
