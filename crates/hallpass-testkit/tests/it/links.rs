//! Links between the pages lead somewhere, and every page is led to.

use std::collections::BTreeSet;

use crate::repository::{required_text, root, tracked_files};

fn pages() -> Vec<String> {
    let mut files = tracked_files();
    files.retain(|path| path.ends_with(".md"));
    files
}

/// Targets of the Markdown links of a page, outside code.
fn link_targets(page: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let mut in_code = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        let prose = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
        for tail in prose.split("](").skip(1) {
            if let Some((target, _)) = tail.split_once(')') {
                targets.push(target.split(' ').next().unwrap_or(target).to_owned());
            }
        }
    }
    targets
}

/// The path a relative target means, from the root; `None` for a target outside the repository or on the same page.
fn resolve(page: &str, target: &str) -> Option<String> {
    let path = target.split('#').next().unwrap_or(target);
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return None;
    }
    let mut folders: Vec<&str> = page.split('/').collect();
    folders.pop();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                folders.pop();
            }
            name => folders.push(name),
        }
    }
    Some(folders.join("/"))
}

#[test]
fn every_relative_link_leads_to_a_file() {
    let mut wrong = Vec::new();
    for page in pages() {
        for target in link_targets(&required_text(&page)) {
            if let Some(path) = resolve(&page, &target)
                && !root().join(&path).exists()
            {
                wrong.push(format!("{page}: `{target}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_page_of_the_docs_is_linked_from_another() {
    let linked: BTreeSet<String> = pages()
        .iter()
        .flat_map(|page| {
            link_targets(&required_text(page))
                .into_iter()
                .filter_map(|target| resolve(page, &target))
                .filter(|path| path != page)
                .collect::<Vec<_>>()
        })
        .collect();
    let lost: Vec<String> = pages()
        .into_iter()
        .filter(|page| page.starts_with("docs/") && !linked.contains(page))
        .collect();
    assert!(lost.is_empty(), "nothing links to {lost:?}");
}

#[test]
fn links_are_found_outside_code_and_resolved_from_their_page() {
    let page = "See [a](../x.md#part) and [b](y.md \"title\"), not `[c](z.md)`.\n```\n[d](w.md)\n```\n[e](https://e.example)";
    let found: Vec<Option<String>> = link_targets(page)
        .iter()
        .map(|target| resolve("docs/page.md", target))
        .collect();
    assert_eq!(
        found,
        [Some("x.md".to_owned()), Some("docs/y.md".to_owned()), None]
    );
}

#[test]
fn every_test_that_the_page_of_checks_names_exists() {
    let page = required_text("docs/verification.md");
    let filters: Vec<(&str, &str)> = page
        .split('`')
        .filter_map(|code| code.strip_prefix("cargo test "))
        .map(|arguments| arguments.trim_start_matches("--all-features "))
        .filter_map(|arguments| arguments.strip_prefix("-p "))
        .filter_map(|arguments| arguments.split_once(" --test it "))
        .map(|(package, filter)| (package, filter.trim_end_matches(" -- --nocapture")))
        .collect();
    assert!(
        filters.len() > 20,
        "only {} checks are named",
        filters.len()
    );
    let tests: Vec<String> = tracked_files()
        .into_iter()
        .filter(|path| path.ends_with(".rs") && path.contains("/tests/it/"))
        .collect();
    for (package, filter) in filters {
        let folder = folder_of(package);
        // One of several modules that have a test of this name.
        let (module, name) = match filter.split_once("::") {
            Some((module, name)) => (format!("/{module}.rs"), name),
            None => (".rs".to_owned(), filter),
        };
        let exists = tests
            .iter()
            .filter(|path| path.starts_with(&folder) && path.ends_with(&module))
            .any(|path| {
                path.ends_with(&format!("/{name}.rs"))
                    || required_text(path).contains(&format!("fn {name}"))
            });
        assert!(exists, "no test of `{package}` is called `{filter}`");
    }
}

fn folder_of(package: &str) -> String {
    match package {
        "hallpass-cli" => "cli/".to_owned(),
        "orchestrator" | "tickets-service" => format!("examples/{package}/"),
        package => format!("crates/{package}/"),
    }
}

#[test]
fn every_test_that_the_page_of_traps_names_exists() {
    let page = required_text("docs/traps.md");
    let mut files = tracked_files();
    files.retain(|path| path.ends_with(".rs"));
    let sources: Vec<(String, String)> = files
        .into_iter()
        .map(|path| {
            let text = required_text(&path);
            (path, text)
        })
        .collect();
    let mut rows = 0;
    let mut wrong = Vec::new();
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [_, _, answer, named] = cells.as_slice() else {
            wrong.push(format!("not four cells: {row}"));
            continue;
        };
        if named.trim() == "test" {
            continue;
        }
        rows += 1;
        let names: Vec<&str> = named.split('`').skip(1).step_by(2).collect();
        // Without a test stands only what is not there yet.
        if names.is_empty() && !answer.starts_with("not in this version") {
            wrong.push(format!("no test: {row}"));
        }
        for name in names {
            let exists = name.split_once("::").is_some_and(|(package, test)| {
                let folder = folder_of(package);
                sources.iter().any(|(path, text)| {
                    path.starts_with(&folder) && text.contains(&format!("fn {test}("))
                })
            });
            if !exists {
                wrong.push(format!("`{name}` is nowhere"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(rows > 50, "only {rows} rows");
}
