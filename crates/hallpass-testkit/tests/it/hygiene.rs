//! How the files of the repository are kept.

use crate::repository::{text, tracked_files};

/// Lines of Rust in one file above which somebody has to say why.
const FILE_LINES_MAX: usize = 500;

/// Longer files, and why they are better whole.
const LONG_FILES: &[(&str, &str)] = &[
    (
        "crates/hallpass-token/tests/it/traps.rs",
        "one hostile token a test, all of one kind: read as a list",
    ),
    (
        "crates/hallpass-token/tests/it/vectors.rs",
        "a table of cases with what each expects, written by hand",
    ),
];

/// Things left undone, put together here so that this file does not hold them. The lints catch the first two as code.
const UNDONE: &[&str] = &[
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("#[ig", "nore"),
];

/// Places that may hold one of [`UNDONE`]: file, word, reason.
const UNDONE_LISTED: &[(&str, &str, &str)] = &[
    (
        "crates/hallpass-journal/tests/it/proof.rs",
        concat!("#[ig", "nore"),
        "writes the proof of the vectors for its author; another test reads it",
    ),
    (
        "crates/hallpass-token/tests/it/caveat_page.rs",
        concat!("#[ig", "nore"),
        "writes the vector files of the caveats from their page; other tests read them",
    ),
    (
        "crates/hallpass-token/tests/it/docs.rs",
        concat!("#[ig", "nore"),
        "prints the worked example of the format page for its writer; another test holds the page",
    ),
    (
        "crates/hallpass-token/tests/it/vectors.rs",
        concat!("#[ig", "nore"),
        "writes the vector files for their author; other tests read them",
    ),
];

/// Paths of the machine something was written on, and hosts of package registries: neither means anything elsewhere.
const OUT_OF_PLACE: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tmp/tar", "get-"),
    concat!("static.crates", ".io"),
    concat!("index.crates", ".io"),
    concat!("py", "pi.org"),
    concat!("pythonho", "sted.org"),
    concat!("registry.npm", "js.org"),
    concat!("deb.deb", "ian.org"),
];

fn rust_files() -> Vec<String> {
    let mut files = tracked_files();
    files.retain(|path| path.ends_with(".rs"));
    files
}

#[test]
fn no_long_file_without_a_reason() {
    let mut wrong = Vec::new();
    for path in rust_files() {
        let lines = text(&path).expect("Rust is UTF-8").lines().count();
        let listed = LONG_FILES.iter().any(|(long, _)| *long == path);
        if lines > FILE_LINES_MAX && !listed {
            wrong.push(format!("{path}: {lines} lines"));
        }
        if lines <= FILE_LINES_MAX && listed {
            wrong.push(format!("{path}: {lines} lines, no longer long: unlist it"));
        }
    }
    for (path, _) in LONG_FILES {
        if !rust_files().iter().any(|file| file == path) {
            wrong.push(format!("{path}: listed and gone"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_is_left_undone() {
    let mut wrong = Vec::new();
    for path in rust_files() {
        let source = text(&path).expect("Rust is UTF-8");
        for word in UNDONE {
            let listed = UNDONE_LISTED
                .iter()
                .any(|(file, listed, _)| *file == path && listed == word);
            if source.contains(word) != listed {
                wrong.push(format!("{path}: `{word}` (listed: {listed})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_names_a_machine_or_a_registry() {
    let mut wrong = Vec::new();
    for path in tracked_files() {
        let Some(content) = text(&path) else { continue };
        for (number, line) in (1..).zip(content.lines()) {
            for word in OUT_OF_PLACE.iter().filter(|word| line.contains(**word)) {
                wrong.push(format!("{path}:{number}: `{word}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_crate_keeps_the_shared_lints() {
    let mut wrong = Vec::new();
    for path in tracked_files() {
        if path == "Cargo.toml" || !path.ends_with("/Cargo.toml") || path.starts_with("fuzz/") {
            continue;
        }
        let manifest: toml::Table = text(&path)
            .expect("a manifest is UTF-8")
            .parse()
            .expect("a manifest is TOML");
        let kept = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"))
            .and_then(toml::Value::as_bool);
        if kept != Some(true) {
            wrong.push(path);
        }
    }
    assert!(
        wrong.is_empty(),
        "without `[lints] workspace = true`: {wrong:?}"
    );
}
