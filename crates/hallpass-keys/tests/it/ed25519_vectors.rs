//! Outside vectors through the two doors every key and signature passes: `VerifyingKey::from_bytes` and `verify`.

use std::fs;
use std::path::PathBuf;

use hallpass_keys::{InvalidKey, Signature, VerifyingKey};
use serde_json::Value;

fn vectors(file: &str) -> Option<Value> {
    let Some(folder) = std::env::var_os("HALLPASS_VECTORS") else {
        println!("outside vectors not run: HALLPASS_VECTORS is unset ({file})");
        return None;
    };
    let path = PathBuf::from(folder).join(file);
    let text = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some(serde_json::from_slice(&text).unwrap())
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn verifies(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = Signature::try_from(signature) else {
        return false;
    };
    VerifyingKey::from_bytes(key.try_into().unwrap())
        .is_ok_and(|key| key.verify(message, &signature).is_ok())
}

#[test]
fn wycheproof_without_a_difference() {
    let Some(file) = vectors("wycheproof/ed25519_test.json") else {
        return;
    };
    let mut cases = 0;
    for group in file["testGroups"].as_array().unwrap() {
        let key = bytes(&group["publicKey"]["pk"]);
        for case in group["tests"].as_array().unwrap() {
            let expected = match case["result"].as_str().unwrap() {
                "valid" => true,
                "invalid" => false,
                other => panic!("unknown result {other}"),
            };
            let found = verifies(&key, &bytes(&case["msg"]), &bytes(&case["sig"]));
            assert_eq!(
                found, expected,
                "tcId {}: {}",
                case["tcId"], case["comment"]
            );
            cases += 1;
        }
    }
    assert_eq!(cases, file["numberOfTests"].as_u64().unwrap());
}

/// The edge cases on which implementations differ. Ours takes a signature exactly when none of these flags is set:
/// - `low_order_A`: a weak key, refused as a key;
/// - `low_order_R`: `verify_strict` refuses it;
/// - `non_canonical_A`, `non_canonical_R`: a second encoding of a point;
/// - `low_order_residue`: valid only with the cofactor, which we do not multiply by.
///
/// The remaining flags (`low_order_component_A`, `low_order_component_R`, `reencoded_k`) describe the points and do not
/// decide: whoever has a key with such a component has chosen it, and one verifier's answer is every verifier's.
#[test]
fn cctv_edge_cases_by_flag() {
    const DECISIVE: [&str; 5] = [
        "low_order_A",
        "low_order_R",
        "low_order_residue",
        "non_canonical_A",
        "non_canonical_R",
    ];
    const DESCRIPTIVE: [&str; 3] = [
        "low_order_component_A",
        "low_order_component_R",
        "reencoded_k",
    ];
    let Some(file) = vectors("cctv-ed25519/ed25519vectors.json") else {
        return;
    };
    let (mut taken, mut refused) = (0, 0);
    for case in file.as_array().unwrap() {
        let flags: Vec<&str> = match &case["flags"] {
            Value::Null => Vec::new(),
            flags => flags
                .as_array()
                .unwrap()
                .iter()
                .map(|f| f.as_str().unwrap())
                .collect(),
        };
        for flag in &flags {
            assert!(
                DECISIVE.contains(flag) || DESCRIPTIVE.contains(flag),
                "unknown flag {flag}"
            );
        }
        let expected = !flags.iter().any(|flag| DECISIVE.contains(flag));
        let key = bytes(&case["key"]);
        let message = case["msg"].as_str().unwrap().as_bytes();
        let found = verifies(&key, message, &bytes(&case["sig"]));
        assert_eq!(found, expected, "number {}: {flags:?}", case["number"]);
        if flags.contains(&"non_canonical_A") {
            let refused = VerifyingKey::from_bytes(key.as_slice().try_into().unwrap());
            // Weak where the second encoding is a sign on x = 0: those two points are of small order.
            assert!(
                matches!(refused, Err(InvalidKey::NotAPoint | InvalidKey::Weak)),
                "number {}: {refused:?}",
                case["number"]
            );
        }
        if found { taken += 1 } else { refused += 1 }
    }
    println!("cctv: {taken} taken, {refused} refused");
    assert!(taken > 0 && refused > 0);
}
