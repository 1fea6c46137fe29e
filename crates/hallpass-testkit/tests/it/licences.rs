//! Every dependency comes from crates.io under a licence `deny.toml` allows: the part of the audit that needs no tool.

use std::collections::BTreeSet;

use crate::repository::required_text;
use crate::tree::metadata;

/// The licences `deny.toml` allows, so that there is one list.
fn allowed() -> BTreeSet<String> {
    let deny: toml::Table = required_text("deny.toml")
        .parse()
        .expect("deny.toml is TOML");
    deny["licenses"]["allow"]
        .as_array()
        .expect("a list of licences")
        .iter()
        .map(|licence| licence.as_str().expect("a licence").to_owned())
        .collect()
}

/// Whether an SPDX expression can be met with allowed licences alone. `AND` binds closer than `OR`; a slash, in older
/// manifests, is `OR`.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (met, rest) = either(&words, allowed);
    assert!(rest.is_empty(), "`{expression}` is not an SPDX expression");
    met
}

fn either<'w>(words: &'w [&'w str], allowed: &BTreeSet<String>) -> (bool, &'w [&'w str]) {
    let (mut met, mut rest) = both(words, allowed);
    while let ["OR", tail @ ..] = rest {
        let (other, tail) = both(tail, allowed);
        met |= other;
        rest = tail;
    }
    (met, rest)
}

fn both<'w>(words: &'w [&'w str], allowed: &BTreeSet<String>) -> (bool, &'w [&'w str]) {
    let (mut met, mut rest) = one(words, allowed);
    while let ["AND", tail @ ..] = rest {
        let (other, tail) = one(tail, allowed);
        met &= other;
        rest = tail;
    }
    (met, rest)
}

fn one<'w>(words: &'w [&'w str], allowed: &BTreeSet<String>) -> (bool, &'w [&'w str]) {
    match words {
        ["(", tail @ ..] => match either(tail, allowed) {
            (met, [")", tail @ ..]) => (met, tail),
            (_, rest) => panic!("no closing bracket before {rest:?}"),
        },
        [licence, "WITH", exception, tail @ ..] => (
            allowed.contains(&format!("{licence} WITH {exception}")),
            tail,
        ),
        [licence, tail @ ..] => (allowed.contains(*licence), tail),
        [] => panic!("a licence is missing"),
    }
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let allowed = allowed();
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        match &package.license {
            Some(licence) if is_met(licence, &allowed) => {}
            other => wrong.push(format!("{} {}: {other:?}", package.name, package.version)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_dependency_comes_from_crates_io() {
    let metadata = metadata();
    let ours: BTreeSet<_> = metadata.workspace_members.iter().collect();
    let wrong: Vec<String> = metadata
        .packages
        .iter()
        .filter(|package| match &package.source {
            Some(source) => !source.is_crates_io(),
            None => !ours.contains(&package.id),
        })
        .map(|package| format!("{} from {:?}", package.name, package.source))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    let allowed =
        BTreeSet::from(["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned));
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("ISC AND (MIT OR GPL-3.0)", true),
        ("ISC OR MIT AND GPL-3.0", true),
        ("(ISC OR MIT) AND GPL-3.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
    ] {
        assert_eq!(is_met(expression, &allowed), met, "{expression}");
    }
}
