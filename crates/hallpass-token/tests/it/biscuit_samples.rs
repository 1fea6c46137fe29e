//! The signatures of Biscuit's official samples: our verdict is theirs, but for differences listed with their reason.
//!
//! A sample names no root key, which we demand. The name is outside every signature, so it is added here; everything
//! else is looked at as it was written. What the samples decide is compared in src/extended/samples.rs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use biscuit_auth::format::schema;
use hallpass_keys::VerifyingKey;
use hallpass_token::{Malformed, ParseError, UnverifiedToken, VerifyError};
use prost::Message as _;
use serde_json::Value;

use crate::forge;

/// Samples whose signatures Biscuit accepts and we do not, and why.
const REFUSED: &[(&str, Ours, &str)] = &[
    (
        "test036_secp256r1.bc",
        Ours::Malformed(Malformed::Algorithm),
        "P-256 signatures have two forms, so that one token would have two revocation ids: Ed25519 only",
    ),
    (
        "test037_secp256r1_third_party.bc",
        Ours::Malformed(Malformed::Algorithm),
        "the third party's key is of P-256: likewise",
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ours {
    Accepted,
    Malformed(Malformed),
    Signature(VerifyError),
}

fn ours(bytes: &[u8], root: &VerifyingKey) -> Ours {
    match UnverifiedToken::parse(&forge::to_text(bytes)) {
        Err(ParseError::Malformed(reason)) => Ours::Malformed(reason),
        Err(error) => panic!("the samples are small: {error}"),
        Ok(token) => match token.verify(root) {
            Ok(_) => Ours::Accepted,
            Err(error) => Ours::Signature(error),
        },
    }
}

/// Whether the samples expect the signatures to verify: every other failure comes later.
fn expects_signatures(sample: &Value) -> bool {
    let validations = sample["validations"].as_object().unwrap();
    let formats: BTreeSet<bool> = validations
        .values()
        .map(|validation| validation["result"]["Err"].get("Format").is_none())
        .collect();
    assert_eq!(formats.len(), 1, "{}", sample["filename"]);
    formats.contains(&true)
}

#[test]
fn biscuit_samples_have_the_signatures_they_should() {
    let Some(folder) = std::env::var_os("HALLPASS_VECTORS") else {
        println!("outside vectors not run: HALLPASS_VECTORS is unset (biscuit-samples)");
        return;
    };
    let folder = PathBuf::from(folder).join("biscuit-samples");
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let samples: Value = serde_json::from_slice(&read("samples.json")).unwrap();
    let root = hex::decode(samples["root_public_key"].as_str().unwrap()).unwrap();
    let root = VerifyingKey::from_bytes(&root.try_into().unwrap()).unwrap();
    let mut verdicts: BTreeMap<String, Ours> = BTreeMap::new();
    let mut differ = Vec::new();
    for sample in samples["testcases"].as_array().unwrap() {
        let name = sample["filename"].as_str().unwrap();
        let bytes = read(name);
        let mut token = schema::Biscuit::decode(bytes.as_slice()).unwrap();
        assert_eq!(
            token.encode_to_vec(),
            bytes,
            "{name} is written canonically"
        );
        // As it is, it is malformed for the one reason that it names no key.
        assert_eq!(token.root_key_id, None);
        assert_eq!(
            ours(&bytes, &root),
            Ours::Malformed(Malformed::KeyHint),
            "{name}"
        );
        token.root_key_id = Some(root.id().hint());
        let ours = ours(&token.encode_to_vec(), &root);
        let listed = REFUSED.iter().find(|(listed, _, _)| *listed == name);
        match (listed, expects_signatures(sample)) {
            (Some((_, refusal, _)), true) if *refusal == ours => {}
            (None, expected) if expected == (ours == Ours::Accepted) => {}
            (listed, expected) => differ.push(format!("{name}: {expected} {ours:?} {listed:?}")),
        }
        println!("{name}: {ours:?}");
        verdicts.insert(name.to_owned(), ours);
    }
    assert!(differ.is_empty(), "{differ:#?}");
    for (name, _, reason) in REFUSED {
        assert!(verdicts.contains_key(*name), "{name} is listed and gone");
        println!("{name} differs: {reason}");
    }
    let accepted = verdicts.values().filter(|ours| **ours == Ours::Accepted);
    let (accepted, all) = (accepted.count(), verdicts.len());
    println!(
        "{all} samples: {accepted} accepted by both, {} refused by both, {} refused by us alone",
        all - accepted - REFUSED.len(),
        REFUSED.len()
    );
    assert_eq!(all, 38);
}
