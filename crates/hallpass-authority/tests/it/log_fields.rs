//! The fields of the log: those of the table in docs/operations.md, and no others.

use std::collections::BTreeSet;
use std::path::Path;

/// The text of a macro's arguments, without the strings in it.
fn arguments(text: &str) -> String {
    let (mut depth, mut quoted, mut escaped) = (1, false, false);
    let mut arguments = String::new();
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 1 => return arguments,
            ')' | ']' | '}' => depth -= 1,
            c if depth == 1 => arguments.push(c),
            _ => {}
        }
    }
    arguments
}

/// The fields named in a file: `a.b = …`, `%a`, `?a` or `a`.
fn fields(text: &str, found: &mut BTreeSet<String>) {
    for level in ["trace", "debug", "info", "warn", "error"] {
        let opening = format!("tracing::{level}!(");
        for (at, _) in text.match_indices(&opening) {
            let arguments = arguments(&text[at + opening.len()..]);
            for argument in arguments.split(',') {
                let name = argument
                    .split('=')
                    .next()
                    .unwrap()
                    .trim()
                    .trim_start_matches(['%', '?']);
                let is_name = |c: char| c.is_ascii_lowercase() || c == '.' || c == '_';
                if !name.is_empty() && name.chars().all(is_name) {
                    found.insert(name.to_owned());
                }
            }
        }
    }
}

#[test]
fn every_field_is_on_the_page_for_operators() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut directories = vec![here.join("src"), here.join("../hallpass-http/src")];
    let mut found = BTreeSet::new();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                fields(&std::fs::read_to_string(path).unwrap(), &mut found);
            }
        }
    }
    let page = include_str!("../../../../docs/operations.md");
    let (_, section) = page.split_once("## The log").unwrap();
    let listed: BTreeSet<String> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, found);
}
