//! What Cargo says the workspace is made of.

use std::collections::BTreeSet;
use std::process::Command;

use cargo_metadata::{Metadata, MetadataCommand};

use crate::repository::root;

/// The platform whose trees are looked at: one, so that numbers and lists are the same wherever the tests run.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Packages, manifests and licences. Features are united over the whole workspace here: ask [`closure`] what one crate
/// really brings.
pub fn metadata() -> Metadata {
    MetadataCommand::new()
        .current_dir(root())
        .other_options(vec![
            "--locked".to_owned(),
            format!("--filter-platform={PLATFORM}"),
        ])
        .exec()
        .expect("cargo metadata")
}

/// A package of a tree, with as much of its version as semver holds apart: `sha2 0.10`, `serde 1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    pub name: String,
    pub generation: String,
}

/// All packages `selection` stands on and itself, over `edges` (`normal`, `normal,build`), default features, nobody else's
/// features united into it.
pub fn closure(selection: &[&str], edges: &str) -> BTreeSet<Package> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["tree", "--locked", "--prefix=none", "--format={p}"])
        .args(["--target", PLATFORM, "--edges", edges])
        .args(selection)
        .output()
        .expect("cargo tree");
    assert!(
        output.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let packages: BTreeSet<Package> = String::from_utf8(output.stdout)
        .expect("cargo writes UTF-8")
        .lines()
        .filter(|line| !line.is_empty())
        .map(package)
        .collect();
    assert!(!packages.is_empty(), "cargo tree printed nothing");
    packages
}

/// The names in a closure.
pub fn names(closure: &BTreeSet<Package>) -> BTreeSet<&str> {
    closure
        .iter()
        .map(|package| package.name.as_str())
        .collect()
}

/// Reads a line such as `sha2 v0.10.9` or `serde_derive v1.0.228 (proc-macro)`.
fn package(line: &str) -> Package {
    let mut words = line.split(' ');
    let name = words.next().expect("a name").to_owned();
    let version = words
        .next()
        .and_then(|word| word.strip_prefix('v'))
        .unwrap_or_else(|| panic!("no version in `{line}`"));
    let mut numbers = version.split('.');
    let major = numbers.next().expect("a major version");
    let generation = match (major, numbers.next()) {
        ("0", Some(minor)) => format!("0.{minor}"),
        _ => major.to_owned(),
    };
    Package { name, generation }
}

#[test]
fn a_line_of_cargo_tree_is_read_up_to_what_semver_holds_apart() {
    for (line, name, generation) in [
        ("sha2 v0.10.9", "sha2", "0.10"),
        (
            "serde_derive v1.0.228 (proc-macro) (*)",
            "serde_derive",
            "1",
        ),
    ] {
        let read = package(line);
        assert_eq!(
            (read.name.as_str(), read.generation.as_str()),
            (name, generation)
        );
    }
}
