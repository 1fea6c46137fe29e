//! The published token vectors that no verifier may admit, thrown at a service over HTTP.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::http::call;
use crate::world::{World, decided};

/// Where a service says it differently than a bare verifier that is handed a text and one key, and why.
const SAID_DIFFERENTLY: [(&str, &str, &str); 2] = [
    (
        "form_empty",
        "request_malformed",
        "a header without a token is no token that is empty",
    ),
    (
        "signature_other_hint",
        "unknown_key",
        "a service looks the key up by the hint before it checks a signature",
    ),
];

/// Not thrown: it is about being handed another key than the one that signed, which this service is not.
const NOT_ABOUT_SERVICES: &str = "signature_of_another_root";

/// Codes that these vectors must bring about at least once.
const MUST_APPEAR: [&str; 4] = [
    "token_not_admitted",
    "vocabulary_unsupported",
    "grant_malformed",
    "caveat_unknown",
];

fn vectors() -> Vec<(String, Value)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors/token");
    let mut vectors: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (
                name,
                serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap(),
            )
        })
        .collect();
    vectors.sort_by(|one: &(String, Value), other| one.0.cmp(&other.0));
    vectors
}

#[tokio::test]
async fn a_service_answers_each_with_its_code() {
    let world = World::new();
    let mut seen = Vec::new();
    for (name, vector) in vectors() {
        let Some(code) = vector["expect"]
            .as_str()
            .unwrap()
            .strip_prefix("malformed/")
        else {
            continue;
        };
        if name == NOT_ABOUT_SERVICES {
            continue;
        }
        let code = SAID_DIFFERENTLY
            .iter()
            .find(|(vector, ..)| *vector == name)
            .map_or(code, |(_, said, _)| said);
        let status = match code {
            "caveat_unknown" => 403,
            "request_malformed" => 400,
            _ => 401,
        };
        world.clock.advance(Duration::from_millis(100));
        let token = vector["token"].as_str().unwrap();
        let answer = world
            .send(call("kb.search").header("authorization", &format!("Bearer {token}")))
            .await;
        answer.assert_denied(&name, status, code);
        seen.push((name, answer.decision(), code.to_owned()));
    }
    assert!(seen.len() >= 25, "{}", seen.len());
    let records = world.records();
    for (name, decision, code) in &seen {
        assert_eq!(decided(&records, decision)["code"], **code, "{name}");
    }
    for code in MUST_APPEAR {
        assert!(seen.iter().any(|(_, _, seen)| seen == code), "{code}");
    }
}
