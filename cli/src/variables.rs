//! Every variable of the environment this product reads. `docs/cli.md` lists the same, and a test holds both, the flags
//! they stand for and the number to this table.

/// The most there may be. Whoever needs another one finds one that can go.
#[cfg(test)]
pub(crate) const VARIABLES_MAX: usize = 20;

/// What all of them start with.
pub(crate) const PREFIX: &str = "HALLPASS_";

/// Stands in a name for an audience in capitals, `-` as `_`.
const AUDIENCE: &str = "<AUDIENCE>";

/// One variable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: &'static str,
    /// The flag that says the same and beats it; empty where no flag does.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the page and its test"))]
    pub(crate) flag: &'static str,
}

const fn variable(name: &'static str, flag: &'static str) -> Variable {
    Variable { name, flag }
}

/// All of them, alphabetically.
pub(crate) const VARIABLES: &[Variable] = &[
    variable("HALLPASS_AUTHORITY", "--authority"),
    variable("HALLPASS_CA_FILE", "--ca-file"),
    variable("HALLPASS_CLIENT_ID", "--client-id"),
    variable("HALLPASS_CLIENT_SECRET", "--client-secret-file"),
    variable("HALLPASS_DIR", "--dir"),
    variable("HALLPASS_ENV", "--env"),
    variable("HALLPASS_JOURNAL", "--journal"),
    variable("HALLPASS_LISTEN", "--listen"),
    variable("HALLPASS_LOG", "--log"),
    variable("HALLPASS_LOG_FORMAT", "--log-format"),
    variable("HALLPASS_OPERATOR_KEY", "--key"),
    variable("HALLPASS_PASSPHRASE", ""),
    variable("HALLPASS_SERVICE_<AUDIENCE>", "--url"),
    variable("HALLPASS_TOKEN", "--token"),
    variable("HALLPASS_TRUST_ROOT", "--trust-root"),
    variable("HALLPASS_URL", "--url"),
];

/// Whether somebody reads a variable of this name.
pub(crate) fn is_known(name: &str) -> bool {
    VARIABLES
        .iter()
        .any(|variable| match variable.name.strip_suffix(AUDIENCE) {
            Some(prefix) => name.len() > prefix.len() && name.starts_with(prefix),
            None => variable.name == name,
        })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    /// Those that say what no flag may say, and those no definition of a flag names.
    const READ_BY_HAND: [&str; 5] = [
        "HALLPASS_CLIENT_SECRET",
        "HALLPASS_PASSPHRASE",
        "HALLPASS_SERVICE_<AUDIENCE>",
        "HALLPASS_TOKEN",
        "HALLPASS_URL",
    ];

    /// Variables of tests, benches and fuzzing, which no user sets.
    const OF_TESTS: [&str; 21] = [
        "HALLPASS_BUSY",
        "HALLPASS_CASES",
        "HALLPASS_CUTS",
        "HALLPASS_FLEET",
        "HALLPASS_FLOOD",
        "HALLPASS_FUZZ_SEEDS",
        "HALLPASS_INSTRUCTIONS_CASE",
        "HALLPASS_JOURNAL_KILL_DIR",
        "HALLPASS_JOURNAL_STRACE_DIR",
        "HALLPASS_JOURNAL_TMPFS_DIR",
        "HALLPASS_KILLS",
        "HALLPASS_PARTITIONS",
        "HALLPASS_ROTATIONS",
        "HALLPASS_SEARCH",
        "HALLPASS_SEED",
        "HALLPASS_SERVICE_",
        "HALLPASS_TEST_PASSWORD",
        "HALLPASS_TEST_USER",
        "HALLPASS_UPDATE_DOCS",
        "HALLPASS_VECTORS",
        "HALLPASS_WRITE_VECTORS",
    ];

    fn collect(command: &clap::Command, found: &mut BTreeMap<String, BTreeSet<String>>) {
        for argument in command.get_arguments() {
            if let (Some(name), Some(flag)) = (argument.get_env(), argument.get_long()) {
                let flags = found.entry(name.to_str().unwrap().to_owned()).or_default();
                flags.insert(format!("--{flag}"));
            }
        }
        for command in command.get_subcommands() {
            collect(command, found);
        }
    }

    #[test]
    fn the_flags_and_the_table_name_the_same_variables() {
        assert!(VARIABLES.len() <= VARIABLES_MAX);
        assert!(VARIABLES.is_sorted_by_key(|variable| variable.name));
        let mut found = BTreeMap::new();
        collect(&Cli::command(), &mut found);
        for name in READ_BY_HAND {
            assert!(!found.contains_key(name), "{name} has a flag of its own");
            let flag = VARIABLES.iter().find(|it| it.name == name).unwrap().flag;
            found.insert(name.to_owned(), BTreeSet::from([flag.to_owned()]));
        }
        let table: BTreeMap<String, BTreeSet<String>> = VARIABLES
            .iter()
            .map(|it| (it.name.to_owned(), BTreeSet::from([it.flag.to_owned()])))
            .collect();
        assert_eq!(found, table);
    }

    #[test]
    fn the_page_lists_the_same() {
        let page = include_str!("../../docs/cli.md");
        let rows: Vec<(&str, &str)> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `HALLPASS_"))
            .map(|row| {
                let mut cells = row.split('|').map(str::trim);
                let name = cells.next().unwrap().trim_end_matches('`');
                (name, cells.next().unwrap().trim_matches('`'))
            })
            .collect();
        let table: Vec<(&str, &str)> = VARIABLES
            .iter()
            .map(|it| (it.name.strip_prefix(PREFIX).unwrap(), it.flag))
            .collect();
        assert_eq!(rows, table);
    }

    /// The names in the text of a source file.
    fn named(text: &str) -> impl Iterator<Item = &str> {
        text.match_indices(PREFIX).map(|(at, _)| {
            let rest = &text[at..];
            let end = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_');
            &rest[..end.unwrap_or(rest.len())]
        })
    }

    #[test]
    fn no_source_file_reads_another_one() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut directories: Vec<_> = ["cli", "crates", "examples"]
            .map(|part| root.join(part))
            .into();
        let (mut wrong, mut seen) = (BTreeSet::new(), 0);
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.ends_with("target") {
                    directories.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    seen += 1;
                    let names = named(&text).filter(|name| {
                        *name != PREFIX && !is_known(name) && !OF_TESTS.contains(name)
                    });
                    wrong.extend(names.map(|name| format!("{}: {name}", path.display())));
                }
            }
        }
        assert!(seen > 100, "{seen}");
        assert!(wrong.is_empty(), "not in the table: {wrong:#?}");
    }

    #[test]
    fn a_service_has_a_variable_of_its_own() {
        assert!(is_known("HALLPASS_SERVICE_TICKETS") && is_known("HALLPASS_ENV"));
        assert!(!is_known("HALLPASS_SERVICE_") && !is_known(&format!("{PREFIX}ENVIRONMENT")));
    }
}
