//! The table of shared dependencies says why each is there, and holds nothing that nobody uses.

use std::collections::BTreeSet;

use crate::repository::required_text;
use crate::tree::metadata;

const TABLE: &str = "[workspace.dependencies]";

/// Lines of the table that declare a dependency: key and whole line.
fn declarations(manifest: &str) -> Vec<(String, &str)> {
    manifest
        .lines()
        .skip_while(|line| *line != TABLE)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| {
            let (key, _) = line.split_once('=')?;
            (!key.trim_start().starts_with('#')).then(|| (key.trim().to_owned(), line))
        })
        .collect()
}

/// The keys of the table as TOML reads it: what [`declarations`] must not have missed.
fn keys(manifest: &str) -> BTreeSet<String> {
    let manifest: toml::Table = manifest.parse().expect("the root manifest is TOML");
    manifest["workspace"]["dependencies"]
        .as_table()
        .expect("a table of shared dependencies")
        .keys()
        .cloned()
        .collect()
}

#[test]
fn every_outside_dependency_says_why_on_its_line() {
    let manifest = required_text("Cargo.toml");
    let declarations = declarations(&manifest);
    let read: BTreeSet<String> = declarations.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(read, keys(&manifest), "one line for each dependency");
    let silent: Vec<&str> = declarations
        .iter()
        .filter(|(_, line)| !line.contains("{ path = "))
        .filter(|(_, line)| {
            line.split_once(" # ")
                .is_none_or(|(_, why)| why.trim().is_empty())
        })
        .map(|(key, _)| key.as_str())
        .collect();
    assert!(silent.is_empty(), "no why-comment: {silent:?}");
}

#[test]
fn every_shared_dependency_is_used() {
    let metadata = metadata();
    let used: BTreeSet<String> = metadata
        .workspace_packages()
        .iter()
        .flat_map(|package| &package.dependencies)
        .map(|dependency| {
            dependency
                .rename
                .as_ref()
                .unwrap_or(&dependency.name)
                .clone()
        })
        .collect();
    let manifest = required_text("Cargo.toml");
    let idle: Vec<String> = keys(&manifest)
        .into_iter()
        .filter(|key| !used.contains(key))
        .collect();
    assert!(idle.is_empty(), "declared and used by no crate: {idle:?}");
}
