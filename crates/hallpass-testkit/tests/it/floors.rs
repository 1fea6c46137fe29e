//! Dependencies between our own crates point strictly down.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::DependencyKind;

use crate::tree::metadata;

/// Every crate of the workspace with its floor. A crate stands only on crates of lower floors.
const FLOORS: &[(&str, u8)] = &[
    ("hallpass-vocabulary", 0),
    ("hallpass-keys", 0),
    ("hallpass-args", 1),
    ("hallpass-journal", 1),
    ("hallpass-bundle", 1),
    ("hallpass-token", 2),
    ("hallpass-policy", 2),
    ("hallpass-evidence", 3),
    ("hallpass-verifier", 3),
    ("hallpass-client", 4),
    ("hallpass-http", 4),
    ("hallpass-authority", 5),
    ("hallpass-axum", 6),
    ("hallpass-cli", 7),
    ("orchestrator", 7),
    ("tickets-service", 7),
];

/// The crate that is on no floor: tests stand on it, and it stands on the vocabulary alone.
const TESTKIT: &str = "hallpass-testkit";

/// Pairs on one floor of which the first stands on the second, and why that may be.
const SAME_FLOOR: &[(&str, &str, &str)] = &[
    (
        "hallpass-keys",
        "hallpass-vocabulary",
        "a key is bound to an environment, which is a word of the vocabulary; the vocabulary stands on nothing",
    ),
    (
        "hallpass-policy",
        "hallpass-token",
        "a policy writes caveats and budgets, which the token defines; the token knows no policy",
    ),
    (
        "hallpass-cli",
        "tickets-service",
        "`hallpass demo` runs the example service as it is, so that the demo cannot drift from the example",
    ),
];

/// Pairs that the floors would allow and the architecture does not.
const APART: &[(&str, &str, &str)] = &[(
    "hallpass-authority",
    "hallpass-client",
    "the authority and those who call it meet only in formats",
)];

/// Our crates, each with those of ours that it stands on outside its tests.
fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let ours: BTreeSet<String> = metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    metadata
        .workspace_packages()
        .iter()
        .map(|package| {
            let below = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind != DependencyKind::Development)
                .filter(|dependency| ours.contains(&dependency.name))
                .map(|dependency| dependency.name.clone())
                .collect();
            (package.name.to_string(), below)
        })
        .collect()
}

#[test]
fn every_crate_has_a_floor_and_every_floor_a_crate() {
    let on_floors: BTreeSet<String> = FLOORS
        .iter()
        .map(|(name, _)| *name)
        .chain([TESTKIT])
        .map(str::to_owned)
        .collect();
    let in_workspace: BTreeSet<String> = edges().into_keys().collect();
    assert_eq!(
        on_floors, in_workspace,
        "floors on the left, workspace on the right"
    );
}

#[test]
fn crates_stand_only_on_lower_floors() {
    let floors: BTreeMap<&str, u8> = FLOORS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (upper, lowers) in edges() {
        let Some(floor) = floors.get(upper.as_str()) else {
            continue; // The testkit, which has a test of its own.
        };
        for lower in lowers {
            let listed = SAME_FLOOR
                .iter()
                .any(|(from, to, _)| *from == upper && *to == lower);
            match floors.get(lower.as_str()) {
                Some(below) if below < floor => {}
                Some(below) if below == floor && listed => {}
                other => wrong.push(format!(
                    "`{upper}` (floor {floor}) stands on `{lower}` (floor {other:?})"
                )),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_exception_is_still_needed() {
    let edges = edges();
    for (from, to, why) in SAME_FLOOR {
        assert!(
            edges.get(*from).is_some_and(|lowers| lowers.contains(*to)),
            "`{from}` no longer stands on `{to}` ({why}): remove the exception"
        );
    }
}

#[test]
fn what_must_stay_apart_is_apart() {
    let edges = edges();
    for (from, to, why) in APART {
        assert!(
            !edges[*from].contains(*to),
            "`{from}` stands on `{to}`, but {why}"
        );
    }
}

#[test]
fn the_testkit_knows_no_product_crate_but_the_vocabulary() {
    assert_eq!(
        edges()[TESTKIT],
        BTreeSet::from(["hallpass-vocabulary".to_owned()])
    );
}
