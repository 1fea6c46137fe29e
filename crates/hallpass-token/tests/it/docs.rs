//! The documents say what the code does.

use hallpass_token::limits;

use crate::fixtures::{admitted, grant, minted};

fn document(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_limits_are_the_documented_ones() {
    let text = document("token-format.md");
    for (name, value) in [
        ("TOKEN_BYTES_MAX", limits::TOKEN_BYTES_MAX as u64),
        ("TOKEN_TEXT_BYTES_MAX", limits::TOKEN_TEXT_BYTES_MAX as u64),
        ("BLOCKS_MAX", limits::BLOCKS_MAX as u64),
        ("TTL_SECONDS_MAX", limits::TTL_SECONDS_MAX),
        ("ISSUED_AHEAD_SECONDS_MAX", limits::ISSUED_AHEAD_SECONDS_MAX),
        ("TOOLS_MAX", limits::TOOLS_MAX as u64),
        ("AUDIENCES_MAX", limits::AUDIENCES_MAX as u64),
        ("ROLES_MAX", limits::ROLES_MAX as u64),
        ("APPROVAL_KEYS_MAX", limits::APPROVAL_KEYS_MAX as u64),
        ("BUDGET_AMOUNT_MAX", limits::BUDGET_AMOUNT_MAX),
        ("SET_ELEMENTS_MAX", limits::SET_ELEMENTS_MAX as u64),
        ("CHECKS_PER_BLOCK_MAX", limits::CHECKS_PER_BLOCK_MAX as u64),
        ("FACTS_MAX", limits::FACTS_MAX as u64),
        (
            "SYMBOLS_PER_BLOCK_MAX",
            limits::SYMBOLS_PER_BLOCK_MAX as u64,
        ),
        ("SYMBOL_BYTES_MAX", limits::SYMBOL_BYTES_MAX as u64),
        ("ARGUMENT_NAMES_MAX", limits::ARGUMENT_NAMES_MAX as u64),
        (
            "ARGUMENT_TEXT_BYTES_MAX",
            limits::ARGUMENT_TEXT_BYTES_MAX as u64,
        ),
        ("ITEMS_MAX", limits::ITEMS_MAX as u64),
        ("ALTERNATIVES_MAX", limits::ALTERNATIVES_MAX as u64),
        (
            "RULES_PER_ALTERNATIVE_MAX",
            limits::RULES_PER_ALTERNATIVE_MAX as u64,
        ),
        (
            "EITHER_TEXT_BYTES_MAX",
            limits::EITHER_TEXT_BYTES_MAX as u64,
        ),
        (
            "CAVEAT_WORDS_BYTES_MAX",
            limits::CAVEAT_WORDS_BYTES_MAX as u64,
        ),
    ] {
        let row = format!("| `{name}` | {value} |");
        assert!(text.contains(&row), "docs/token-format.md lacks `{row}`");
    }
}

#[test]
fn the_worked_example_is_a_token() {
    let text = document("token-format.md");
    let token = minted(&grant());
    assert!(
        text.contains(&admitted(token.expose()).datalog()[0]),
        "the Datalog of the worked example"
    );
    let wrapped: String = text.split_whitespace().collect();
    assert!(
        wrapped.contains(token.expose()),
        "the text of the worked example"
    );
}

#[test]
fn every_published_template_is_documented_as_it_is_printed() {
    let text = document("caveats.md");
    for words in [
        "expires before 2026-11-21T09:31:00Z",
        "only services kb, tickets",
        "only tools kb.search, tickets.get",
    ] {
        let caveat: hallpass_token::Caveat = words.parse().unwrap();
        assert!(text.contains(words), "docs/caveats.md lacks `{words}`");
        assert!(
            text.contains(&caveat.datalog()),
            "docs/caveats.md lacks `{}`",
            caveat.datalog()
        );
    }
}

#[test]
fn every_vector_the_caveat_tables_name_exists() {
    let vectors =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors/token");
    let text = document("caveats.md");
    let named: Vec<&str> = text
        .split('`')
        .filter(|word| word.starts_with("caveat_") && !word.contains(' '))
        .collect();
    assert!(named.len() >= 10, "{named:?}");
    for name in named {
        let code = hallpass_vocabulary::DenialCode::ALL
            .iter()
            .any(|code| code.as_str() == name);
        assert!(
            code || vectors.join(format!("{name}.json")).exists(),
            "no vector `{name}`"
        );
    }
}

#[test]
#[ignore = "prints the worked example for docs/token-format.md"]
fn print_worked_example() {
    let token = minted(&grant());
    println!(
        "{}\n{}",
        admitted(token.expose()).datalog()[0],
        token.expose()
    );
}
