//! Which libraries a crate may bring with it, and which crate may name a library.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cargo_metadata::DependencyKind;

use crate::tree::{closure, metadata, names};

/// Packages in the tree of `hallpass-verifier`, itself and procedural macros included: what a service takes on by
/// linking it. About 85 of them are biscuit-auth's. The list is the snapshot beside this file, whose difference names
/// the newcomer.
const VERIFIER_PACKAGES: usize = 108;

/// Crates below the token, where the token's format is not known.
const WITHOUT_BISCUIT: &[&str] = &[
    "hallpass-vocabulary",
    "hallpass-keys",
    "hallpass-args",
    "hallpass-journal",
    "hallpass-bundle",
];

/// Executors, HTTP and sockets: the verifier decides offline and names no executor.
const RUNTIMES: &[&str] = &[
    "async-std",
    "axum",
    "axum-core",
    "hyper",
    "hyper-util",
    "mio",
    "reqwest",
    "smol",
    "socket2",
    "tokio",
];

/// What the first command of the README must not wait for: TLS stacks, PostgreSQL, telemetry exporters.
const NOT_IN_THE_DEMO: &[&str] = &[
    "aws-lc-rs",
    "aws-lc-sys",
    "native-tls",
    "openssl",
    "openssl-sys",
    "opentelemetry",
    "opentelemetry_sdk",
    "ring",
    "rustls",
    "tokio-postgres",
];

/// Test equipment, ours and others'.
const TESTS_ONLY: &[&str] = &[
    "cargo_metadata",
    "criterion",
    "hallpass-testkit",
    "insta",
    "proptest",
    "tempfile",
    "trybuild",
];

/// Libraries that only these crates name outside their tests and benches.
const NAMED_BY: &[(&str, &[&str])] = &[
    ("biscuit-auth", &["hallpass-token"]),
    (
        "axum",
        &[
            "hallpass-authority",
            "hallpass-axum",
            "hallpass-cli",
            "hallpass-http",
            "orchestrator",
            "tickets-service",
        ],
    ),
    ("hyper", &["hallpass-http"]),
    // The authority fetches the keys of identity providers with it.
    (
        "reqwest",
        &["hallpass-authority", "hallpass-cli", "hallpass-client"],
    ),
    ("rusqlite", &["hallpass-authority", "tickets-service"]),
];

/// Fails when the tree of `package` holds one of `unwanted`.
fn assert_tree_without(package: &str, edges: &str, unwanted: &[&str]) {
    let tree = closure(&["--package", package], edges);
    let found: Vec<&str> = names(&tree)
        .into_iter()
        .filter(|name| unwanted.contains(name))
        .collect();
    assert!(found.is_empty(), "the tree of `{package}` holds {found:?}");
}

#[test]
fn a_tree_reaches_what_lies_deep() {
    let tree = closure(&["--package", "hallpass-verifier"], "normal");
    assert!(names(&tree).is_superset(&BTreeSet::from([
        "biscuit-auth",
        "hallpass-verifier",
        "prost"
    ])));
}

#[test]
fn no_biscuit_below_the_token() {
    for package in WITHOUT_BISCUIT {
        assert_tree_without(package, "normal,build", &["biscuit-auth"]);
    }
}

#[test]
fn the_verifier_brings_no_executor_and_no_sockets() {
    assert_tree_without("hallpass-verifier", "normal,build", RUNTIMES);
}

#[test]
fn the_demo_waits_for_no_tls_no_database_server_and_no_telemetry() {
    assert_tree_without("hallpass-cli", "normal,build", NOT_IN_THE_DEMO);
}

#[test]
fn no_test_equipment_in_a_product() {
    let products = closure(&["--workspace", "--exclude", "hallpass-testkit"], "normal");
    let found: Vec<&str> = names(&products)
        .into_iter()
        .filter(|name| TESTS_ONLY.contains(name))
        .collect();
    assert!(found.is_empty(), "products stand on {found:?}");
}

#[test]
fn a_library_is_named_only_where_it_belongs() {
    let metadata = metadata();
    for (library, allowed) in NAMED_BY {
        let naming: BTreeSet<&str> = metadata
            .workspace_packages()
            .iter()
            .filter(|package| {
                package.dependencies.iter().any(|dependency| {
                    dependency.name == *library && dependency.kind != DependencyKind::Development
                })
            })
            .map(|package| package.name.as_str())
            .collect();
        assert!(
            !naming.is_empty(),
            "nothing names `{library}`: is the list out of date?"
        );
        let wrong: Vec<&&str> = naming
            .iter()
            .filter(|name| !allowed.contains(name))
            .collect();
        assert!(wrong.is_empty(), "`{library}` is named by {wrong:?}");
    }
}

#[test]
fn the_verifier_stays_as_small_as_it_is() {
    let tree = closure(&["--package", "hallpass-verifier"], "normal");
    let mut list = String::new();
    for package in &tree {
        let _ = writeln!(list, "{} {}", package.name, package.generation);
    }
    insta::assert_snapshot!("verifier_tree", list);
    assert_eq!(
        tree.len(),
        VERIFIER_PACKAGES,
        "packages in the verifier's tree"
    );
}
